"""Work on several hosts at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from orchestrator.ports import Clock

Work = TypeVar("Work")
End = TypeVar("End")


async def side_by_side(
    pieces: Iterable[Work], do: Callable[[Work], Awaitable[End]], clock: Clock, apart_s: float = 0.0
) -> list[End]:
    """Does all pieces, and returns their ends in the same order. With ``apart_s``, each begins when the former has
    ended, or after that many seconds. Raises what the first piece raises; then no further piece begins."""
    running: list[asyncio.Future[End]] = []
    for piece in pieces:
        running.append(asyncio.ensure_future(do(piece)))
        if apart_s:
            pause = asyncio.ensure_future(clock.sleep(apart_s))
            both: set[asyncio.Future[Any]] = {running[-1], pause}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            pause.cancel()
            if running[-1].done() and running[-1].exception():
                break
    return await asyncio.gather(*running)
