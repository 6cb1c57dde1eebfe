"""The cost of a restore: the changes of the cluster since the snapshot, which the restore undoes."""

from __future__ import annotations

from enum import StrEnum

from orchestrator.etcd.frozen import Frozen
from orchestrator.etcd.registry import DEFAULT_PREFIX

FIRST_NAMES = 3
VOLUMES, NODES, MASTERS = "persistentvolumes", "nodes", "masterleases"
TELLING = (VOLUMES, NODES, MASTERS)
"""Resources that represent something outside etcd: a disk, a machine."""
TELLING_NAMES = 20


class Change(StrEnum):
    """The kind of a change since the snapshot. The restore undoes it."""

    CREATED = "created"  # and will be lost
    CHANGED = "changed"  # and will be restored to the old content
    DELETED = "deleted"  # and will exist again


class Changes(Frozen):
    """The number of changed objects of one resource, and the first names, `NAMESPACE/NAME` in the order of the keys."""

    total: int = 0
    names: tuple[str, ...] = ()


class ResourceCost(Frozen):
    """The changes of one resource. ``namespace`` is empty for cluster-scoped objects and for sums of all namespaces."""

    resource: str
    namespace: str = ""
    created: Changes = Changes()
    changed: Changes = Changes()
    deleted: Changes = Changes()

    def of(self, change: Change) -> Changes:
        return {Change.CREATED: self.created, Change.CHANGED: self.changed, Change.DELETED: self.deleted}[change]


class ResourceCount(Frozen):
    """The number of objects of a resource in the snapshot and in the live cluster; None if it is unknown."""

    resource: str
    snapshot: int
    live: int | None


class Cost(Frozen):
    """The cost of a restore. It is saved with the plan, so it is small: totals per resource, and the first names.

    ``compared_with`` is the master whose member was asked; empty if no keys were compared, and ``reason`` says why.
    ``one_history`` is False if the live cluster does not descend from the snapshot: then ``changed`` is unknown.
    ``snapshot_clock_utc`` is the newest lease renewal in the snapshot, ``lost_s`` the time from then until
    now, or until etcd last wrote if no member answers.
    ``counts`` has every resource that the snapshot or the live cluster has, ``prefix`` is where their keys begin.
    ``returning_volumes`` are the persistent volumes that were deleted since: `NAME (DRIVER HANDLE)`.
    """

    compared_with: str = ""
    live_revision: int = 0
    live_keys: int = 0
    one_history: bool = True
    reason: str = ""
    resources: tuple[ResourceCost, ...] = ()
    prefix: str = DEFAULT_PREFIX.decode()
    counts: tuple[ResourceCount, ...] = ()
    returning_volumes: tuple[str, ...] = ()
    snapshot_clock_utc: str | None = None
    lost_s: int | None = None

    def total(self, change: Change) -> int:
        return sum(resource.of(change).total for resource in self.resources)

    def names(self, resource: str, change: Change) -> Changes:
        return next((row.of(change) for row in self.resources if row.resource == resource), Changes())
