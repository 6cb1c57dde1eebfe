"""Comparison of the live keys with the snapshot's. Pure.

A key with the same mod_revision on both sides is unchanged, because within one history a revision is used once. The
live keys themselves show whether it is one history: each key that was written at or before the snapshot's revision
must be in the snapshot, written at the same revision. If one is not, only the names of the keys can be compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orchestrator.core.hosts.view import MasterView
from orchestrator.core.model.cost import (
    FIRST_NAMES,
    TELLING,
    TELLING_NAMES,
    VOLUMES,
    Change,
    Changes,
    ResourceCost,
    ResourceCount,
)
from orchestrator.etcd.contents import Contents
from orchestrator.etcd.keyindex import ABSENT, KeyIndex
from orchestrator.etcd.registry import ObjectKey, read_key


@dataclass(slots=True)
class _Tally:
    total: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, key: ObjectKey, most: int | None) -> None:
        self.total += 1
        if most is None or len(self.names) < most:
            self.names.append(key.full_name)

    def result(self) -> Changes:
        return Changes(total=self.total, names=tuple(self.names))


class Comparison:
    """Consumes live keys one by one, then reports what differs.

    Memory grows with the number of resources and namespaces; it grows with the names only if ``every_name`` is set.
    """

    def __init__(self, index: KeyIndex, prefix: str, snapshot_revision: int, *, every_name: bool = False) -> None:
        self._index = index
        self._prefix = prefix.encode()
        self._snapshot_revision = snapshot_revision
        self._every_name = every_name
        self._tallies: dict[tuple[str, str, Change], _Tally] = {}
        self._one_history = True

    def add(self, user_key: bytes, mod_revision: int) -> None:
        """Add a live key and the revision that last wrote it."""
        was = self._index.take(user_key)
        if was == mod_revision:
            return
        if mod_revision <= self._snapshot_revision:
            self._one_history = False
        self._count(user_key, Change.CREATED if was == ABSENT else Change.CHANGED)

    def result(self, live_revision: int) -> tuple[bool, tuple[ResourceCost, ...]]:
        """Return whether it is one history, and what differs per resource and namespace. Call it once, at the end."""
        for key in self._index.left():
            self._count(key, Change.DELETED)
        if live_revision < self._snapshot_revision:
            self._one_history = False
        if not self._one_history:
            self._tallies = {place: tally for place, tally in self._tallies.items() if place[2] is not Change.CHANGED}
        places = sorted({(resource, namespace) for resource, namespace, _ in self._tallies})
        return self._one_history, tuple(self._row(resource, namespace) for resource, namespace in places)

    def _count(self, user_key: bytes, change: Change) -> None:
        key = read_key(self._prefix, user_key)
        most = None if self._every_name else TELLING_NAMES if key.resource in TELLING else FIRST_NAMES
        self._tallies.setdefault((key.resource, key.namespace, change), _Tally()).add(key, most)

    def _row(self, resource: str, namespace: str) -> ResourceCost:
        found = {
            change.value: tally.result()
            for change in Change
            if (tally := self._tallies.get((resource, namespace, change)))
        }
        return ResourceCost.model_validate({"resource": resource, "namespace": namespace, **found})


def per_resource(rows: Iterable[ResourceCost]) -> tuple[ResourceCost, ...]:
    """Merge the rows of all namespaces of each resource, keeping the first names."""
    by_resource: dict[str, list[ResourceCost]] = {}
    for row in rows:
        by_resource.setdefault(row.resource, []).append(row)
    return tuple(
        ResourceCost(
            resource=resource,
            created=_merge_changes(resource, (row.created for row in of_one)),
            changed=_merge_changes(resource, (row.changed for row in of_one)),
            deleted=_merge_changes(resource, (row.deleted for row in of_one)),
        )
        for resource, of_one in by_resource.items()
    )


def count_objects(contents: Contents, rows: Iterable[ResourceCost] | None) -> tuple[ResourceCount, ...]:
    """Count the objects of each resource in the snapshot and in the live cluster; ``rows`` None: live is unknown."""
    then: Counter[str] = Counter()
    for found in contents.objects:
        then[found.resource] += found.objects
    if rows is None:
        return tuple(ResourceCount(resource=name, snapshot=number, live=None) for name, number in sorted(then.items()))
    live = then.copy()
    for row in rows:
        live[row.resource] += row.created.total - row.deleted.total
    return tuple(ResourceCount(resource=name, snapshot=then[name], live=live[name]) for name in sorted(live))


def _merge_changes(resource: str, changes: Iterable[Changes]) -> Changes:
    each = tuple(changes)
    most = TELLING_NAMES if resource in TELLING else FIRST_NAMES
    names = [name for one in each for name in one.names]
    return Changes(total=sum(one.total for one in each), names=tuple(names[:most]))


def lost_s(contents: Contents, end_s: float) -> int | None:
    """Return the seconds from the snapshot's newest lease renewal to the live cluster's end; None without a renewal."""
    if contents.newest_renewal_utc is None:
        return None
    return max(0, round(end_s - datetime.fromisoformat(contents.newest_renewal_utc).timestamp()))


def returning_volumes(rows: Iterable[ResourceCost], contents: Contents) -> tuple[str, ...]:
    """List the volumes that were deleted since the snapshot, each with its driver's handle: its disk may be gone."""
    handles = {volume.name: f"{volume.name} ({volume.driver} {volume.handle})" for volume in contents.volumes}
    deleted = next((row.deleted.names for row in rows if row.resource == VOLUMES), ())
    return tuple(handles.get(name, name) for name in deleted[:TELLING_NAMES])


def unseen(views: Mapping[str, MasterView]) -> str:
    """Say why nothing was compared when no member answers, and what the data directories show."""
    reason = "no member answers, so changes since the snapshot are unknown"
    written_s, last = last_write(views)
    if not written_s:
        return reason
    at_utc = datetime.fromtimestamp(written_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{reason}; etcd last wrote to its database at {at_utc} (clock of {last})"


def last_write(views: Mapping[str, MasterView]) -> tuple[int, str]:
    """Return when a member last wrote to its database (seconds since 1970; 0: unknown), and on which master."""
    return max(((view.volume.data_written_s, name) for name, view in views.items()), default=(0, ""))
