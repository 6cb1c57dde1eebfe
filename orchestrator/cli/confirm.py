"""Confirmations that the operator must give before anything changes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from orchestrator.errors import NotConfirmedError, again

if TYPE_CHECKING:
    from orchestrator.app.cluster import Cluster
    from orchestrator.core.inventory.inventory import Host
    from orchestrator.core.model.cost import ResourceCost
    from orchestrator.core.model.plan import Plan


async def confirm_plan(
    cluster: Cluster, made: Plan, confirm: str | None, verbose: int, rows: tuple[ResourceCost, ...] = ()
) -> None:
    """Show the plan, and every object that ``rows`` name.

    Raises NotConfirmedError unless the cluster's name was given, or is typed on a terminal.
    """
    from orchestrator.adapters.screen import report
    from orchestrator.app.terminal import ask

    name = made.inventory.cluster
    with cluster.reporter.aside():
        report.print_plan(report.stderr(), made, verbose=verbose, rows=rows)
        if confirm is None and sys.stdin.isatty():
            confirm = await ask(f"Type the cluster's name to confirm ({name}): ")
    if confirm is None:
        raise NotConfirmedError("not confirmed: no terminal to ask on", again("--confirm", name))
    if confirm != name:
        raise NotConfirmedError(f"not confirmed: the cluster is {name}, not {confirm!r}")


async def confirm_destroyed(cluster: Cluster, left_out: tuple[Host, ...], destroyed: list[str] | None) -> None:
    """Raises NotConfirmedError unless the operator confirms for each left-out master that its old disk is gone."""
    from orchestrator.app.terminal import ask

    for name in (host.name for host in left_out if host.name not in (destroyed or ())):
        said = ""
        if sys.stdin.isatty():
            with cluster.reporter.aside():
                said = await ask(
                    f"If {name} ever starts on its old disk, it can join the restored cluster and corrupt it. If it is "
                    f"destroyed, or that disk is removed for good, type its name ({name}): "
                )
        if said != name:
            raise NotConfirmedError(
                f"not confirmed: {name} is left out, but its old disk may still exist",
                again("--destroyed", name),
            )
