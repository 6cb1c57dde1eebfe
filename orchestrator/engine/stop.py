"""Why a run starts no new steps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Stop:
    """Set by the first signal, or by a full disk on the laptop: no new steps start, and running ones finish.

    Before a run has begun, no step is running, and a signal ends the command at once.
    """

    signal_number: int = 0
    gracefully: bool = False
    disk: str = ""

    @property
    def requested(self) -> bool:
        return bool(self.signal_number or self.disk)
