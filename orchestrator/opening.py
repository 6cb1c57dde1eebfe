"""How a command begins that asks hosts: with the cluster's connections, and a reporter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.app.wiring import Cluster
    from orchestrator.core.inventory import Inventory


@asynccontextmanager
async def opened(
    inventory: Path | Inventory, *, quiet: bool, without: list[str] | None = None
) -> AsyncIterator[Cluster]:
    """The cluster, with a reporter for as long as the connections stand."""
    from orchestrator.adapters import report
    from orchestrator.adapters.files import load_inventory
    from orchestrator.app.wiring import open_cluster

    if isinstance(inventory, Path):
        inventory = load_inventory(inventory)
    inventory = inventory.leave_out(without or ())
    with report.make_reporter(quiet=quiet) as reporter:
        async with open_cluster(inventory, reporter) as cluster:
            yield cluster
