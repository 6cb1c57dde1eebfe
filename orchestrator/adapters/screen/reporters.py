"""The choice of a command's reporter and consoles. Modules that a command does not need are not loaded."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

    from orchestrator.adapters.screen.live import LiveReporter
    from orchestrator.adapters.screen.plain import PlainReporter
    from orchestrator.ports import Clock


class QuietReporter:
    """Shows nothing: the error at the end reports a failure. Implements ``ports.Reporter``."""

    def __enter__(self) -> QuietReporter:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Do nothing: there is no display to hide."""
        yield

    def begin(self, phases: tuple[str, ...]) -> None:
        pass

    def phase(self, name: str, title: str, hosts: tuple[str, ...]) -> None:
        pass

    def step(self, host: str, step: str, state: str, detail: str = "") -> None:
        pass

    def moved(self, host: str, done_bytes: int, total_bytes: int) -> None:
        pass

    def waiting(self, phase: str, reasons: dict[str, str]) -> None:
        pass

    def note(self, text: str) -> None:
        pass


def make_console(stream: TextIO) -> Console:
    """Return a console that prints texts literally: no markup, no emoji, no guessed highlights."""
    from rich.console import Console

    return Console(file=stream, markup=False, emoji=False, highlight=False)


def stdout() -> Console:
    """Return the console for results."""
    return make_console(sys.stdout)


def stderr() -> Console:
    """Return the console for progress and failures."""
    return make_console(sys.stderr)


def make_reporter(
    *,
    quiet: bool = False,
    verbose: int = 0,
    stderr_is_terminal: bool | None = None,
    clock: Clock | None = None,
    phases: Sequence[str] = (),
) -> LiveReporter | PlainReporter | QuietReporter:
    """Return the reporter that fits stderr; use it as a context manager while the command runs.

    ``phases`` are those of the plan, in order, for `phase 5/12`; a run sets them when it starts.
    """
    if quiet:
        return QuietReporter()
    from orchestrator.adapters.clock import SystemClock

    console = stderr()
    clock = SystemClock() if clock is None else clock
    moving = sys.stderr.isatty() if stderr_is_terminal is None else stderr_is_terminal
    if moving and not console.is_dumb_terminal:
        from orchestrator.adapters.screen.live import LiveReporter

        return LiveReporter(console, clock, phases=phases, verbose=verbose)
    from orchestrator.adapters.screen.plain import PlainReporter

    return PlainReporter(sys.stderr, clock, phases=phases, verbose=verbose)
