"""The begin of a command that asks hosts: opens the cluster's connections and a reporter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.adapters.stores.spool import Spool
    from orchestrator.app.cluster import Cluster
    from orchestrator.app.snapshot_locations import Located
    from orchestrator.core.inventory.inventory import Inventory
    from orchestrator.core.snapshots.locations import Location
    from orchestrator.ports import Reporter


@asynccontextmanager
async def opened(
    inventory: Path | Inventory, *, quiet: bool, without: list[str] | None = None
) -> AsyncIterator[Cluster]:
    """The cluster, with a reporter, while the connections are open."""
    from orchestrator.adapters.inventory_file import load_inventory
    from orchestrator.adapters.screen import report
    from orchestrator.app.cluster import open_cluster

    if isinstance(inventory, Path):
        inventory = load_inventory(inventory)
    inventory = inventory.leave_out(without or ())
    with report.make_reporter(quiet=quiet) as reporter:
        async with open_cluster(inventory, reporter) as cluster:
            yield cluster


@asynccontextmanager
async def opened_with(
    snapshot: str, inventory: Path, *, quiet: bool, without: list[str] | None = None
) -> AsyncIterator[tuple[Cluster, Located]]:
    """The same, with a snapshot that can be read on this laptop while the connections are open."""
    from orchestrator.app.snapshot_locations import located
    from orchestrator.core.snapshots.locations import parse_location

    location = parse_location(snapshot)
    async with (
        opened(inventory, quiet=quiet, without=without) as cluster,
        located(location, cluster.reporter, cluster) as found,
    ):
        yield cluster, found


@asynccontextmanager
async def opened_maybe_with(
    snapshot: str | None, inventory: Path, *, quiet: bool, without: list[str] | None = None
) -> AsyncIterator[tuple[Cluster, Located | None]]:
    """The same, without a snapshot if none is named."""
    if snapshot:
        async with opened_with(snapshot, inventory, quiet=quiet, without=without) as (cluster, found):
            yield cluster, found
    else:
        async with opened(inventory, quiet=quiet, without=without) as cluster:
            yield cluster, None


@contextmanager
def read_alone(snapshot: str, inventory: Path | None, *, quiet: bool) -> Iterator[tuple[Located, Reporter]]:
    """A snapshot for a command that asks no host. One that is stored elsewhere is copied first, so that reading it can
    be interrupted like reading a local file."""
    from orchestrator.adapters.screen.reporters import make_reporter
    from orchestrator.app.snapshot_locations import private_spool_for
    from orchestrator.core.snapshots.locations import parse_location

    location = parse_location(snapshot)
    with private_spool_for(location) as spool:
        found = asyncio.run(_bring(location, spool, inventory if spool else None, quiet=quiet or not spool))
        with make_reporter(quiet=quiet) as reporter:
            yield found, reporter


async def _bring(location: Location, spool: Spool | None, inventory: Path | None, *, quiet: bool) -> Located:
    from orchestrator.adapters.screen.reporters import make_reporter
    from orchestrator.app.snapshot_locations import fetch

    try:
        if inventory:
            async with opened(inventory, quiet=quiet) as cluster:
                return await fetch(location, spool, cluster.reporter, cluster)
        with make_reporter(quiet=quiet) as reporter:
            return await fetch(location, spool, reporter)
    except asyncio.CancelledError as error:
        raise KeyboardInterrupt from error
