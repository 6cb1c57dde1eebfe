"""The pass over the live keys of snapshots that a real etcd has saved."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.adapters.snapshot_file import open_snapshot
from orchestrator.etcd import live
from orchestrator.etcd.meta import CorruptError
from tests import snapshots

VALUES = {
    "/registry/a": b"one",
    "/registry/empty": b"",
    "/registry/long": b"\x2a\x00" * 100_000,
    "/registry/" + "k" * 127: b"behind a key of more than 127 bytes",
    "k": b"\x00",
}


class Collector:
    """Collects what the pass offers."""

    def __init__(self) -> None:
        self.pairs: dict[str, bytes] = {}
        self.revisions: list[int] = []

    def add(self, user_key: bytes, pair: memoryview, mod_revision: int) -> None:
        assert user_key.decode() not in self.pairs
        self.pairs[user_key.decode()] = live.value_of(pair)
        self.revisions.append(mod_revision)


def test_newest_values_of_live_keys(tmp_path: Path) -> None:
    (member,) = snapshots.members("one")
    with snapshots.running(member, tmp_path / "data"):
        for key in VALUES:
            snapshots.put(member, key, b"older")
        snapshots.put(member, "/registry/gone", b"gone")
        snapshots.delete(member, "/registry/gone")
        for key, value in VALUES.items():
            snapshots.put(member, key, value)
        path = snapshots.save(member, tmp_path / "snapshot.db")
    first, second = Collector(), Collector()
    open_snapshot(path, first, second)
    assert first.pairs == second.pairs == VALUES
    newest = 1 + 2 * len(VALUES) + 2  # etcd starts at 1
    assert first.revisions == list(range(newest - len(VALUES) + 1, newest + 1))


@given(st.binary(max_size=40))
def test_hostile_entry_has_value_or_is_corrupt(entry: bytes) -> None:
    for begun in (entry, b"\x0a\x01k" + entry, b"\x0a\x01k\x10\x02\x18\x02\x20\x01" + entry):
        try:
            assert live.value_of(memoryview(begun)) in begun
        except CorruptError:
            continue


def test_value_past_the_end_is_corrupt() -> None:
    with pytest.raises(CorruptError, match="past the end"):
        live.value_of(memoryview(b"\x0a\x01k\x10\x02\x2a\x05abc"))
