"""The progress of a run by phase and host, derived from the markers on its hosts. Pure; nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.core.model.hooks import LocalHook
from orchestrator.core.model.outcome import ActRecord, ActState
from orchestrator.core.model.plan import Phase, Plan, Push, Step
from orchestrator.core.runs.phases import open_phase
from orchestrator.core.runs.progress import Before, by_host, judge_past, records_of

Records = Mapping[str, Sequence[ActRecord]]
"""The markers of one run, by host."""


class Stand(StrEnum):
    """The state of a host, or of all hosts, in a phase."""

    DONE = "done"
    RUNNING = "running"
    DOUBT = "in doubt"  # an act failed or died: only a look at the host shows what it did
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class PhaseStanding:
    """One phase: the hosts by state, and the reason for each host where something has begun and is not done."""

    phase: Phase
    hosts: Mapping[Stand, tuple[str, ...]]
    reasons: Mapping[str, str]

    @property
    def stand(self) -> Stand:
        """The state of the whole phase: the one that most needs attention."""
        return next((stand for stand in (Stand.DOUBT, Stand.RUNNING, Stand.LEFT) if self.hosts[stand]), Stand.DONE)


def standings(plan: Plan, records: Records) -> tuple[PhaseStanding, ...]:
    """The state of every phase of the plan.

    A phase begins only after the barrier of the previous phase, so all phases before the open one are done. A phase
    without steps counts as left until a later one has begun.
    """
    everything = [record for host in records.values() for record in host]
    now = open_phase(plan, everything)
    return tuple(
        _past(phase) if index < now else _present(phase, records if index == now else {})
        for index, phase in enumerate(plan.phases)
    )


def _past(phase: Phase) -> PhaseStanding:
    hosts = tuple(dict.fromkeys(step.host for step in phase.steps))
    return PhaseStanding(phase, {**dict.fromkeys(Stand, ()), Stand.DONE: hosts}, {})


def _present(phase: Phase, records: Records) -> PhaseStanding:
    found: dict[Stand, list[str]] = {stand: [] for stand in Stand}
    reasons: dict[str, str] = {}
    for steps in by_host(phase.steps):
        host = steps[0].host
        stand, reason = _host(steps, records)
        found[stand].append(host)
        if reason:
            reasons[host] = reason
    if not phase.steps:
        found[Stand.LEFT].append("the barrier")
    return PhaseStanding(phase, {stand: tuple(hosts) for stand, hosts in found.items()}, reasons)


def _host(steps: Sequence[Step], everywhere: Records) -> tuple[Stand, str]:
    """The state of a host's first step that is not done, and a reason that names the step."""
    for number, step in enumerate(steps):
        records = records_of(step, everywhere)
        match judge_past(step, records):
            case Before.DONE:
                continue
            case Before.FAILED:
                code = max((r for r in records if r.step == step.name), key=lambda r: r.attempt).exit_code
                return Stand.DOUBT, f"{step.name} failed with exit status {code}"
            case Before.DIED if any(r.step == step.name and r.state is ActState.RUNNING for r in records):
                return Stand.RUNNING, f"{step.name} is running"
            case Before.DIED:
                return Stand.DOUBT, f"{step.name} began but did not end"
            case Before.NEVER:
                return Stand.LEFT, f"next is {step.name}" if number else ""
    return Stand.DONE, ""


def forgotten(plan: Plan, records: Records) -> dict[str, str]:
    """The markers that are missing, by master.

    A phase begins only after the barrier of the previous phase. If a marker of an earlier phase is missing, the host
    was reinstalled or reset to an older state, or its state folder was removed.
    """
    everything = [record for host in records.values() for record in host]
    found: dict[str, str] = {}
    for phase in plan.phases[: open_phase(plan, everything)]:
        for step in phase.steps:
            # A push leaves no marker. Nor does a step that a look found done already. A hook on a laptop has many.
            leaves_none = isinstance(step.act, Push | LocalHook) or step.done_if
            if leaves_none or step.host not in plan.masters or step.host in found:
                continue
            if judge_past(step, records.get(step.host, ())) is not Before.DONE:
                what = f"{step.name} was done, but its marker is missing"
                found[step.host] = f"{what}: the host may have been reinstalled or reset"
    return found
