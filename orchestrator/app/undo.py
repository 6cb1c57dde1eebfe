"""Undoes a run: `abort`, `rollback`, `finish`, `unlock`. Each is a plan of its own, shown before it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from orchestrator.app.cluster import Cluster
from orchestrator.app.history import Known, find_run, know_run, past_runs, refuse_held
from orchestrator.app.identity import laptop, new_attempt, new_run
from orchestrator.app.plan_header import plan_with_header
from orchestrator.app.refusals import refuse_blocked
from orchestrator.app.running import CompletedRun, run_plan
from orchestrator.core.hosts.facts import parse_facts
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.model.plan import Phase, Plan, Script
from orchestrator.core.plans.master import Master, masters_of
from orchestrator.core.plans.undo import abort, finish, rollback, unlock
from orchestrator.core.plans.undo.target import Left, Undone, lost_by_undo, seconds
from orchestrator.core.text import count
from orchestrator.core.timeouts import SETTLE_WAIT_S
from orchestrator.errors import LockedError, NotConfirmedError, RefusedError, UnreachableError, UsageError, again, ours

Kind = Literal["abort", "rollback", "finish", "unlock"]

_PLANNERS: dict[Kind, Callable[[Undone], tuple[Phase, ...]]] = {
    "abort": abort.abort,
    "rollback": rollback.rollback,
    "finish": finish.finish,
    "unlock": unlock.unlock,
}
_RESTORES, _ENDED = ("restore",), ("restore", "rollback", "abort", "reinit")
_FITS: dict[Kind, tuple[str, ...]] = {"abort": _RESTORES, "rollback": _RESTORES, "finish": _ENDED}
"""The kinds of run that each undo fits; any kind of run can be unlocked."""


@dataclass(frozen=True, slots=True)
class Undoing:
    """An undo to confirm: its plan, and the state of the run when the plan was made."""

    plan: Plan
    kind: Kind
    known: Known
    views: Mapping[str, MasterView]


async def plan_undo(cluster: Cluster, kind: Kind, run: str | None) -> Undoing:
    """The plan of an undo; changes nothing. Raises OrchestratorError if it is not possible.

    Without ``run``, it undoes the run that holds the masters; a rollback or finish falls back to the newest that fits.
    """
    known = await _find(cluster, kind, run)
    state, undone = known.state, known.plan
    refuse_held(state)
    if undone.kind not in _FITS.get(kind, (undone.kind,)):
        raise RefusedError(
            f"run {undone.run} is not a restore but a run of {undone.kind}: resume it, or unlock its hosts",
            ours("resume", undone.run),
        )
    if state.undone_by and kind != "unlock":
        raise RefusedError(
            f"run {undone.run} is already undone, by run {state.undone_by}",
            ours("status", state.undone_by),
        )
    views = await _look(known.cluster)
    if kind != "unlock":  # two rival runs may each hold some masters: either can be unlocked
        _refuse_others(known, views)
    return Undoing(await _make(kind, known, views, new_run(cluster.clock)), kind, known, views)


async def carry_out(undoing: Undoing, *, answers: frozenset[str] = frozenset()) -> CompletedRun:
    """Fence the run, check that the plan still fits, and carry it out. Raises OrchestratorError."""
    plan = await fenced(undoing)
    return await run_plan(undoing.known.cluster, plan, answers=answers)


async def fenced(undoing: Undoing) -> Plan:
    """Fence the run and return the undo's plan. Raises OrchestratorError, also if the plan no longer fits the run."""
    await _fence(undoing)
    known, run = undoing.known, undoing.known.plan.run
    moved = replace(known, state=await find_run(known.cluster, run))
    again = await _make(undoing.kind, moved, undoing.views, undoing.plan.run)
    if again.phases != undoing.plan.phases:
        raise NotConfirmedError(f"run {run} has changed since its plan was shown", ours(undoing.kind, run))
    return again


async def _look(cluster: Cluster) -> dict[str, MasterView]:
    cluster.reporter.note(f"checking {count(len(cluster.opened), 'host')}")
    seen = await cluster.observe()
    refuse_blocked(fault for host in cluster.inventory.masters for fault in seen.views[host.name].faults)
    return seen.views


async def _find(cluster: Cluster, kind: Kind, run: str | None) -> Known:
    """Find the run and its plan. Raises UsageError if there is none."""
    try:
        return await know_run(cluster, run)
    except UsageError:
        if run or kind not in ("rollback", "finish"):
            raise
    for name in await past_runs(cluster):
        state = await find_run(cluster, name)
        if state.plan_hosts and not state.undone_by and (await state.plan(cluster)).kind in _FITS[kind]:
            return await know_run(cluster, name)
    raise UsageError(f"no run on any host to {kind}")


