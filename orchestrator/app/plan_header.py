"""The fields that all plans share: time, cluster, facts, scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict, Unpack

from orchestrator import __version__
from orchestrator.app.cluster import Cluster
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.model.finding import Finding
from orchestrator.core.model.plan import Estimate, Phase, Plan, PlanKind, StrategyName, ToolFile
from orchestrator.core.plans.summary import facts_of
from orchestrator.core.scripts import used_by
from orchestrator.core.transfer.relay import Relay
from orchestrator.etcd.details import Bump
from orchestrator.etcd.snapshot import SnapshotFacts
from orchestrator.etcd.volumes import Volume


class Details(TypedDict, total=False):
    """The fields of a plan that only some kinds of plan have."""

    undoes: str
    strategy: StrategyName
    token: str
    tool: ToolFile | None
    bump: Bump | None
    relay: Relay | None
    snapshot: SnapshotFacts
    snapshot_path: str
    inventory_path: str
    overrides: tuple[str, ...]
    findings: tuple[Finding, ...]
    lost: tuple[str, ...]
    volumes: tuple[Volume, ...]


def plan_with_header(
    cluster: Cluster,
    kind: PlanKind,
    run: str,
    views: Mapping[str, MasterView],
    phases: tuple[Phase, ...],
    estimate: Estimate,
    **details: Unpack[Details],
) -> Plan:
    """A plan of these phases for the cluster, with every script that the phases use."""
    return Plan(
        kind=kind,
        run=run,
        rejoin=cluster.distro.rejoin,
        made_at_utc=cluster.clock.now_utc(),
        tool_version=__version__,
        inventory=cluster.inventory,
        facts=facts_of(cluster.inventory, views),
        host_keys={name: cluster.host_key(name) for name in cluster.remotes},
        estimate=estimate,
        files=used_by(phases, cluster.scripts),
        phases=phases,
        **details,
    )


def brief(total_s: int) -> Estimate:
    """The estimate of a plan that sends no snapshot, keeps no data and stops no master."""
    return Estimate(upload_bytes=0, kept_bytes=0, outage_s=0, total_s=total_s)
