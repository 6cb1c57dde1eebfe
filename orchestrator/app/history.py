"""Reads the state of a run from its hosts, for `status`, `resume` and undo. Changes nothing."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field

from orchestrator.app.cluster import Cluster
from orchestrator.app.refusals import refuse_blocked
from orchestrator.core.checks import left_out
from orchestrator.core.hosts.facts import parse_facts
from orchestrator.core.hosts.view import Claim
from orchestrator.core.model.outcome import ActRecord
from orchestrator.core.model.plan import PhaseName, Plan, Script
from orchestrator.core.model.step_name import phase_of
from orchestrator.core.plans.leave_out import leave_out
from orchestrator.core.runs.markers import parse_acts
from orchestrator.core.runs.status import forgotten
from orchestrator.distros.common import parse_claim
from orchestrator.errors import HaltedError, LockedError, UsageError, ours
from orchestrator.ports import HostError


@dataclass(frozen=True, slots=True)
class RunState:
    """The state of one run, from the markers on its hosts. ``plan_hosts`` has the hosts with its plan, with the sha256
    of that file. ``undone_by`` is the run that has undone this one, or has begun to.
    """

    run: str
    claims: dict[str, Claim]
    records: dict[str, tuple[ActRecord, ...]]
    attempts: dict[str, int]
    plan_hosts: dict[str, str] = field(default_factory=dict)
    holds: dict[str, str] = field(default_factory=dict)
    undone_by: str = ""

    @property
    def newest_attempt(self) -> int:
        return max(self.attempts.values(), default=0)

    async def plan(self, cluster: Cluster) -> Plan:
        """The plan, read from a master that has it intact. Raises HaltedError.

        If a laptop died while it left masters out, only some hosts have the new plan. The new plan counts.
        """
        plans: dict[str, Plan] = {}
        for name, sha256 in self.plan_hosts.items():
            path = f"{cluster.inventory.host(name).paths.state}/{self.run}/plan.json"
            if sha256 in plans:
                continue
            try:
                text = b"".join([chunk async for chunk in cluster.remotes[name].read(path)])
            except HostError:
                continue
            if hashlib.sha256(text).hexdigest() == sha256:
                plans[sha256] = _parse(text, self.run)
        if not plans:
            raise HaltedError(f"no master has the plan of run {self.run}: the run has not begun; make a new plan")
        return max(plans.values(), key=lambda plan: len(plan.inventory.left_out))


def _parse(text: bytes, run: str) -> Plan:
    """Parse a plan from a host. Raises HaltedError if another version of this program made it."""
    try:
        return Plan.model_validate_json(text)
    except ValueError as error:
        version = json.loads(text).get("tool_version", "unknown")
        raise HaltedError(
            f"run {run} was planned by orchestrator {version}; this version cannot read its plan; "
            f"install orchestrator {version} to resume it"
        ) from error


@dataclass(frozen=True, slots=True)
class Known:
    """A run to resume or undo, its plan, and the cluster without the masters that the plan leaves out."""

    cluster: Cluster
    state: RunState
    plan: Plan


async def know_run(cluster: Cluster, run: str | None) -> Known:
    """The run with its plan, without the masters that the cluster or the plan leaves out. Raises OrchestratorError,
    also if another master does not answer, or if a master to be left out is not lost."""
    state = await find_run(cluster, run)
    plan = await state.plan(cluster)
    before = plan.inventory.left_out
    plan = leave_out(plan, [host.name for host in cluster.inventory.left_out])
    await refuse_not_lost(cluster, [host.name for host in plan.inventory.left_out if host not in before])
    cluster = cluster.leave_out([host.name for host in plan.inventory.left_out])
    cluster.refuse_silent_masters()
    return Known(cluster, state, plan)


async def refuse_not_lost(cluster: Cluster, names: Collection[str]) -> None:
    """Raises RefusedError if one of these masters answers and has etcd's data: the run could continue there."""
    seen = await cluster.observe(names)
    refuse_blocked(tuple(left_out(cluster.inventory, seen.views)))


