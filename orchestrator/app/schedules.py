"""`backup schedule` and `backup status`: timers on masters, and the status of their backups."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from orchestrator.adapters.templates import read_templates
from orchestrator.app import refusals
from orchestrator.app.cluster import Cluster
from orchestrator.app.identity import laptop, new_run
from orchestrator.app.plan_header import brief, plan_with_header
from orchestrator.core.model.plan import Plan
from orchestrator.core.plans.schedule import Scheduling
from orchestrator.core.plans.steps import look
from orchestrator.core.snapshots.schedule_status import MasterSchedule, read_standing
from orchestrator.core.snapshots.schedules import Terms, diff, paths_of, timer_of, wanted
from orchestrator.errors import RefusedError, UsageError


@dataclass(frozen=True, slots=True)
class Schedules:
    """A schedule to confirm. ``plan`` is None if nothing changes; ``diffs`` are the lines of the changes."""

    plan: Plan | None
    diffs: tuple[str, ...]


async def look_at_schedules(cluster: Cluster) -> tuple[dict[str, MasterSchedule], dict[str, str]]:
    """Every master's schedule and backups, and the masters that do not answer, with the reason."""
    masters = [host for host in cluster.inventory.masters if host.name in cluster.opened]

    name = cluster.inventory.cluster
    timer = timer_of(name)
    scripts = {host.name: look("observe/timer.sh", {"timer": timer, "files": paths_of(host, name)}) for host in masters}
    answers = await asyncio.gather(*(cluster.look(host, script) for host, script in scripts.items()))
    found, silent = dict[str, MasterSchedule](), dict[str, str]()
    for host, answer in zip(masters, answers, strict=True):
        if answer.failure or answer.exit_code != 0:
            silent[host.name] = answer.detail or str(answer.failure or f"exit {answer.exit_code}")
        else:
            found[host.name] = read_standing(host.name, answer.text)
    return found, silent


async def plan_schedule(cluster: Cluster, terms: Terms | None, inventory_path: Path) -> Schedules:
    """The plan for these terms; without terms, to delete the schedule. Changes nothing. Raises RefusedError."""
    cluster.refuse_silent_masters()
    masters = {host.name for host in cluster.inventory.masters}
    seen = await cluster.observe(masters)
    refusals.refuse_claimed(seen)
    refusals.refuse_blocked(fault for view in seen.views.values() for fault in view.faults)
    standings, _ = await look_at_schedules(cluster)
    templates = read_templates()
    want: dict[str, dict[str, str]] = {name: {} for name in masters}
    if terms:
        if terms.on > len(masters):
            raise UsageError(f"--on {terms.on}: the inventory has {len(masters)} masters")
        want = wanted(cluster.inventory, seen.views, cluster.distro, cluster.scripts, templates, terms)
    _refuse_without_systemd(standings, want)
    changing = {name: texts for name, texts in want.items() if _differs(standings[name], texts)}
    diffs = tuple(line for name in sorted(changing) for line in diff(standings[name].files, want[name], name))
    if not changing:
        return Schedules(None, ())
    run = new_run(cluster.clock)
    phases = Scheduling(cluster.inventory, seen.views, changing, run, laptop()).phases()
    plan = plan_with_header(cluster, "schedule", run, seen.views, phases, brief(5), inventory_path=str(inventory_path))
    return Schedules(plan, diffs)


def _differs(now: MasterSchedule, texts: dict[str, str]) -> bool:
    return dict(now.files) != texts or (bool(texts) and not now.active)


def _refuse_without_systemd(standings: dict[str, MasterSchedule], want: dict[str, dict[str, str]]) -> None:
    for name, texts in want.items():
        if texts and not standings[name].systemd:
            raise RefusedError(f"{name} has no systemd and cannot run timers: run `orchestrator backup` from cron")
