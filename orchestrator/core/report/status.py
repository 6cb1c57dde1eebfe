"""The status of a run in words, for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.core.hosts.view import Claim
from orchestrator.core.model.plan import Plan
from orchestrator.core.runs.status import Records, Stand, standings
from orchestrator.core.text import duration, listed, printable
from orchestrator.errors import NextStep, ours


def holder_lines(hosts: Sequence[str], claims: Mapping[str, Claim], silent: Sequence[str] = ()) -> tuple[str, ...]:
    """A line for each holder with its hosts, and a line for the hosts that do not answer."""
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
        return "not held"
    first = claims[0]
    heard = [claim.silent_s for claim in claims if claim.silent_s is not None]
    last = f"last heard {duration(min(heard))} ago" if heard else "ended"
    if heard and not any(claim.is_held for claim in claims):
        last = f"silent for {duration(min(heard))}"
    return f"held by run {first.run}, attempt {first.attempt} of {first.laptop} since {first.taken_at_utc}, {last}"


def outlook(
    plan: Plan, records: Records, claims: Mapping[str, Claim], undone_by: str = ""
) -> tuple[str, NextStep | None]:
    """The state of the run, and the next command: none if it is complete, `resume` if something is left."""
    if undone_by:
        return f"undone by run {undone_by}", ours("status", undone_by)
    holder = next((claim for claim in claims.values() if claim.is_held), None)
    if holder:
        return f"in progress on {holder.laptop}", ours("status", plan.run)
    if all(standing.stand is Stand.DONE for standing in standings(plan, records)):
        return "complete", None
    return "not complete", ours("resume", plan.run)


def event_line(event: Mapping[str, Any]) -> str:
    """One line of the journal for people: its time, its kind, and every field that is not empty."""
    said = {name: value for name, value in event.items() if name not in ("at_utc", "kind") and value not in ("", {})}
    fields = " ".join(f"{name}={value}" for name, value in said.items())
    return printable(f"{event.get('at_utc', ''):20} {event['kind']} {fields}")
