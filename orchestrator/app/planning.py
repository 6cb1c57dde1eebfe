"""`check` and `plan`: looks at every host once, checks, and makes the plan. Changes nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from orchestrator.adapters.etcd_tool import tool_version
from orchestrator.adapters.snapshot_file import open_snapshot
from orchestrator.app.cluster import Cluster
from orchestrator.app.cost import ReadSnapshot, find_cost
from orchestrator.app.hooks import find_missing
from orchestrator.app.identity import laptop, new_run
from orchestrator.app.plan_header import plan_with_header
from orchestrator.app.refusals import refuse_blocked, refuse_claimed
from orchestrator.app.snapshot_locations import Located
from orchestrator.app.ways import find_relay
from orchestrator.core.checks import Way, check_all
from orchestrator.core.checks.backup_facts import changed_since
from orchestrator.core.checks.bump import bump_amount
from orchestrator.core.hosts.etcd_tools import Tool, ToolPlace
from orchestrator.core.inventory.inventory import Role
from orchestrator.core.model.cost import ResourceCost
from orchestrator.core.model.finding import Finding, Severity, in_order, overridden
from orchestrator.core.model.plan import Plan, StrategyName, ToolFile
from orchestrator.core.plans.manual import token_of
from orchestrator.core.plans.master import masters_of
from orchestrator.core.plans.restore import Restore, strategy_of
from orchestrator.core.plans.summary import estimate, lost, never_start
from orchestrator.core.snapshots.backups import read_facts
from orchestrator.core.text import count
from orchestrator.engine.observe import Seen
from orchestrator.errors import UsageError, program
from orchestrator.etcd.contents import ContentsReader
from orchestrator.etcd.details import bumped
from orchestrator.etcd.keyindex import KeyIndex
from orchestrator.etcd.snapshot import SnapshotFacts


@dataclass(frozen=True, slots=True)
class Checked:
    """All findings, and the answers of the hosts that they are based on."""

    findings: tuple[Finding, ...]
    seen: Seen
    snapshot: SnapshotFacts | None


async def check(
    cluster: Cluster,
    snapshot: SnapshotFacts | None,
    overrides: frozenset[str],
    way: Way | None = None,
    *,
    kept_facts: bytes = b"",
) -> Checked:
    """One observe round and every check, for a restore in the distribution's own way if no other is named.

    ``kept_facts`` is the text of the facts stored with the snapshot. Raises OrchestratorError if a master does not
    answer, or another run holds one.
    """
    way = way or Way(known_strategy(cluster, ""))
    cluster.refuse_silent_masters()
    cluster.reporter.note(f"checking {count(len(cluster.opened), 'host')}")
    seen = await cluster.observe()
    findings = check_all(cluster.inventory, snapshot, seen.views, overrides, way)
    if snapshot and (facts := read_facts(kept_facts)):
        changed = changed_since(facts, snapshot, cluster.inventory, seen.views)
        findings = in_order((*findings, *(overridden(finding, overrides) for finding in changed)))
    findings += tuple(
        Finding(
            name="worker-silent",
            severity=Severity.WARN,
            host=name,
            what=f"no answer ({why}): it will not be restarted",
            remedy="restart it later with `orchestrator restart-workers`",
        )
        for name, why in seen.silent.items()
        if cluster.inventory.host(name).role is not Role.LEFT_OUT
    )
    if "volumes-policy" not in overrides:  # without a restore no hook runs
        findings += tuple(overridden(finding, overrides) for finding in await find_missing(cluster))
    return Checked(findings, seen, snapshot)


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan and its cost in detail. ``rows`` has the cost per namespace, with all wanted names; it is shown, not
    saved."""

    plan: Plan
    rows: tuple[ResourceCost, ...]


