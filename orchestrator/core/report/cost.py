"""What a restore costs, as words and rows. Pure; `adapters/screen` draws them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.core.model.cost import MASTERS, NODES, VOLUMES, Change, Changes, Cost, ResourceCost
from orchestrator.core.text import count, duration, printable

_MARKS = {Change.CREATED: "+", Change.CHANGED: "~", Change.DELETED: "-"}
_FATES = {
    Change.CREATED: "created since, and will be deleted",
    Change.CHANGED: "changed since, and will be reverted",
    Change.DELETED: "deleted since, and will be restored",
}
_OTHER_HISTORY = (
    "the live cluster is not a later state of this snapshot: it was restored from another snapshot since, or the "
    "snapshot is of another cluster. Only the names of objects are compared, not their contents"
)
_TELLING_WORDS = (
    (VOLUMES, Change.CREATED, "volumes that will have no PersistentVolume (their disks stay)"),
    (NODES, Change.CREATED, "nodes that joined since (each registers again when its kubelet restarts)"),
    (NODES, Change.DELETED, "nodes that left since, and will reappear"),
    (MASTERS, Change.CREATED, "API servers that joined since"),
    (MASTERS, Change.DELETED, "API servers that left since, and will be endpoints until their lease ends"),
)


def cost_lines(cost: Cost) -> tuple[tuple[str, str], ...]:
    """Labels and values: what was compared, how much time is lost, and which disks and machines are concerned."""
    if cost.compared_with:
        compared = f"{count(cost.live_keys, 'live key')} of {cost.compared_with} at revision {cost.live_revision}"
    else:
        compared = f"nothing: {cost.reason}"
    lines = [("compared", compared)]
    if not cost.one_history:
        lines.append(("another history", _OTHER_HISTORY))
    if cost.snapshot_clock_utc and cost.lost_s is not None:
        clock = f"{cost.snapshot_clock_utc[:19]}Z"
        ago = duration(cost.lost_s)
        lines.append(("time lost", f"{ago}: the newest lease in the snapshot was renewed at {clock}"))
    lines += [
        ("note", f"{words}: {_names(changes)}")
        for resource, change, words in _TELLING_WORDS
        if (changes := cost.names(resource, change)).total
    ]
    back = cost.names(VOLUMES, Change.DELETED)
    if back.total:
        shown = Changes(total=back.total, names=cost.returning_volumes)
        lines.append(("note", f"PersistentVolumes that come back, whose disks may be gone: {_names(shown)}"))
    if cost.compared_with and not cost.resources:
        lines.append(("", "nothing was created, changed or deleted since"))
    return tuple((label, printable(text)) for label, text in lines)


def change_heading(cost: Cost, change: Change) -> str:
    """`+ 12 objects created since, and will be deleted`."""
    return f"{_MARKS[change]} {count(cost.total(change), 'object')} {_FATES[change]}"


def change_rows(cost: Cost, change: Change) -> Iterator[tuple[str, str, str]]:
    """Number, resource and first names, for each resource with changes of this kind."""
    for row in cost.resources:
        changes = row.of(change)
        if changes.total:
            yield f"{changes.total:,}", printable(row.resource), printable(_names(changes))


def every_object(rows: Sequence[ResourceCost], change: Change) -> Iterator[str]:
    """A line `+ configmaps shop/cart` for each object."""
    for row in rows:
        for name in row.of(change).names:
            yield f"{_MARKS[change]} {printable(row.resource)} {printable(name)}"


def _names(changes: Changes) -> str:
    more = changes.total - len(changes.names)
    return ", ".join(changes.names) + (f" and {more:,} more" if more else "")
