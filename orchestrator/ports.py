"""The interfaces through which the coordinator reaches the world."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from orchestrator.core.model.outcome import Command, Outcome, Output, Settled
    from orchestrator.core.snapshots.backups import BackupFacts, Kept
    from orchestrator.core.transfer.chains import Chain

Progress = Callable[[int], None]
"""Called with the number of bytes moved so far."""


class Source(Protocol):
    """Bytes to push: a file on the laptop or on another host."""

    @property
    def size_bytes(self) -> int: ...

    def chunks(self, offset: int) -> AsyncIterator[bytes]:
        """Yield the bytes from ``offset`` on, in pieces of at most 1 MiB: larger ones would block the event loop."""
        ...

    async def sha256(self, length: int) -> str:
        """Return the sha256 of the first ``length`` bytes."""
        ...


class BackupStore(Protocol):
    """A place that keeps backups, each with its facts beside it. All methods raise OrchestratorError if it refuses."""

    @property
    def link(self) -> str:
        """The name under which progress is reported while a backup is uploaded; empty if there is nothing to upload."""
        ...

    async def keep(self, name: str, part: Path, facts: BackupFacts, progress: Progress) -> str:
        """Upload the laptop's file, prove that the stored bytes are the same, and only then make it a backup.

        Returns its address. If it raises, there is no backup of that name.
        """
        ...

    async def backups(self, cluster: str) -> tuple[Kept, ...]:
        """Return the backups of that cluster, by name."""
        ...

    async def remove(self, name: str) -> None:
        """Delete a backup, then its facts."""
        ...


class StoredSnapshot(Protocol):
    """A snapshot file, wherever it is stored. Every method raises OrchestratorError if the file cannot be read."""

    async def size_bytes(self) -> int: ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The whole file, in pieces."""
        ...

    async def facts(self) -> bytes:
        """The text of the facts stored with it; empty if there are none, or they cannot be read."""
        ...


class Remote(Protocol):
    """One host. No verb raises for what the host does or fails to do: failures are values.

    An act runs once per (step, attempt), whoever is watching; asking again joins it or returns its end.
    """

    @property
    def name(self) -> str: ...

    async def look(self, command: Command) -> Output:
        """Run a command that changes nothing. It may be repeated after a broken connection."""
        ...

    async def act(self, step: str, attempt: str, command: Command) -> Outcome:
        """Start the act detached under the host's lock, or join it, and wait for its end."""
        ...

    async def push(
        self, source: Source, path: str, sha256: str, attempt: str, progress: Progress | None = None
    ) -> Outcome:
        """Copy a file to ``path``, whole and hashed, or leave no file of that name."""
        ...

    def read(self, path: str) -> AsyncIterator[bytes]:
        """Yield the bytes of a file. Raises HostError if it cannot be read to its end."""
        ...

    async def settle(self, run: str, attempt: str, wait_s: float) -> Settled:
        """Wait until no older act runs, fence older attempts, and report the acts' markers.

        From here on a heartbeat shows other laptops that this attempt is alive.
        """
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Load:
    """One file to copy to several hosts. ``paths`` has its path by host: the target's, or the existing file's on a
    giver."""

    source: Source
    sha256: str
    attempt: str
    paths: Mapping[str, str]


class Witness(Protocol):
    """Receives events of a chain."""

    def moved(self, host: str, done_bytes: int) -> None:
        """That many bytes of the file, unpacked, are on that host."""
        ...

    def arrived(self, host: str, outcome: Outcome) -> None:
        """The host has the whole file, or can no longer get it. A host whose stream was cut is not reported."""
        ...

    def broken(self, giver: str, taker: str, why: str) -> None:
        """That giver could not send to that taker."""
        ...


class Carrier(Protocol):
    """Copies a file to several hosts. No method raises for what a host does: failures are values."""

    def reaches(self, host: str) -> bool:
        """Return whether there is a connection to that host."""
        ...

    async def standing(self, host: str, load: Load) -> int | Outcome:
        """Return how many verified bytes of the file that host has, or an outcome: whole, fenced or silent."""
        ...

    async def carry(self, chain: Chain, load: Load, witness: Witness) -> None:
        """Fill the hosts of a chain. Returns when nothing flows any more; if cancelled, it leaves nothing running."""
        ...


class HostError(Exception):
    """A host could not deliver a file; only ``Remote.read`` raises it."""


class WallClock(Protocol):
    def now_utc(self) -> str:
        """Return the time as ISO 8601 with seconds and a Z."""
        ...

    def time(self) -> float:
        """Return the seconds since 1970."""
        ...


class Clock(WallClock, Protocol):
    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class Journal(Protocol):
    """The laptop's history of a run: append-only, every line on disk before the call returns."""

    def write(self, kind: str, **fields: Any) -> None: ...

    @property
    def folder(self) -> Path: ...


class Reporter(Protocol):
    """Shows the progress of a run. Holds no logic: without it only the screen changes."""

    def begin(self, phases: tuple[str, ...]) -> None:
        """Called once, before the first phase, with all phases of the plan in order."""
        ...

    def phase(self, name: str, title: str, hosts: tuple[str, ...]) -> None: ...

    def step(self, host: str, step: str, state: str, detail: str = "") -> None: ...

    def moved(self, host: str, done_bytes: int, total_bytes: int) -> None: ...

    def waiting(self, phase: str, reasons: dict[str, str]) -> None: ...

    def note(self, text: str) -> None: ...

    def aside(self) -> AbstractContextManager[None]:
        """Hide the progress display while the operator answers a question."""
        ...