def _refuse_others(known: Known, views: Mapping[str, MasterView]) -> None:
    """Raises LockedError if another run holds a master."""
    for name in (host.name for host in known.cluster.inventory.masters):
        view = views[name]
        if view.markers.claim and view.markers.claim.run != known.plan.run:
            raise LockedError(
                f"{name} is held by run {view.markers.claim.run} of {view.markers.claim.laptop}",
                ours("status", view.markers.claim.run),
            )


async def _make(kind: Kind, known: Known, views: Mapping[str, MasterView], run: str) -> Plan:
    cluster, state, plan = known.cluster, known.state, known.plan
    _refuse_moved(plan, views)
    undone = Undone(
        plan=plan,
        inventory=cluster.inventory,
        views=views,
        distro=cluster.distro,
        run=run,
        laptop=laptop(),
        records=state.records,
        left=await _left(cluster, plan, views),
        claims=state.claims,
        holds=state.holds,
    )
    phases = _PLANNERS[kind](undone)
    return plan_with_header(
        cluster,
        kind,
        run,
        views,
        phases,
        seconds(kind, undone),
        undoes=plan.run,
        lost=lost_by_undo(kind, undone),
        volumes=plan.volumes,
    )


def _refuse_moved(plan: Plan, views: Mapping[str, MasterView]) -> None:
    """Raises RefusedError if the masters or their data volumes are not those of the run."""
    for fact in plan.facts:
        etcd = views[fact.host].member.config if fact.host in views else None
        if etcd is None or etcd.data != fact.data:
            raise RefusedError(
                f"run {plan.run} had the data volume {fact.data} on {fact.host}; now it is "
                f"{etcd.data if etcd else 'not a master'}; restore the inventory and manifest of that run",
                again(),
            )


async def _left(cluster: Cluster, plan: Plan, views: Mapping[str, MasterView]) -> dict[str, Left]:
    """What the run, and the run that it has undone, have left on each master."""
    runs = [run for run in (plan.run, plan.undoes) if run]
    found = await asyncio.gather(
        *(_left_on(cluster, master) for run in runs for master in masters_of(cluster.inventory, views, run))
    )
    left: dict[str, Left] = {}
    for host, here in found:
        first = left.get(host)
        left[host] = Left(first.kept, (*first.paths, *here.paths), first.released) if first else here
    return left


FACTS = {"observe/leftovers.sh": "kept made released"}


async def _left_on(cluster: Cluster, master: Master) -> tuple[str, Left]:
    """What they have left on one master. Raises UnreachableError."""
    wal = (master.kept_wal, master.staged_wal) if master.kept_wal else ()
    others = (master.tool, f"{master.folder}/etcd", master.staged, *wal)
    values = {"state": master.state, "run": master.run, "data": master.etcd.data, "kept": master.kept, "others": others}
    output = await cluster.look(master.name, Script(file="observe/leftovers.sh", values=values))
    if output.exit_code != 0:
        said = output.detail or output.stderr.decode("utf-8", "replace").strip()
        raise UnreachableError(f"{master.name}: cannot check what run {master.run} left: {said}", ours("check"))
    facts = parse_facts(output.text)
    lines = (line.partition("\t") for line in facts.get("made", "").splitlines())
    return master.name, Left(
        kept=facts.get("kept", "").strip(),
        paths=tuple((path, int(kib) * 1024) for kib, _, path in lines),
        released="released" in facts,
    )


async def _fence(undoing: Undoing) -> None:
    """Wait until no act of the run runs on any host that answers, and fence later ones.

    Workers that do not answer are skipped: the run's laptop is fenced on the masters, and stops there.
    """
    if undoing.kind == "finish":
        return
    cluster, run = undoing.known.cluster, undoing.known.plan.run
    cluster.reporter.note(f"waiting until no step of run {run} is running")
    attempt = new_attempt(undoing.known.state.newest_attempt + 1)
    settled = await asyncio.gather(*(remote.settle(run, attempt, SETTLE_WAIT_S) for remote in cluster.remotes.values()))
    masters = {host.name for host in cluster.inventory.stopped}
    for name, answer in zip(cluster.remotes, settled, strict=True):
        if name not in masters or answer.ok:
            continue
        if answer.fenced_by:
            raise LockedError(
                f"{name}: attempt {answer.fenced_by} has taken over run {run}",
                ours("status", run),
            )
        why = f"{answer.busy_with} is still running" if answer.busy_with else f"{answer.failure}: {answer.detail}"
        raise UnreachableError(f"{name}: {why}", ours(undoing.kind, run))
