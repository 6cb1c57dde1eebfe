"""How far a run is, phase by phase and host by host, told from the markers on its hosts. Pure; nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from orchestrator.core.hosts.view import Claim
from orchestrator.core.model.hooks import LocalHook
from orchestrator.core.model.plan import ActRecord, ActState, Phase, Plan, Push, Step
from orchestrator.core.runs.phases import open_phase
from orchestrator.core.runs.progress import Before, by_host, judge_past, records_of
from orchestrator.core.text import duration, listed, printable

Records = Mapping[str, Sequence[ActRecord]]
"""The markers of one run, by host."""


class Stand(StrEnum):
    """Where a host stands in a phase."""

    DONE = "done"
    RUNNING = "running"
    DOUBT = "in doubt"  # an act failed or died: only a look at the host tells what it did
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class PhaseStanding:
    """One phase: the hosts by where they stand, and why a host is not done though something was begun."""

    phase: Phase
    hosts: Mapping[Stand, tuple[str, ...]]
    reasons: Mapping[str, str]

    @property
    def stand(self) -> Stand:
        """The phase as a whole: what wants attention first."""
        return next((stand for stand in (Stand.DOUBT, Stand.RUNNING, Stand.LEFT) if self.hosts[stand]), Stand.DONE)


def standings(plan: Plan, records: Records) -> tuple[PhaseStanding, ...]:
    """Every phase of the plan. A phase begins only behind the barrier of the one before, so all before the open
    one are done; a phase without a step of its own is left until a later one has begun."""
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
    """A host stands where its first step stands that is not done; the reason names that step."""
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
                return Stand.DOUBT, f"{step.name} began and did not end"
            case Before.NEVER:
                return Stand.LEFT, f"next is {step.name}" if number else ""
    return Stand.DONE, ""


def forgotten(plan: Plan, records: Records) -> dict[str, str]:
    """By master, what it no longer knows. A phase begins only behind the barrier of the one before: where a marker of
    an earlier phase is missing, the host was reinstalled, set back, or its state folder was removed."""
    everything = [record for host in records.values() for record in host]
    found: dict[str, str] = {}
    for phase in plan.phases[: open_phase(plan, everything)]:
        for step in phase.steps:
            # A push leaves no marker, what a look has found done already has none, a hook on a laptop has many.
            leaves_none = isinstance(step.act, Push | LocalHook) or step.done_if
            if leaves_none or step.host not in plan.masters or step.host in found:
                continue
            if judge_past(step, records.get(step.host, ())) is not Before.DONE:
                what = f"{step.name} was done there, and its marker is gone"
                found[step.host] = f"{what}: was it reinstalled, or set back?"
    return found


def holder_lines(hosts: Sequence[str], claims: Mapping[str, Claim], silent: Sequence[str] = ()) -> tuple[str, ...]:
    """Whose the hosts are, those with the same holder in one line; then those that do not answer."""
    by_holder: dict[tuple[str, str, str] | None, list[str]] = {}
    for host in (host for host in hosts if host not in silent):
        claim = claims.get(host)
        by_holder.setdefault((claim.run, claim.attempt, claim.laptop) if claim else None, []).append(host)
    lines = [
        printable(f"{listed(names)}: {_holder_words([claims[name] for name in names if name in claims])}")
        for names in by_holder.values()
    ]
    unheard = [host for host in hosts if host in silent]
    return (*lines, f"{listed(unheard)}: no answer") if unheard else tuple(lines)


def _holder_words(claims: Sequence[Claim]) -> str:
    if not claims:
        return "held by nobody"
    first = claims[0]
    heard = [claim.silent_s for claim in claims if claim.silent_s is not None]
    last = f"last heard {duration(min(heard))} ago" if heard else "which has ended"
    if heard and not any(claim.is_held for claim in claims):
        last = f"silent for {duration(min(heard))}"
    return f"held by run {first.run}, attempt {first.attempt} of {first.laptop} since {first.taken_at_utc}, {last}"


def next_command(plan: Plan, records: Records, claims: Mapping[str, Claim], inventory: str, undone_by: str = "") -> str:
    """How to go on from here: nothing while somebody is at work, `resume` where something is left."""
    if undone_by:
        return f"it was taken back: orchestrator status -i {inventory} {undone_by}"
    holder = next((claim for claim in claims.values() if claim.is_held), None)
    if holder:
        return f"it is at work on {holder.laptop}; to look again: orchestrator status -i {inventory} {plan.run}"
    if all(standing.stand is Stand.DONE for standing in standings(plan, records)):
        return "nothing: this run came to its end"
    return f"orchestrator resume -i {inventory} {plan.run}"


def event_line(event: Mapping[str, Any]) -> str:
    """One line of the journal for people: its time, its kind, and every field that says something."""
    said = {name: value for name, value in event.items() if name not in ("at_utc", "kind") and value not in ("", {})}
    fields = " ".join(f"{name}={value}" for name, value in said.items())
    return printable(f"{event.get('at_utc', ''):20} {event['kind']} {fields}")
