"""The live keys against the snapshot's. Pure.

A key that both hold with the same mod_revision is unchanged, for within one history a revision is given once. The
live keys show themselves whether it is one history: each that was written at or before the snapshot's revision must be
in the snapshot, written there at the same revision. Where one is not, only the keys' names can be compared.
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
    """Takes one live key after another, and then says what differs.

    Memory grows with the resources and namespaces, and with the names only where ``every_name`` wants all of them.
    """

    def __init__(self, index: KeyIndex, prefix: str, snapshot_revision: int, *, every_name: bool = False) -> None:
        self._index = index
        self._prefix = prefix.encode()
        self._snapshot_revision = snapshot_revision
        self._every_name = every_name
        self._tallies: dict[tuple[str, str, Change], _Tally] = {}
        self._one_history = True

    def add(self, user_key: bytes, mod_revision: int) -> None:
        """A live key and the revision that wrote it last."""
        was = self._index.take(user_key)
        if was == mod_revision:
            return
        if mod_revision <= self._snapshot_revision:
            self._one_history = False
        self._count(user_key, Change.CREATED if was == ABSENT else Change.CHANGED)

    def result(self, live_revision: int) -> tuple[bool, tuple[ResourceCost, ...]]:
        """Whether it is one history; what differs, per resource and namespace. To be called once, at the end."""
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
    """The namespaces of each resource counted together, with the first names of all."""
    by_resource: dict[str, list[ResourceCost]] = {}
    for row in rows:
        by_resource.setdefault(row.resource, []).append(row)
    return tuple(
        ResourceCost(
            resource=resource,
            created=_together(resource, (row.created for row in of_one)),
            changed=_together(resource, (row.changed for row in of_one)),
            deleted=_together(resource, (row.deleted for row in of_one)),
        )
        for resource, of_one in by_resource.items()
    )


def count_objects(contents: Contents, rows: Iterable[ResourceCost] | None) -> tuple[ResourceCount, ...]:
    """How many objects of each resource the snapshot has, and by what differs (None: unknown) the live cluster."""
    then: Counter[str] = Counter()
    for found in contents.objects:
        then[found.resource] += found.objects
    if rows is None:
        return tuple(ResourceCount(resource=name, snapshot=number, live=None) for name, number in sorted(then.items()))
    live = then.copy()
    for row in rows:
        live[row.resource] += row.created.total - row.deleted.total
    return tuple(ResourceCount(resource=name, snapshot=then[name], live=live[name]) for name in sorted(live))


def _together(resource: str, changes: Iterable[Changes]) -> Changes:
    each = tuple(changes)
    most = TELLING_NAMES if resource in TELLING else FIRST_NAMES
    names = [name for one in each for name in one.names]
    return Changes(total=sum(one.total for one in each), names=tuple(names[:most]))


def lost_s(contents: Contents, end_s: float) -> int | None:
    """Seconds from the newest lease renewal in the snapshot to the live cluster's end; None where there is none."""
    if contents.newest_renewal_utc is None:
        return None
    return max(0, round(end_s - datetime.fromisoformat(contents.newest_renewal_utc).timestamp()))


def returning_volumes(rows: Iterable[ResourceCost], contents: Contents) -> tuple[str, ...]:
    """The volumes that were deleted since, each with what its driver knows it by: its disk may be gone."""
    handles = {volume.name: f"{volume.name} ({volume.driver} {volume.handle})" for volume in contents.volumes}
    deleted = next((row.deleted.names for row in rows if row.resource == VOLUMES), ())
    return tuple(handles.get(name, name) for name in deleted[:TELLING_NAMES])


def unseen(views: Mapping[str, MasterView]) -> str:
    """Why nothing was compared where no member answers, and what the data directories still tell."""
    reason = "no member answers, so nobody can say what was created, changed or deleted since"
    written_s, last = last_write(views)
    if not written_s:
        return reason
    at_utc = datetime.fromtimestamp(written_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{reason}; etcd last wrote to its database at {at_utc} by the clock of {last}"


def last_write(views: Mapping[str, MasterView]) -> tuple[int, str]:
    """When a member last wrote to its database (seconds since 1970; 0: nobody knows), and on which master."""
    return max(((view.data_written_s, name) for name, view in views.items()), default=(0, ""))
