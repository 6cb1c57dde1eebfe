"""The laptop's clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """Implements ``ports.Clock``."""

    def now_utc(self) -> str:
        """Return the time as ISO 8601 with seconds and a Z."""
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def time(self) -> float:
        """Return the seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Return the seconds since some moment in the past; it never jumps."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep, letting other tasks run."""
        await asyncio.sleep(seconds)
