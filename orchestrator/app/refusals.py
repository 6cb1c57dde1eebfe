"""Refusals that every command makes before it changes anything."""

from __future__ import annotations

from orchestrator.core.checks import blockers
from orchestrator.core.model.finding import Finding
from orchestrator.engine.observe import Seen
from orchestrator.errors import LockedError, RefusedError


def refuse_claimed(seen: Seen) -> None:
    """Raises LockedError where a run holds a host: one run at a time."""
    for name, view in seen.views.items():
        if claim := view.markers.claim:
            raise LockedError(
                f"{name} is held by run {claim.run} of {claim.laptop} since {claim.taken_at_utc}",
                f"orchestrator status -i INVENTORY, then resume {claim.run}",
            )


def refuse_blocked(findings: tuple[Finding, ...]) -> None:
    """Raises RefusedError where a check blocks."""
    if stopping := blockers(findings):
        first = stopping[0]
        where = f"{first.host}: " if first.host else ""
        more = f" (and {len(stopping) - 1} more)" if len(stopping) > 1 else ""
        raise RefusedError(f"{first.name}: {where}{first.what}{more}", first.remedy)
