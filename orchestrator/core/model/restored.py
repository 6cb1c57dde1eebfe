"""What every member shows once it is restored, until something is written or compacted. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.etcd.details import Bump
from orchestrator.etcd.snapshot import SnapshotFacts


@dataclass(frozen=True, slots=True)
class Restored:
    """``compacted_revision`` is -1 if it was never compacted."""

    revision: int
    compacted_revision: int
    hash_kv: int


def restored_from(snapshot: SnapshotFacts, bump: Bump | None) -> Restored:
    """From the snapshot file, with a bump if there is one."""
    if bump:
        return Restored(bump.revision, bump.revision, bump.hash_kv)
    return Restored(snapshot.revision, snapshot.compacted_revision, snapshot.hash_kv)
