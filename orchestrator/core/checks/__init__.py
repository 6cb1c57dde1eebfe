"""Checks before anything changes: pure functions from what was declared and observed to findings.

If there is a blocker, no plan is made. A finding with `can_override` can be overridden by its name: `--override NAME`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from orchestrator.core.checks.bump import bump
from orchestrator.core.checks.cluster import addresses_fit, clients_answered, left_out, members_fit, policy, quorum
from orchestrator.core.checks.hosts import NEEDED_TOOLS, api_is_known, host_is_usable, tools
from orchestrator.core.checks.manual import manual
from orchestrator.core.checks.options import AIDED, Way
from orchestrator.core.checks.snapshot import snapshot_fits
from orchestrator.core.checks.trust import certificates, trust_is_shared
from orchestrator.core.checks.volume import WAL_BYTES, data_volume, room
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Inventory
from orchestrator.core.model.finding import Finding, Severity, in_order, overridden
from orchestrator.etcd.snapshot import SnapshotFacts

__all__ = ["AIDED", "NEEDED_TOOLS", "WAL_BYTES", "Way", "blockers", "check_all", "left_out"]


def check_all(
    inventory: Inventory,
    snapshot: SnapshotFacts | None,
    views: Mapping[str, MasterView],
    overrides: frozenset[str],
    way: Way = AIDED,
) -> tuple[Finding, ...]:
    """All findings, blockers first. ``views`` has every reachable host by name; overridden blockers become warnings."""
    found = (*policy(inventory), *_of_hosts(inventory, snapshot, views, way), *_of_all(inventory, snapshot, views))
    found += tuple(bump(inventory, views, way, snapshot))
    found += tuple(manual(inventory, views, way)) if way.strategy == "manual" else ()
    return in_order(overridden(finding, overrides) for finding in found)


def blockers(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity is Severity.BLOCK)


def _of_hosts(
    inventory: Inventory, snapshot: SnapshotFacts | None, views: Mapping[str, MasterView], way: Way
) -> Iterator[Finding]:
    """Findings that concern one host each."""
    for host in inventory.masters:
        if view := views.get(host.name):
            yield from view.faults
            yield from host_is_usable(host, view)
            yield from view.unfit
            yield from api_is_known(host, view)
            yield from data_volume(host, view, way)
            yield from certificates(host, view)
            if snapshot:
                yield from room(host, view, snapshot, way)
    for host in inventory.api_hosts:
        if view := views.get(host.name):
            yield from view.faults
            yield from host_is_usable(host, view)
    for host in inventory.workers:
        if host.name in views:
            yield from tools(host, views[host.name], NEEDED_TOOLS)


def _of_all(inventory: Inventory, snapshot: SnapshotFacts | None, views: Mapping[str, MasterView]) -> Iterator[Finding]:
    """Findings from comparing hosts with each other, with the inventory and with the snapshot."""
    masters = [(host, views[host.name]) for host in inventory.masters if host.name in views]
    yield from left_out(inventory, views)
    yield from members_fit(inventory, {host.name: view for host, view in masters})
    yield from quorum(masters)
    yield from clients_answered(masters)
    yield from addresses_fit(inventory, views)
    yield from trust_is_shared(masters)
    if snapshot:
        yield from snapshot_fits(snapshot, masters)
