"""Opens the places where snapshots lie: picks the adapter, and brings a snapshot here to be read."""

from __future__ import annotations

import contextlib
import os
import posixpath
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from orchestrator.adapters.stores.folder import BackupFolder
from orchestrator.adapters.stores.master import measure, read_beside
from orchestrator.adapters.stores.spool import Spool, passing_spool
from orchestrator.app.cluster import Cluster
from orchestrator.core.snapshots.backups import MOST_FACTS_BYTES, beside
from orchestrator.core.snapshots.locations import Local, Objects, OnHost, Sftp, backup_place, place_of
from orchestrator.errors import OrchestratorError, UsageError, again, ours, program
from orchestrator.ports import BackupStore, HostError, Remote, Reporter

if TYPE_CHECKING:
    from orchestrator.adapters.stores.objects import ObjectFiles

LAPTOP = "laptop"


@dataclass(frozen=True, slots=True)
class Located:
    """A snapshot that can be read at ``path`` on this laptop for now. ``address`` says where it lies for good, in
    words that mean the same on another laptop; ``origin`` is the master that has it already; ``beside`` is the text of
    the `.json` beside it, empty where there is none."""

    path: Path
    address: str
    origin: OnHost | None = None
    beside: bytes = b""


@contextlib.asynccontextmanager
async def open_store(text: str) -> AsyncIterator[tuple[BackupStore, Spool]]:
    """Where backups shall lie, and where they arrive on this laptop before. Raises OrchestratorError."""
    async with contextlib.AsyncExitStack() as stack:
        match backup_place(text):
            case Local(path=path):
                folder = BackupFolder(Path(path))
                yield folder, folder.spool
            case Sftp() as place:
                from orchestrator.adapters.stores.sftp import open_sftp

                files = await stack.enter_async_context(open_sftp(place))
                yield files, stack.enter_context(private_spool())
            case Objects() as place:
                yield _objects(place), stack.enter_context(private_spool())


@contextlib.asynccontextmanager
async def located(text: str, reporter: Reporter, cluster: Cluster | None = None) -> AsyncIterator[Located]:
    """The snapshot of that place; one that lies elsewhere is read once, into a private file.

    Raises OrchestratorError.
    """
    with private_spool_for(text) as spool:
        yield await fetch(text, spool, reporter, cluster) if spool else here(text)


def here(text: str) -> Located:
    """A file on this laptop, whether it is there or not."""
    path = Path(text)
    facts = b""
    with contextlib.suppress(OSError):
        if name := beside(text):
            with Path(name).open("rb") as file:
                facts = file.read(MOST_FACTS_BYTES)
    return Located(path, str(path.absolute()), beside=facts)


async def fetch(text: str, spool: Spool, reporter: Reporter, cluster: Cluster | None = None) -> Located:
    """Brings a file that lies elsewhere into the spool. Raises OrchestratorError."""
    place = place_of(text)
    name = posixpath.basename(str(place))
    reporter.note(f"reading {place}: it is brought here once, and not kept")
    match place:
        case OnHost():
            remote = _master(place, cluster)
            await _receive(spool, name, reporter, *await _on_host(place, remote))
            facts = await read_beside(remote, place.path)
        case Sftp():
            from orchestrator.adapters.stores.sftp import open_sftp

            async with open_sftp(place) as files:
                await _receive(spool, name, reporter, await files.size_bytes(), files.chunks())
                facts = await files.beside()
        case Objects():
            objects = _objects(place)
            await _receive(spool, name, reporter, await objects.size_bytes(), objects.chunks())
            facts = await objects.beside()
        case Local():
            return here(text)
    return Located(spool.part(name), str(place), place if isinstance(place, OnHost) else None, facts)


async def _receive(spool: Spool, name: str, reporter: Reporter, size_bytes: int, chunks: AsyncIterator[bytes]) -> None:
    try:
        await spool.receive(name, chunks, lambda done: reporter.moved(LAPTOP, done, size_bytes))
    except HostError as error:
        raise OrchestratorError(str(error), again()) from error


def _master(place: OnHost, cluster: Cluster | None) -> Remote:
    """The master that has the file. Raises OrchestratorError."""
    if cluster is None:
        raise UsageError(f"{place} is on a host: name the inventory with -i; a file here is written ./NAME")
    names = [host.name for host in cluster.inventory.masters]
    if place.host not in names:
        raise UsageError(
            f"{place.host} is not a master of the inventory (expected one of {', '.join(names)}); "
            "a file here is written ./NAME"
        )
    remote = cluster.remotes.get(place.host)
    if remote is None:
        cluster.refuse_silent_masters()
        raise OrchestratorError(f"{place.host} does not answer", ours("check"))
    return remote


async def _on_host(place: OnHost, remote: Remote) -> tuple[int, AsyncIterator[bytes]]:
    try:
        size_bytes, _ = await measure(remote, place.path, hashed=False)
    except HostError as error:
        raise UsageError(str(error)) from error
    return size_bytes, remote.read(place.path)


def private_spool_for(text: str) -> contextlib.AbstractContextManager[Spool | None]:
    """None for a file on this laptop, which needs none. Raises UsageError."""
    return contextlib.nullcontext() if isinstance(place_of(text), Local) else private_spool()


def private_spool() -> contextlib.AbstractContextManager[Spool]:
    """On a disk, unlike /tmp on many a machine; elsewhere where TMPDIR says so."""
    temporary = os.environ.get("TMPDIR")
    below = Path(temporary) / "orchestrator" if temporary else platformdirs.user_cache_path("orchestrator")
    return passing_spool(below)


def _objects(place: Objects) -> ObjectFiles:
    try:
        from orchestrator.adapters.stores.objects import ObjectFiles
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{place.scheme}:// needs a library that is not installed: {error.name}; without pipx: pip install obstore",
            program("pipx", "inject", "orchestrator", "obstore"),
        ) from error
    return ObjectFiles(place)
