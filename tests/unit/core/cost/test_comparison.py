"""Comparison of the live keys with the snapshot's: what it reports is what happened, key by key."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.cost.comparison import Comparison, lost_s, per_resource, returning_volumes, unseen
from orchestrator.core.model.cost import Change, Changes, ResourceCost
from orchestrator.etcd.contents import ContentsReader
from orchestrator.etcd.keyindex import KeyIndex
from tests.kubernetes_objects import pair_of, volume_bytes
from tests.unit.builders import altered, masters

Rows = tuple[ResourceCost, ...]


def compare(
    then: dict[str, int], now: dict[str, int], *, at: int = 100, live_at: int = 200, every_name: bool = True
) -> tuple[bool, Rows]:
    index = KeyIndex()
    for key, revision in then.items():
        index.add(f"/registry/{key}".encode(), memoryview(b""), revision)
    comparison = Comparison(index, "/registry/", at, every_name=every_name)
    for key, revision in sorted(now.items()):
        comparison.add(f"/registry/{key}".encode(), revision)
    return comparison.result(live_at)


def names_by_change(rows: Rows) -> dict[str, set[str]]:
    """Return `RESOURCE NAME` of every object, by kind of change."""
    return {
        change.value: {f"{row.resource} {name}" for row in rows for name in row.of(change).names} for change in Change
    }


def test_created_changed_and_deleted_keys() -> None:
    then = {"configmaps/a/same": 5, "configmaps/a/other": 6, "configmaps/b/gone": 7, "minions/w1": 8}
    now = {
        "configmaps/a/same": 5,
        "configmaps/a/other": 101,
        "configmaps/b/new": 102,
        "minions/w1": 8,
        "minions/w2": 103,
    }
    one_history, rows = compare(then, now)
    assert one_history
    assert names_by_change(rows) == {
        "created": {"configmaps b/new", "nodes w2"},
        "changed": {"configmaps a/other"},
        "deleted": {"configmaps b/gone"},
    }
    assert [(row.resource, row.namespace) for row in rows] == [("configmaps", "a"), ("configmaps", "b"), ("nodes", "")]


def test_deleted_and_recreated_key_counts_as_changed() -> None:
    assert names_by_change(compare({"pods/a/x": 5}, {"pods/a/x": 150})[1])["changed"] == {"pods a/x"}


NAMES = st.sampled_from(
    [f"{resource}/n{number}" for resource in ("pods/a", "pods/b", "minions") for number in range(6)]
)


@given(st.lists(st.tuples(NAMES, st.booleans()), max_size=40), st.lists(st.tuples(NAMES, st.booleans()), max_size=40))
def test_counts_of_any_history(before: list[tuple[str, bool]], after: list[tuple[str, bool]]) -> None:
    """Each write or deletion takes the next revision, as in etcd."""
    store: dict[str, int] = {}
    revision = 1
    snapshot: dict[str, int] = {}
    for number, (key, written) in enumerate([*before, *after]):
        if number == len(before):
            snapshot, at = dict(store), revision
        if written or key in store:
            revision += 1
        if written:
            store[key] = revision
        else:
            store.pop(key, None)
    if not after:
        snapshot, at = dict(store), revision
    one_history, rows = compare(snapshot, store, at=at, live_at=revision)
    assert one_history
    assert sum(row.created.total for row in rows) == len(store.keys() - snapshot.keys())
    assert sum(row.deleted.total for row in rows) == len(snapshot.keys() - store.keys())
    both = store.keys() & snapshot.keys()
    assert sum(row.changed.total for row in rows) == sum(store[key] != snapshot[key] for key in both)


def test_other_history_is_detected() -> None:
    """The cluster was restored from an older snapshot since: other writes got the same revisions."""
    then = {"pods/a/x": 5, "pods/a/y": 90}
    for now in ({"pods/a/x": 5, "pods/a/z": 91}, {"pods/a/x": 80, "pods/a/y": 90}):
        one_history, rows = compare(then, now)
        assert not one_history
        assert names_by_change(rows)["changed"] == set()
    assert names_by_change(compare(then, {"pods/a/x": 5, "pods/a/z": 91})[1])["created"] == {"pods a/z"}
    assert not compare(then, {"pods/a/x": 5}, live_at=60)[0]


def test_only_first_names_are_kept() -> None:
    now = {f"pods/{namespace}/{number}": 101 + number for namespace in "ab" for number in range(9)}
    now |= {f"persistentvolumes/pv-{number:02}": 150 + number for number in range(30)}
    _, rows = compare({}, now, every_name=False)
    volumes, pods_a, _ = rows
    assert pods_a.created == Changes(total=9, names=("a/0", "a/1", "a/2"))
    assert (volumes.created.total, len(volumes.created.names)) == (30, 20)
    assert [(row.resource, row.namespace, row.created.total) for row in per_resource(rows)] == [
        ("persistentvolumes", "", 30),
        ("pods", "", 18),
    ]


def test_returning_volumes_have_handles() -> None:
    reader = ContentsReader()
    value = volume_bytes("pv-1", "ebs.csi.aws.com", "vol-0a", ("shop", "data"))
    key = b"/registry/persistentvolumes/pv-1"
    reader.add(key, pair_of(key, value, 5), 5)
    _, rows = compare({"persistentvolumes/pv-1": 5, "persistentvolumes/pv-2": 6}, {})
    assert returning_volumes(rows, reader.result()) == ("pv-1 (ebs.csi.aws.com vol-0a)", "pv-2")


def test_seconds_lost_since_newest_renewal() -> None:
    contents = ContentsReader().result()
    assert lost_s(contents, 0.0) is None
    renewed = contents.model_copy(update={"newest_renewal_utc": "1970-01-01T01:00:00.500000+00:00"})
    assert (lost_s(renewed, 3700.0), lost_s(renewed, 5.0)) == (100, 0)


def test_without_answers_last_write_comes_from_files() -> None:
    views = masters()
    assert "last wrote" not in unseen(views)
    views["master-2"] = altered(views["master-2"], data_written_s=1763845177)
    assert unseen(views).endswith("at 2025-11-22T20:59:37Z (clock of master-2)")
