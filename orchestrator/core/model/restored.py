"""What every member shows once it is restored, until something is written or compacted. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.etcd.details import Bump
from orchestrator.etcd.snapshot import SnapshotFacts


@dataclass(frozen=True, slots=True)
class Restored:
    """What every restored member must show, according to the snapshot file and the revision bump.

    ``compacted_revision`` is -1 if it was never compacted. ``cluster_id`` is empty if the vendor draws the cluster
    token: then the id is unpredictable.
    """

    revision: int
    compacted_revision: int
    hash_kv: int
    cluster_id: str = ""

    def as_texts(self) -> dict[str, str]:
        """Convert to the form in which a plan's probe stores it."""
        found = {name: str(getattr(self, name)) for name in ("revision", "compacted_revision", "hash_kv")}
        return found | ({"cluster_id": self.cluster_id} if self.cluster_id else {})

    @classmethod
    def of_texts(cls, texts: Mapping[str, str]) -> Restored:
        """Convert back from ``as_texts``."""
        revision, compacted, hash_kv = (int(texts[name]) for name in ("revision", "compacted_revision", "hash_kv"))
        return cls(revision, compacted, hash_kv, texts.get("cluster_id", ""))


def restored_from(snapshot: SnapshotFacts, bump: Bump | None = None, cluster_id: str = "") -> Restored:
    """Return what members show that were restored from this snapshot, with this bump."""
    if bump:
        return Restored(bump.revision, bump.revision, bump.hash_kv, cluster_id)
    return Restored(snapshot.revision, snapshot.compacted_revision, snapshot.hash_kv, cluster_id)
