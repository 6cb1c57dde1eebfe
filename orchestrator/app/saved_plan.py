"""A plan in a file: written, read back, and refused when it is stale."""

from __future__ import annotations

from pathlib import Path

from orchestrator.app.cluster import Cluster
from orchestrator.app.planning import check, way_of
from orchestrator.app.refusals import refuse_blocked, refuse_claimed
from orchestrator.core.checks.bump import why_stale
from orchestrator.core.model.plan import (
    MasterFacts,
    Plan,
    canonical_json,
)
from orchestrator.core.plans.summary import facts_of
from orchestrator.errors import NotConfirmedError, UsageError, ours, program


async def refuse_stale(cluster: Cluster, plan: Plan) -> None:
    """Raises NotConfirmedError if a fact that a saved plan depends on has changed, RefusedError if a check blocks."""
    way = way_of(plan.strategy, plan.tool)
    checked = await check(cluster, plan.snapshot, frozenset(plan.overrides), way)
    for name, view in checked.seen.views.items():
        if plan.run in view.markers.attempts:
            raise NotConfirmedError(f"plan already used: run {plan.run} exists on {name}", ours("status", plan.run))
    refuse_claimed(checked.seen)
    refuse_blocked(checked.findings)
    changed = _changes(cluster, plan, facts_of(cluster.inventory, checked.seen.views))
    if why := why_stale(plan.bump, plan.inventory, checked.seen.views, way):
        changed.append(why)
    if changed:
        raise NotConfirmedError(f"the saved plan is stale, make a new one: {'; '.join(changed)}")


def _changes(cluster: Cluster, plan: Plan, now: tuple[MasterFacts, ...]) -> list[str]:
    changed = []
    if _reach(plan) != _reach(plan.model_copy(update={"inventory": cluster.inventory})):
        changed.append("the inventory changed")
    for name, key in plan.host_keys.items():
        if name in cluster.remotes and cluster.host_key(name) != key:
            changed.append(f"{name}: another host key")
    before = {fact.host: fact for fact in plan.facts}
    for fact in now:
        was = before.get(fact.host)
        if was is None:
            changed.append(f"{fact.host} is new")
            continue
        names = [name for name in MasterFacts.model_fields if getattr(was, name) != getattr(fact, name)]
        changed += [f"{fact.host}: {name} changed" for name in names]
    return changed


def _reach(plan: Plan) -> str:
    """The inventory without paths on the laptop: keys and ssh files are elsewhere on another laptop."""
    hosts = tuple(
        host.model_copy(update={"key": None, "known_hosts": (), "config": None}) for host in plan.inventory.hosts
    )
    return canonical_json(plan.inventory.model_copy(update={"hosts": hosts}))


def write_plan(plan: Plan, path: Path) -> None:
    """Saves a plan, readable by its owner only. Raises UsageError."""
    try:
        path.touch(mode=0o600)
        path.write_text(canonical_json(plan) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write the plan to {path}: {error.strerror}") from error


def read_plan(path: Path) -> Plan:
    """Read a saved plan. Raises UsageError."""
    try:
        return Plan.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the plan {path}: {error.strerror}", program("ls", "-l", str(path))) from error
    except ValueError as error:
        raise UsageError(f"{path} is not a plan of this version, make a new one: {error}") from error
