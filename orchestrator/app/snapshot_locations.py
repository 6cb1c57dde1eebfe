"""Picks the adapter for a snapshot's location, and copies the file to this laptop to be read."""

from __future__ import annotations

import contextlib
import os
import posixpath
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from orchestrator.adapters.stores.folder import BackupFolder, LocalSnapshot
from orchestrator.adapters.stores.master import MasterSnapshot
from orchestrator.adapters.stores.spool import Spool, passing_spool
from orchestrator.app.cluster import Cluster
from orchestrator.core.snapshots.locations import Destination, Local, Location, Objects, OnHost, Sftp
from orchestrator.errors import OrchestratorError, UsageError, ours, program
from orchestrator.ports import BackupStore, Remote, Reporter, StoredSnapshot

if TYPE_CHECKING:
    from orchestrator.adapters.stores.objects import ObjectFiles
    from orchestrator.adapters.stores.sftp import SftpFiles

LAPTOP = "laptop"


@dataclass(frozen=True, slots=True)
class Located:
    """A snapshot that can be read at ``path`` on this laptop for now. ``address`` is its own location, which means the
    same on another laptop; ``origin`` is the master that has it already; ``facts`` is the text of the `.json` beside
    it, empty if there is none."""

    path: Path
    address: str
    origin: OnHost | None = None
    facts: bytes = b""


@contextlib.asynccontextmanager
async def open_store(destination: Destination) -> AsyncIterator[tuple[BackupStore, Spool]]:
    """The store for backups, and the folder on this laptop in which they arrive first. Raises OrchestratorError."""
    if isinstance(destination, Local):
        folder = BackupFolder(Path(destination.path))
        yield folder, folder.spool
    else:
        async with _open_away(destination) as files:
            with private_spool() as spool:
                yield files, spool


@contextlib.asynccontextmanager
async def open_location(location: Location, cluster: Cluster | None = None) -> AsyncIterator[StoredSnapshot]:
    """The snapshot there. Raises OrchestratorError."""
    if isinstance(location, Local):
        yield LocalSnapshot(Path(location.path))
    elif isinstance(location, OnHost):
        yield MasterSnapshot(_master(location, cluster), location.path, cluster.scripts if cluster else {})
    else:
        async with _open_away(location) as files:
            yield files


@contextlib.asynccontextmanager
async def _open_away(location: Sftp | Objects) -> AsyncIterator[SftpFiles | ObjectFiles]:
    if isinstance(location, Objects):
        yield _objects(location)
    else:
        from orchestrator.adapters.stores.sftp import open_sftp

        async with open_sftp(location) as files:
            yield files


@contextlib.asynccontextmanager
async def located(location: Location, reporter: Reporter, cluster: Cluster | None = None) -> AsyncIterator[Located]:
    """The snapshot of that location; one that is stored elsewhere is copied once, into a private file.

    Raises OrchestratorError.
    """
    with private_spool_for(location) as spool:
        yield await fetch(location, spool, reporter, cluster)


async def fetch(location: Location, spool: Spool | None, reporter: Reporter, cluster: Cluster | None = None) -> Located:
    """Copy a file that is stored elsewhere into the spool; without a spool, it is read where it is.

    Raises OrchestratorError.
    """
    if spool:
        reporter.note(f"reading {location}: copied to this laptop once, and deleted afterwards")
    async with open_location(location, cluster) as stored:
        if spool is None:
            return Located(Path(str(location)), _absolute(location), facts=await stored.facts())
        name, size_bytes = posixpath.basename(str(location)), await stored.size_bytes()
        await spool.receive(name, stored.chunks(), lambda done: reporter.moved(LAPTOP, done, size_bytes))
        origin = location if isinstance(location, OnHost) else None
        return Located(spool.part(name), str(location), origin, await stored.facts())


def _absolute(location: Location) -> str:
    return str(Path(str(location)).absolute())


def _master(location: OnHost, cluster: Cluster | None) -> Remote:
    """The master that has the file. Raises OrchestratorError."""
    if cluster is None:
        raise UsageError(f"{location} is on a host: name the inventory with -i; a file here is written ./NAME")
    names = [host.name for host in cluster.inventory.masters]
    if location.host not in names:
        raise UsageError(
            f"{location.host} is not a master of the inventory (expected one of {', '.join(names)}); "
            "a file here is written ./NAME"
        )
    remote = cluster.remotes.get(location.host)
    if remote is None:
        cluster.refuse_silent_masters()
        raise OrchestratorError(f"{location.host} does not answer", ours("check"))
    return remote


def private_spool_for(location: Location) -> contextlib.AbstractContextManager[Spool | None]:
    """None for a file on this laptop, which needs none."""
    return contextlib.nullcontext() if isinstance(location, Local) else private_spool()


def private_spool() -> contextlib.AbstractContextManager[Spool]:
    """On a disk, unlike /tmp on many a machine; elsewhere where TMPDIR says so."""
    temporary = os.environ.get("TMPDIR")
    below = Path(temporary) / "orchestrator" if temporary else platformdirs.user_cache_path("orchestrator")
    return passing_spool(below)


def _objects(location: Objects) -> ObjectFiles:
    try:
        from orchestrator.adapters.stores.objects import ObjectFiles
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{location.scheme}:// needs a library that is not installed: {error.name}; "
            "without pipx: pip install obstore",
            program("pipx", "inject", "orchestrator", "obstore"),
        ) from error
    return ObjectFiles(location)
