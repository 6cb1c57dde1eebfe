"""`restart-workers`: the rolling restart of the workers as a run of its own."""

from __future__ import annotations

from orchestrator.app import planning, refusals
from orchestrator.app.cluster import Cluster
from orchestrator.app.history import RunState, find_run, know_run, refuse_held
from orchestrator.app.identity import laptop, new_run
from orchestrator.app.plan_header import brief, plan_with_header
from orchestrator.core.model.plan import PhaseName, Plan
from orchestrator.core.plans.workers import restart_workers
from orchestrator.errors import LockedError, UsageError, ours


async def plan_workers(cluster: Cluster) -> Plan:
    """The plan of a rolling restart alone."""
    checked = await planning.check(
        cluster, None, frozenset(("quorum-healthy", "volumes-policy")), planning.without_tool(cluster)
    )
    refusals.refuse_claimed(checked.seen)
    refusals.refuse_blocked(checked.findings)
    run, views = new_run(cluster.clock), checked.seen.views
    phases = restart_workers(cluster.inventory, views, cluster.distro, run, laptop())
    estimate = brief(len(cluster.inventory.workers) * 60)
    return plan_with_header(cluster, "workers", run, views, phases, estimate, findings=checked.findings)


async def open_workers_run(cluster: Cluster) -> RunState | None:
    """The open run that still has to restart its workers, if there is one."""
    try:
        state = await find_run(cluster, None)
    except UsageError:
        return None
    refuse_held(state)
    plan = (await know_run(cluster, state.run)).plan
    begun = {record.step for records in state.records.values() for record in records}
    api = plan.phase(PhaseName.START)
    if api and not any(step.name in begun for step in api.steps):
        raise LockedError(f"run {plan.run} has not reached its workers yet", ours("resume", plan.run))
    return state
