"""Consoles that write into memory, a clock that stands still, and texts kept in `golden/`."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from orchestrator.adapters.screen.report import make_console

GOLDEN = Path(__file__).parent / "core" / "report" / "golden"
Printed = Callable[..., str]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Printed:
    """Calls a `print_...` function with a console of ``width`` columns that is no terminal; returns its text."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)

    def call(function: Callable[..., None], *args: object, width: int = 80, **options: object) -> str:
        console = make_console(io.StringIO())
        console.width = width
        function(console, *args, **options)
        return text_of(console)

    return call


def text_of(console: Console) -> str:
    """What was written to a console in memory, without the blanks that fill its lines."""
    assert isinstance(console.file, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


def assert_golden(name: str, text: str) -> None:
    """Compares with a kept text. `UPDATE_GOLDEN=1 pytest tests/unit/core/report` rewrites it; read the diff."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@dataclass
class StillClock:
    """Implements ``ports.Clock``; time passes when the test says so."""

    now_s: float = 1000.0

    def now_utc(self) -> str:
        start = datetime(2026, 11, 22, 3, 10, 0, tzinfo=UTC)
        return (start + timedelta(seconds=self.now_s - 1000)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def time(self) -> float:
        return self.now_s

    def monotonic(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock() -> StillClock:
    return StillClock()
