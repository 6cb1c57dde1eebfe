"""Whether snapshots of all masters hold the same, and what was compared."""

from __future__ import annotations

from orchestrator.core.snapshots.consistency import Common, Content, common_of, compare
from orchestrator.etcd.snapshot import SnapshotFacts
from tests.unit.builders import snapshot_facts

ALL = ("master-1", "master-2", "master-3")
AT = Common(100, 40)


def at(revision: int, compacted: int) -> SnapshotFacts:
    return snapshot_facts().model_copy(update={"revision": revision, "compacted_revision": compacted})


def content(*hashes: int, cluster_ids: tuple[str, ...] = ("a", "a", "a")) -> list[Content]:
    return [Content(*it) for it in zip(ALL, cluster_ids, hashes, strict=False)]


def test_the_oldest_file_says_at_what_revision_and_the_newest_compaction_counts() -> None:
    facts = [at(105, 40), at(100, -1)]
    assert common_of(facts) == Common(100, 40)
    assert common_of([*facts, at(200, 101)]) is None


def test_equal_contents() -> None:
    found = compare(content(7, 7, 7), AT, ALL)
    assert found.is_proven
    assert found.equal == ALL
    assert "HashKV at revision 100" in found.words


def test_one_that_differs_is_named() -> None:
    found = compare(content(8, 7, 7), AT, ALL)
    assert not found.is_proven
    assert (found.equal, dict(found.differing)) == (("master-2", "master-3"), {"master-1": "HashKV 8, not 7"})
    other = compare(content(7, 7, 7, cluster_ids=("a", "b", "a")), AT, ALL)
    assert dict(other.differing) == {"master-2": "cluster id b, not a"}


def test_nothing_is_proven_without_all_of_them_or_without_contents() -> None:
    short = compare(content(7, 7), AT, ALL)
    assert (short.is_proven, short.missing, dict(short.differing)) == (False, ("master-3",), {})
    blind = compare([Content(host, "a", None) for host in ALL], None, ALL)
    assert (blind.is_proven, dict(blind.differing)) == (False, {})
    assert "cluster ids only" in blind.words
