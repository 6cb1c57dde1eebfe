"""What the coordinator needs of the world, and nothing more."""

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
        """The bytes from ``offset`` on, in pieces of at most 1 MiB: more at once would hold the event loop up."""
        ...

    async def sha256(self, length: int) -> str:
        """The sha256 of the first ``length`` bytes."""
        ...


class BackupStore(Protocol):
    """Where backups lie, each with its facts beside it. All methods raise OrchestratorError where it refuses."""

    @property
    def link(self) -> str:
        """What progress is told of while a backup is brought there; empty where it need not be."""
        ...

    async def keep(self, name: str, part: Path, facts: BackupFacts, progress: Progress) -> str:
        """Brings the laptop's file there, proves that it is what lies there, and only then makes it a backup.

        Returns its address. Where it raises, there is no backup of that name.
        """
        ...

    async def backups(self, cluster: str) -> tuple[Kept, ...]:
        """Those of that cluster, by their names."""
        ...

    async def remove(self, name: str) -> None:
        """A backup, then its facts."""
        ...


class Remote(Protocol):
    """One host. No verb raises for what the host does or fails to do: failures are values.

    An act runs once per (step, attempt), whoever is watching; asking again joins it or returns its end.
    """

    @property
    def name(self) -> str: ...

    async def look(self, command: Command) -> Output:
        """Run something that changes nothing. May be repeated after a broken connection."""
        ...

    async def act(self, step: str, attempt: str, command: Command) -> Outcome:
        """Start the act detached under the host's lock, or join it, and wait for its end."""
        ...

    async def push(
        self, source: Source, path: str, sha256: str, attempt: str, progress: Progress | None = None
    ) -> Outcome:
        """Bring a file to ``path``, whole and hashed, or leave no file of that name."""
        ...

    def read(self, path: str) -> AsyncIterator[bytes]:
        """The bytes of a file. Raises HostError when it cannot be read to its end."""
        ...

    async def settle(self, run: str, attempt: str, wait_s: float) -> Settled:
        """Wait until no older act runs, fence older attempts, and report the acts' markers.

        From here on a heartbeat tells other laptops that this one is alive.
        """
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Load:
    """One file on its way to several hosts. ``paths`` are where it is to lie, and where it lies on a giver."""

    source: Source
    sha256: str
    attempt: str
    paths: Mapping[str, str]


class Witness(Protocol):
    """Is told how a chain goes."""

    def moved(self, host: str, done_bytes: int) -> None:
        """So much of the file, unpacked, lies on that host."""
        ...

    def arrived(self, host: str, outcome: Outcome) -> None:
        """The host has the file whole, or can have it no more. A host whose bytes were cut is not spoken of."""
        ...

    def broken(self, giver: str, taker: str, why: str) -> None:
        """That master could hand nothing on to that one."""
        ...


class Carrier(Protocol):
    """Brings a file to several hosts. No method raises for what a host does: failures are values."""

    def reaches(self, host: str) -> bool:
        """Whether there is a connection to that host."""
        ...

    async def standing(self, host: str, load: Load) -> int | Outcome:
        """How many bytes that host has of the file, verified, or how it stands otherwise: whole, fenced, silent."""
        ...

    async def carry(self, chain: Chain, load: Load, witness: Witness) -> None:
        """Fills the hosts of a chain. Returns when nothing flows any more; cancelled, it leaves nothing running."""
        ...


class HostError(Exception):
    """A host could not deliver a file; only ``Remote.read`` raises it."""


class WallClock(Protocol):
    def now_utc(self) -> str:
        """ISO 8601 with seconds and a Z."""
        ...

    def time(self) -> float:
        """Seconds since 1970."""
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
    """Shows a run as it goes. Holds no logic: leaving it out changes nothing but the screen."""

    def begin(self, phases: tuple[str, ...]) -> None:
        """Told once, before the first phase: all phases of the plan, in their order."""
        ...

    def phase(self, name: str, title: str, hosts: tuple[str, ...]) -> None: ...

    def step(self, host: str, step: str, state: str, detail: str = "") -> None: ...

    def moved(self, host: str, done_bytes: int, total_bytes: int) -> None: ...

    def waiting(self, phase: str, reasons: dict[str, str]) -> None: ...

    def note(self, text: str) -> None: ...

    def aside(self) -> AbstractContextManager[None]:
        """Leaves the screen to a question."""
        ...
