"""Looks at a restored cluster once more, for the report: the content of each member. Changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from orchestrator.app.cluster import Cluster
from orchestrator.app.live_keys import read_live_keys
from orchestrator.core.cost.live_keys import member_to_ask
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.model.cost import Cost
from orchestrator.core.model.plan import MasterFacts, Plan
from orchestrator.core.proof.evidence import Census, Evidence, MemberEvidence, holds_look, read_member
from orchestrator.errors import OrchestratorError
from orchestrator.etcd.members import AnswerError


async def find_evidence(cluster: Cluster, plan: Plan, proof: Mapping[str, str]) -> Evidence | None:
    """The evidence of a proven restore; None for another plan. Does not fail: ``missing`` says what was not read."""
    if plan.kind != "restore" or plan.snapshot is None or plan.restored is None:
        return None
    found = Evidence(revision=plan.restored.revision, snapshot_keys=plan.snapshot.live_keys)
    cluster.reporter.note("reading the restored cluster")
    try:
        views = await _look_at_masters(cluster, plan)
    except OrchestratorError as error:
        return found.model_copy(update={"missing": (error.message,)})
    members = await asyncio.gather(
        *(_ask_member(cluster, plan, views[it.host], it, proof) for it in plan.facts if it.host in views)
    )
    found = found.model_copy(update={"members": tuple(members)})
    return await _with_objects(cluster, found, views, plan.cost or Cost())


async def _look_at_masters(cluster: Cluster, plan: Plan) -> dict[str, MasterView]:
    planned = replace(cluster, inventory=plan.inventory)
    seen = await planned.observe([host.name for host in plan.inventory.masters])
    return {name: view for name, view in seen.views.items() if view.member.config}


async def _ask_member(
    cluster: Cluster, plan: Plan, view: MasterView, fact: MasterFacts, proof: Mapping[str, str]
) -> MemberEvidence:
    restored = plan.restored
    assert view.member.config is not None and restored is not None
    output = await cluster.look(fact.host, holds_look(view.member.config, restored.revision))
    return read_member(fact, output.text, restored, plan.predicted_ids, proof)


async def _with_objects(cluster: Cluster, found: Evidence, views: Mapping[str, MasterView], cost: Cost) -> Evidence:
    """Add the numbers of objects, and the stale objects, which nothing has renewed since."""
    member = member_to_ask(views)
    if member is None or member.member.config is None:
        return found.model_copy(update={"missing": ("no member answers clients: objects not counted",)})
    census = Census(cost.prefix, found.revision)
    try:
        await read_live_keys(cluster, member, "counting", census.add)
    except AnswerError as error:
        return found.model_copy(update={"missing": (f"cannot read the keys of {member.host}: {error}",)})
    stale = census.stale(member.host, member.member.config)
    return found.model_copy(update={"resources": census.resources(cost.counts), "stale": stale})
