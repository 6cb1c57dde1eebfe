"""What a restore costs: what happened to the cluster since the snapshot, and is undone with it."""

from __future__ import annotations

from enum import StrEnum

from orchestrator.etcd.frozen import Frozen
from orchestrator.etcd.registry import DEFAULT_PREFIX

FIRST_NAMES = 3
VOLUMES, NODES, MASTERS = "persistentvolumes", "nodes", "masterleases"
TELLING = (VOLUMES, NODES, MASTERS)
"""Resources that stand for something outside of etcd: a disk, a machine."""
TELLING_NAMES = 20


class Change(StrEnum):
    """By what happened since the snapshot; the restore undoes it."""

    CREATED = "created"  # and will be lost
    CHANGED = "changed"  # and will be as it was
    DELETED = "deleted"  # and will come back


class Changes(Frozen):
    """How many objects of one resource, and the names of the first: `NAMESPACE/NAME`, in the order of the keys."""

    total: int = 0
    names: tuple[str, ...] = ()


class ResourceCost(Frozen):
    """``namespace`` is empty for what belongs to the whole cluster, and where all namespaces are counted together."""

    resource: str
    namespace: str = ""
    created: Changes = Changes()
    changed: Changes = Changes()
    deleted: Changes = Changes()

    def of(self, change: Change) -> Changes:
        return {Change.CREATED: self.created, Change.CHANGED: self.changed, Change.DELETED: self.deleted}[change]


class ResourceCount(Frozen):
    """How many objects of a resource there are: in the snapshot, and in the live cluster, None where nobody told."""

    resource: str
    snapshot: int
    live: int | None


class Cost(Frozen):
    """Saved with the plan, so it is small: totals per resource, and the first names.

    ``compared_with`` is the master whose member was asked; empty where no keys were compared, and ``reason`` says why.
    ``one_history`` is False where the live cluster does not follow from the snapshot: then ``changed`` is unknown.
    ``snapshot_clock_utc`` is the newest lease renewal in the snapshot, ``lost_s`` the time from then until
    now, or until etcd last wrote where nothing answers.
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
