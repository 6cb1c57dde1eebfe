"""The rolling restart of the workers as a run of its own."""

from __future__ import annotations

from orchestrator import __version__
from orchestrator.app import planning, refusals
from orchestrator.app.cluster import Cluster
from orchestrator.app.history import RunState, find_run, know_run, refuse_held
from orchestrator.app.identity import laptop, new_run
from orchestrator.core.model.plan import Estimate, PhaseName, Plan
from orchestrator.core.plans.summary import facts_of
from orchestrator.core.plans.workers import restart_workers
from orchestrator.core.scripts import used_by
from orchestrator.errors import LockedError, UsageError


async def plan_workers(cluster: Cluster) -> Plan:
    """The plan of a rolling restart alone."""
    checked = await planning.check(
        cluster, None, frozenset(("quorum-healthy", "volumes-policy")), planning.without_tool(cluster)
    )
    refusals.refuse_claimed(checked.seen)
    refusals.refuse_blocked(checked.findings)
    run, views = new_run(cluster.clock), checked.seen.views
    phases = restart_workers(cluster.inventory, views, cluster.distro, run, laptop())
    return Plan(
        kind="workers",
        run=run,
        made_at_utc=cluster.clock.now_utc(),
        tool_version=__version__,
        inventory=cluster.inventory,
        facts=facts_of(cluster.inventory, views),
        host_keys={name: cluster.host_key(name) for name in cluster.remotes},
        findings=checked.findings,
        estimate=Estimate(upload_bytes=0, kept_bytes=0, outage_s=0, total_s=len(cluster.inventory.workers) * 60),
        files=used_by(phases, cluster.scripts),
        phases=phases,
    )


async def open_workers_run(cluster: Cluster) -> RunState | None:
    """The open run whose workers are still to be restarted, if there is one."""
    try:
        state = await find_run(cluster, None)
    except UsageError:
        return None
    refuse_held(state)
    plan = (await know_run(cluster, state.run)).plan
    begun = {record.step for records in state.records.values() for record in records}
    api = plan.phase(PhaseName.START)
    if api and not any(step.name in begun for step in api.steps):
        raise LockedError(
            f"run {plan.run} has not come to its workers yet", f"orchestrator resume -i INVENTORY {plan.run}"
        )
    return state
