"""All that people and programs see: the reporters of a run, the consoles, the tables, the JSON documents.

Results go to stdout, progress and failures to stderr. Colour comes only where a terminal shows it, or FORCE_COLOR
asks for it; NO_COLOR wins over both. Nothing moves on what is no terminal, whatever the environment says.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console

from orchestrator.adapters.clock import SystemClock
from orchestrator.adapters.live import LiveReporter
from orchestrator.adapters.plain import PlainReporter
from orchestrator.adapters.tables import (
    print_error,
    print_evidence,
    print_findings,
    print_plan,
    print_result,
    print_status,
)
from orchestrator.core.documents import check_json, error_json, plan_json, result_json, status_json
from orchestrator.core.model import PhaseName
from orchestrator.ports import Clock

__all__ = [
    "LiveReporter",
    "PlainReporter",
    "QuietReporter",
    "check_json",
    "error_json",
    "make_console",
    "make_reporter",
    "plan_json",
    "print_error",
    "print_evidence",
    "print_findings",
    "print_plan",
    "print_result",
    "print_status",
    "result_json",
    "status_json",
    "stderr",
    "stdout",
]


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
    phases: Sequence[str] = tuple(PhaseName),
) -> LiveReporter | PlainReporter | QuietReporter:
    """The reporter that fits stderr; enter it for as long as the command works.

    ``phases`` are those of the plan, in their order, for `phase 5/12`.
    """
    if quiet:
        return QuietReporter()
    console = stderr()
    clock = SystemClock() if clock is None else clock
    moving = sys.stderr.isatty() if stderr_is_terminal is None else stderr_is_terminal
    if moving and not console.is_dumb_terminal:
        return LiveReporter(console, clock, phases=phases, verbose=verbose)
    return PlainReporter(sys.stderr, clock, phases=phases, verbose=verbose)
