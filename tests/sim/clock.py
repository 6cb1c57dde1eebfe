"""Virtual time: an event loop that never waits, and its clock."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
EPOCH = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
FOR_EVER_S = 10.0**6
"""Seconds, about eleven days. No story lasts longer, so a task that still waits then never ends."""


class StuckError(AssertionError):
    """Raised if all tasks wait and no event can wake one."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Event loop that runs tasks in the order in which they become ready, so that every run is the same.

    asyncio's loop sleeps until the next timer; this loop sets its clock to that time. It reads no input from outside,
    and it compares timers as tuples. Together these save a tenth of the time of all simulations.
    """

    _ready: deque[asyncio.Handle]

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return self._now_s

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heappush(self._timers, (when, next(self._order), timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Do nothing: `_run_once` skips a cancelled timer."""

    def _run_once(self) -> None:
        timers, ready = self._timers, self._ready
        if not ready:
            while timers and timers[0][2].cancelled():
                heappop(timers)
            if not timers or self._now_s > FOR_EVER_S:
                raise StuckError(f"at {self._now_s:g} s")
            self._now_s = max(self._now_s, timers[0][0])
        while timers and timers[0][0] <= self._now_s:
            ready.append(heappop(timers)[2])
        for _ in range(len(ready)):
            if not (handle := ready.popleft()).cancelled():
                handle._run()


def play(story: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine in virtual time, then cancel the tasks that it has left."""
    ends: list[T] = []

    async def told() -> None:
        ends.append(await story)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(told())  # not ``story``: Runner installs a signal handler and makes a repr of the result for it
    return ends[0]


class VirtualClock:
    """Implement ``ports.Clock`` on the running loop."""

    def now_utc(self) -> str:
        return (EPOCH + timedelta(seconds=self.monotonic())).strftime("%Y-%m-%dT%H:%M:%SZ")

    def time(self) -> float:
        return EPOCH.timestamp() + self.monotonic()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
