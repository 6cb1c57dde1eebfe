"""`reinit`: replaces one failed member; it rejoins the others."""

from __future__ import annotations

from orchestrator.app import planning, refusals
from orchestrator.app.cluster import Cluster
from orchestrator.app.identity import laptop, new_run
from orchestrator.app.plan_header import brief, plan_with_header
from orchestrator.app.ways import find_relay
from orchestrator.core.checks.member import check_reinit, room_to_join
from orchestrator.core.model.finding import Finding, overridden
from orchestrator.core.model.plan import Plan
from orchestrator.core.plans.reinit import Reinit
from orchestrator.core.plans.summary import COPY_BYTES_PER_S, RESTART_S
from orchestrator.core.text import printable
from orchestrator.errors import UsageError
from orchestrator.ports import HostError

_OF_RESTORES = frozenset(("quorum-healthy", "volumes-policy"))
"""Checks for a restore alone: a reinit needs a healthy quorum, and does not touch persistent volumes."""


async def plan_reinit(cluster: Cluster, host: str, overrides: frozenset[str]) -> Plan:
    """The plan of a reinit; changes nothing. Raises OrchestratorError if a check blocks or a master does not answer."""
    masters = [it.name for it in cluster.inventory.masters]
    if host not in masters:
        raise UsageError(f"{host} is not a master of the inventory (expected one of {', '.join(masters)})")
    checked = await planning.check(cluster, None, overrides | _OF_RESTORES, planning.without_tool(cluster))
    refusals.refuse_claimed(checked.seen)
    views = {name: checked.seen.views[name] for name in masters}
    own = tuple(overridden(finding, overrides) for finding in check_reinit(cluster.inventory, views, host))
    own += tuple(room_to_join(cluster.inventory.host(host), views, aided=cluster.distro.aided))
    findings = own + _of_masters(checked.findings, masters)
    refusals.refuse_blocked(findings)
    run = new_run(cluster.clock)
    phases = Reinit(cluster.inventory, views, cluster.distro, run, laptop(), host).phases()
    copied = max(view.volume.database_bytes or view.volume.data_bytes for name, view in views.items() if name != host)
    return plan_with_header(
        cluster,
        "reinit",
        run,
        views,
        phases,
        brief(RESTART_S + copied // COPY_BYTES_PER_S),
        relay=await find_relay(cluster, views),
        overrides=tuple(sorted(overrides)),
        findings=findings,
        lost=(f"the data of the member on {host}: it gets the others' data",),
    )


async def tell_result(cluster: Cluster, plan: Plan, host: str) -> None:
    """Show the vendor agent's own result, in addition to our proof."""
    if not cluster.distro.aided:
        return
    (data,) = (fact.data for fact in plan.facts if fact.host == host)
    try:
        said = b"".join([chunk async for chunk in cluster.remotes[host].read(f"{data}/command-result")])
    except HostError:
        said = b""  # the proof does not depend on it
    cluster.reporter.note(f"{host}: the pod answered: {printable(said.decode('utf-8', 'replace')) or 'nothing'}")


def _of_masters(findings: tuple[Finding, ...], masters: list[str]) -> tuple[Finding, ...]:
    return tuple(it for it in findings if it.name not in _OF_RESTORES and it.host in ("", *masters))
