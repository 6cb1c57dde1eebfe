"""Virtual time: an event loop that never waits, and the clock that goes with it."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")
EPOCH = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
FOR_EVER_S = 10.0**6
"""Nothing simulated lasts eleven days: whoever still waits then waits for ever."""


class StuckError(AssertionError):
    """Everyone waits, and nothing will wake them."""


class _Jump(selectors.SelectSelector):
    """Where a real loop would sleep until its next timer, this one makes it that time."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or self.now_s > FOR_EVER_S:
            raise StuckError(f"at {self.now_s:g} s")
        self.now_s += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Tasks take turns in the order in which they became ready, so that a run is the same every time."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now_s


def play(story: Coroutine[Any, Any, T]) -> T:
    """Runs the coroutine in virtual time; what it left behind is cancelled."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(story)


class VirtualClock:
    """Implements ``ports.Clock`` on the running loop."""

    def now_utc(self) -> str:
        return (EPOCH + timedelta(seconds=self.monotonic())).strftime("%Y-%m-%dT%H:%M:%SZ")

    def time(self) -> float:
        return EPOCH.timestamp() + self.monotonic()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
