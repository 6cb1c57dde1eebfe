"""What a restored cluster holds, as words and rows. Pure; `adapters/screen` draws them."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core.model.restored import Restored
from orchestrator.core.proof.evidence import Evidence, ResourceEvidence, StaleKind
from orchestrator.core.text import count, printable
from orchestrator.etcd.keyspace import NEVER

Row = tuple[str, ...]
MOST_RESOURCES = 20
_UNTOLD = "-"
_GONE = {
    StaleKind.NODE: "nodes that have not renewed their lease since the restore; delete one that is gone for good with:",
    StaleKind.API_SERVER: "API servers that have not renewed their lease since the restore; delete one that is "
    "gone for good with:",
}


def member_rows(found: Evidence, restored: Restored) -> Iterator[Row]:
    """A heading, a row for each member, and a row for the snapshot. `keys` counts keys at the restored revision."""
    yield "member", "id", "revision", "compacted", "HashKV", "keys", "keys now"
    for it in found.members:
        numbers = (it.revision, it.compacted_revision, it.hash_kv, it.keys_then, it.keys_now)
        yield printable(it.member), it.id or _UNTOLD, *(_number(number) for number in numbers)
    held = (restored.revision, restored.compacted_revision, restored.hash_kv, found.snapshot_keys)
    yield "snapshot", "", *(_number(number) for number in held), ""


def _number(number: int | None) -> str:
    if number is None:
        return _UNTOLD
    return "never" if number == NEVER else str(number)


def evidence_lines(found: Evidence) -> tuple[tuple[str, str], ...]:
    """Labels and values: alarms, ids, and what could not be read."""
    alarms = [f"{alarm} on {it.member}" for it in found.members for alarm in it.alarms]
    other = [it.member for it in found.members if it.id and it.id != it.id_predicted]
    lines = [("alarms", ", ".join(alarms) or "none")] if found.members else []
    if any(it.id for it in found.members):
        as_planned = "as predicted from the peer URLs and the cluster token in the manifests"
        others = (
            f"{', '.join(other)}: not as predicted from the manifests' cluster token; the restore used another token"
        )
        lines.append(("ids", others if other else as_planned))
    lines += [("not read", text) for text in found.missing]
    return tuple((label, printable(text)) for label, text in lines)


def resource_rows(found: Evidence) -> Iterator[Row]:
    """A heading, a row for each resource whose numbers differ (most objects first), and a row for the others."""
    changed = sorted((row for row in found.resources if not row.is_steady), key=_difference, reverse=True)
    steady = [row for row in found.resources if row.is_steady]
    yield "objects", "before", "in the snapshot", "now"
    for row in changed[:MOST_RESOURCES]:
        before = _UNTOLD if row.before is None else f"{row.before:,}"
        yield printable(row.resource), before, f"{row.snapshot:,}", f"{row.now:,}"
    if hidden := changed[MOST_RESOURCES:]:
        yield f"{count(len(hidden), 'more resource')} (all with --json)", "", "", ""
    if steady:
        total = f"{sum(row.now for row in steady):,}"
        before = _UNTOLD if steady[0].before is None else total
        yield f"{count(len(steady), 'resource')} with equal numbers", before, total, total


def _difference(row: ResourceEvidence) -> int:
    return max(abs(row.now - row.snapshot), abs((row.before or 0) - row.snapshot))


def stale_lines(found: Evidence, kind: StaleKind) -> Iterator[str]:
    """What the stale objects are, and for each the command that removes it, with its host. Nothing is removed."""
    of_kind = [it for it in found.stale if it.kind is kind]
    if of_kind:
        yield _GONE[kind]
    for it in of_kind:
        yield f"  {f'on {it.host}: ' if it.host else ''}{printable(it.command)}"