async def make_plan(
    cluster: Cluster,
    source: Located,
    overrides: frozenset[str],
    inventory_path: Path | str = "",
    *,
    strategy: str = "",
    tool: Path | None = None,
    every_name: bool = False,
) -> Planned:
    """The plan of a restore. Raises OrchestratorError if no plan can be made."""
    name = known_strategy(cluster, strategy)
    brought = tool_file(tool) if tool else None
    read = read_snapshot(cluster, source.path, overrides)
    checked = await check(cluster, read.facts, overrides, way_of(name, brought), kept_facts=source.facts)
    refuse_claimed(checked.seen)
    refuse_blocked(checked.findings, source.address)
    plan = await _plan_restore(cluster, source, read, checked, name, brought)
    # A left-out master may answer, too: the cost does not count it.
    masters = {host.name: checked.seen.views[host.name] for host in cluster.inventory.masters}
    costing = await find_cost(cluster, read, masters, every_name=every_name)
    given = {"overrides": tuple(sorted(overrides)), "inventory_path": str(inventory_path), "cost": costing.cost}
    return Planned(plan.model_copy(update=given), costing.rows)


async def _plan_restore(
    cluster: Cluster,
    source: Located,
    read: ReadSnapshot,
    checked: Checked,
    strategy: StrategyName,
    tool: ToolFile | None,
) -> Plan:
    inventory, views, run = cluster.inventory, checked.seen.views, new_run(cluster.clock)
    masters = masters_of(inventory, views, run)
    amount = bump_amount(inventory, views, way_of(strategy, tool), read.facts)
    bump = bumped(read.keys, amount) if amount else None
    way = strategy_of(strategy, read.facts, masters, cluster.distro, run, tool, source.origin, bump)
    relay = await find_relay(cluster, views)
    return plan_with_header(
        cluster,
        "restore",
        run,
        views,
        Restore(inventory, views, cluster.distro, way, run, laptop(), relay).phases(),
        estimate(inventory, read.facts, views, strategy, origin=source.origin, relay=relay),
        strategy=strategy,
        token=token_of(run) if strategy == "manual" else "",
        tool=tool,
        bump=bump,
        relay=relay,
        snapshot=read.facts,
        snapshot_path=source.address,
        findings=checked.findings,
        lost=(*lost(read.facts, views), *never_start(inventory)),
        volumes=read.contents.volumes,
    )


def known_strategy(cluster: Cluster, name: str) -> StrategyName:
    """The strategy of that name, or the distribution's own. Raises UsageError."""
    aided = cluster.distro.aided
    match name or ("aided" if aided else "manual"):
        case "aided" if aided:
            return "aided"
        case "manual":
            return "manual"
    known = "aided or manual" if aided else "manual"
    raise UsageError(f"unknown strategy {name} for {cluster.inventory.distribution} (expected {known})")


def way_of(name: StrategyName, brought: ToolFile | None) -> Way:
    """The options of a restore by that strategy, with the tool that the operator brings."""
    tool = Tool(ToolPlace.HOST, brought.path, brought.version) if brought else None
    return Way(name, brings_tool=bool(brought), tool=tool)


def without_tool(cluster: Cluster) -> Way:
    """The options for a check without a restore: it does not need etcd's tool."""
    return Way(known_strategy(cluster, ""), brings_tool=True)


def tool_file(path: Path) -> ToolFile:
    """The operator's own etcdutl, hashed. Raises UsageError."""
    try:
        with path.open("rb") as file:
            return ToolFile(
                path=_absolute(path),
                sha256=hashlib.file_digest(file, "sha256").hexdigest(),
                size_bytes=path.stat().st_size,
                version=tool_version(path),
            )
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", program("ls", "-l", str(path))) from error


def _absolute(path: Path) -> str:
    return str(path.absolute())


def read_snapshot(cluster: Cluster, path: Path, overrides: frozenset[str]) -> ReadSnapshot:
    """Read the snapshot file, with progress on the screen. Raises UsageError or SnapshotError."""
    cluster.reporter.note(f"reading {path}")
    size = path.stat().st_size if path.exists() else 0
    reader, index = ContentsReader(), KeyIndex()
    found = open_snapshot(
        path,
        reader,
        index,
        allow_unhashed="unhashed" in overrides,
        progress=lambda done: cluster.reporter.moved("laptop", done, size),
    )
    cluster.reporter.moved("laptop", size, size)
    contents = reader.result()
    origin = {
        "kube_system_uid": contents.kube_system_uid,
        "secret_keys": contents.secret_keys,
        "newest_renewal_utc": contents.newest_renewal_utc,
    }
    return ReadSnapshot(found.facts.model_copy(update=origin), contents, index, found.keys)
