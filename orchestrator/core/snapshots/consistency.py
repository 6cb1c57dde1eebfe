"""Compares the contents of snapshots that were taken from all masters. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.core.text import listed
from orchestrator.etcd.snapshot import SnapshotFacts


@dataclass(frozen=True, slots=True)
class Common:
    """What the files are compared at: a revision that every file has reached and no file has compacted, and the newest
    compaction of any file, which is assumed done in all of them."""

    revision: int
    compacted_revision: int


@dataclass(frozen=True, slots=True)
class Content:
    """One master's snapshot. ``hash_kv`` is computed at the common revision; None if there is no such revision."""

    host: str
    cluster_id: str
    hash_kv: int | None


@dataclass(frozen=True, slots=True)
class SameContent:
    """The result of the comparison. ``equal`` is the largest group of masters that agree, ``differing`` has the other
    masters with their difference, ``missing`` the masters without a snapshot. ``revision`` is None if the contents
    could not be compared."""

    revision: int | None
    equal: tuple[str, ...]
    differing: Mapping[str, str]
    missing: tuple[str, ...]

    @property
    def is_proven(self) -> bool:
        return self.revision is not None and not self.differing and not self.missing

    @property
    def words(self) -> str:
        """What was compared, and the result."""
        if self.revision is None:
            compared = "cluster ids only: one was compacted past the last revision of another"
        else:
            compared = f"cluster id and HashKV at revision {self.revision}, computed from the files"
        verdict = [f"equal on {listed(self.equal)}"] if len(self.equal) > 1 else []
        verdict += [f"{host} differs: {how}" for host, how in self.differing.items()]
        verdict += [f"no snapshot from {listed(self.missing)}"] if self.missing else []
        return f"{compared}: {'; '.join(verdict) or 'nothing to compare with'}"


def common_of(snapshots: Sequence[SnapshotFacts]) -> Common | None:
    """What to compare the files at; None if there is no revision that all files still have."""
    revision = min(it.revision for it in snapshots)
    compacted = max(it.compacted_revision for it in snapshots)
    return Common(revision, compacted) if compacted <= revision else None


def compare(contents: Sequence[Content], common: Common | None, masters: Sequence[str]) -> SameContent:
    """Compare the contents. They are in the order of trust: of two groups of equal size, the first is right.
    ``masters`` names all masters."""
    groups: dict[tuple[str, int | None], list[str]] = {}
    for it in contents:
        groups.setdefault((it.cluster_id, it.hash_kv), []).append(it.host)
    right = max(groups, key=lambda key: len(groups[key]))
    differing = {
        it.host: f"cluster id {it.cluster_id}, not {right[0]}"
        if it.cluster_id != right[0]
        else f"HashKV {it.hash_kv}, not {right[1]}"
        for it in contents
        if (it.cluster_id, it.hash_kv) != right
    }
    given = {it.host for it in contents}
    return SameContent(
        revision=common.revision if common else None,
        equal=tuple(host for host in masters if host in groups[right]),
        differing=differing,
        missing=tuple(host for host in masters if host not in given),
    )
