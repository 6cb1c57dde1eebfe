"""Refusals that every command makes before it changes anything."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.core.checks import blockers
from orchestrator.core.model.finding import Finding
from orchestrator.engine.observe import Seen
from orchestrator.errors import LockedError, RefusedError, ours


def refuse_claimed(seen: Seen) -> None:
    """Raises LockedError if a run holds a host: only one run at a time is allowed."""
    for name, view in seen.views.items():
        if claim := view.markers.claim:
            raise LockedError(
                f"{name} is held by run {claim.run} of {claim.laptop} since {claim.taken_at_utc}",
                ours("status", claim.run),
            )


def refuse_blocked(findings: Iterable[Finding], snapshot: str = "") -> None:
    """Raises RefusedError if a check blocks. ``snapshot`` is the address of the checked snapshot, if any."""
    options = ("--snapshot", snapshot) if snapshot else ()
    if stopping := blockers(tuple(findings)):
        first = stopping[0]
        where = f"{first.host}: " if first.host else ""
        more = f" (and {len(stopping) - 1} more)" if len(stopping) > 1 else ""
        remedy = f"; {first.remedy}" if first.remedy else ""
        raise RefusedError(f"{first.name}: {where}{first.what}{remedy}{more}", ours("check", *options))
