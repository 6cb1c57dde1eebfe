"""Which reporter follows a command, and which consoles it writes to. What a command does not need is not loaded."""

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
    """Shows nothing: what fails is told by the error at the end. Implements ``ports.Reporter``."""

    def __enter__(self) -> QuietReporter:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Nothing to step aside with."""
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
    """A console that takes texts literally: no markup, no emoji, no guessed highlights."""
    from rich.console import Console

    return Console(file=stream, markup=False, emoji=False, highlight=False)


def stdout() -> Console:
    """Where results go."""
    return make_console(sys.stdout)


def stderr() -> Console:
    """Where progress and failures go."""
    return make_console(sys.stderr)


def make_reporter(
    *,
    quiet: bool = False,
    verbose: int = 0,
    stderr_is_terminal: bool | None = None,
    clock: Clock | None = None,
    phases: Sequence[str] = (),
) -> LiveReporter | PlainReporter | QuietReporter:
    """The reporter that fits stderr; enter it for as long as the command works.

    ``phases`` are those of the plan, in their order, for `phase 5/12`; a run tells them when it begins.
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