async def find_run(cluster: Cluster, run: str | None) -> RunState:
    """Find a run on the hosts that answer; without ``run``, the one that holds the masters. Raises UsageError if there
    is none, LockedError if there are two."""
    facts = await _ask_all(cluster, run or "")
    found = sorted({fact["run"].strip() for fact in facts.values() if "run" in fact})
    if not found:
        cluster.refuse_silent_masters()
        raise UsageError(f"no {'run ' + run if run else 'open run'} on any host")
    if len(found) > 1:
        raise LockedError(f"two runs hold masters: {' and '.join(found)}", ours("status", found[-1]))
    if not run:
        facts = await _ask_all(cluster, found[0])  # workers have no claim: ask them by the run's name
    return _state(found[0], facts)


async def past_runs(cluster: Cluster) -> list[str]:
    """All runs with a folder on a host, the newest first: a run's id begins with the time of its plan."""
    facts = await _ask_all(cluster, "")
    return sorted({line.split()[0] for fact in facts.values() for line in fact.get("attempts", "").splitlines()})[::-1]


async def _ask_all(cluster: Cluster, run: str) -> dict[str, dict[str, str]]:
    hosts = [host for host in cluster.inventory.hosts if host.name in cluster.remotes]
    outputs = await asyncio.gather(
        *(
            cluster.look(host.name, Script(file="observe/run.sh", values={"state": host.paths.state, "run": run}))
            for host in hosts
        )
    )
    return {host.name: parse_facts(output.text) for host, output in zip(hosts, outputs, strict=True)}


FACTS = {
    "lib/run_facts.sh": "attempts claim hold silent_s",
    "observe/run.sh": "acts plan_sha256 run undone",
}


def _state(run: str, facts: dict[str, dict[str, str]]) -> RunState:
    claims: dict[str, Claim] = {}
    attempts: dict[str, int] = {}
    for name, fact in facts.items():
        claim = parse_claim(fact["claim"], fact.get("silent_s", "")) if "claim" in fact else None
        if claim and claim.run == run:
            claims[name] = claim
        for line in fact.get("attempts", "").splitlines():
            folder, _, attempt = line.partition(" ")
            if folder == run:
                attempts[name] = int(attempt.partition("-")[0])
    return RunState(
        run=run,
        claims=claims,
        records={name: parse_acts(fact.get("acts", "")) for name, fact in facts.items()},
        attempts=attempts,
        plan_hosts={
            name: fact["plan_sha256"].split()[0] for name, fact in facts.items() if fact.get("plan_sha256", "").strip()
        },
        holds={name: fact["hold"].strip() for name, fact in facts.items() if "hold" in fact},
        undone_by=next((fact["undone"].strip() for fact in facts.values() if "undone" in fact), ""),
    )


def refuse_held(state: RunState) -> None:
    """Raises LockedError if the holder's heartbeat is fresh."""
    for host, claim in state.claims.items():
        if claim.is_held:
            raise LockedError(
                f"{host}: run {claim.run} is in progress on {claim.laptop}, last heard {claim.silent_s} s ago; "
                "wait for it, or stop it there: after 60 s of silence it can be taken over",
                ours("status", claim.run),
            )


def refuse_undone(state: RunState) -> None:
    """Raises LockedError if another run has undone this one, or has begun to."""
    if state.undone_by:
        raise LockedError(
            f"run {state.run} was undone by run {state.undone_by}",
            ours("status", state.undone_by),
        )


def refuse_forgetful(plan: Plan, state: RunState) -> None:
    """Raises HaltedError if a master has lost its markers of earlier phases: its data may be of any origin."""
    if found := forgotten(plan, state.records):
        started = plan.undoes or any(
            phase_of(record.step) is PhaseName.START for it in state.records.values() for record in it
        )
        following = "resume" if plan.undoes else "rollback" if started else "abort"
        state_folder = plan.inventory.host(next(iter(found))).paths.state
        raise HaltedError(
            "; ".join(f"{host}: {what}" for host, what in found.items())
            + f"; put its {state_folder} back and resume, or undo the run",
            ours(following, plan.run),
        )
