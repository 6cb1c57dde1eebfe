"""Snapshots of unusual sizes or page sizes: etcd's own tool reports the same figures."""

from hashlib import sha256
from pathlib import Path

import pytest

from orchestrator.etcd import bbolt
from orchestrator.etcd.details import read_details
from orchestrator.etcd.members import parse_hash_kv
from orchestrator.etcd.snapshot import SnapshotFacts, read_snapshot
from orchestrator.etcd.verify import verify
from tests import snapshots
from tests.bbolt_file import build_file

MANY = 100_000
TOKEN = "sizes"


def read_as_etcdutl_does(path: Path) -> SnapshotFacts:
    """Return the facts of the file, after a check that its figures equal etcdutl's."""
    data = memoryview(path.read_bytes())
    found, status = read_snapshot(data), snapshots.status(path)
    facts, details = found.facts, read_details(found.database, found.keys)
    ours = (details.status_hash, facts.last_entry_revision, facts.total_entries, details.total_size_bytes)
    assert ours == (status["hash"], status["revision"], status["totalKey"], status["totalSize"])
    assert verify(data).is_whole
    return facts


def hash_kv_restored(path: Path, folder: Path) -> int:
    """Return the answer of a real member that was restored from the file."""
    (member,) = snapshots.members("restored")
    snapshots.restore(path, member, folder / "data", TOKEN)
    with snapshots.running(member, folder / "data"):
        return parse_hash_kv(snapshots.hash_kv(member).body).hash_kv


def test_hundred_thousand_keys(tmp_path: Path) -> None:
    path = snapshots.make_snapshot(tmp_path, keys=MANY, value_bytes=100)
    facts = read_as_etcdutl_does(path)
    assert facts.live_keys == MANY
    assert facts.hash_kv == hash_kv_restored(path, tmp_path)


@pytest.mark.parametrize("page_size", [1024, 4096, 16384, 65536])
def test_other_page_sizes(snapshot_path: Path, tmp_path: Path, page_size: int) -> None:
    """The file is built here from the entries of a real one; etcdutl reads it with the page size that it names."""
    whole = memoryview(snapshot_path.read_bytes())
    database = bbolt.Database(whole)
    entries = {name: [(bytes(key), bytes(value)) for key, value in database.entries(name)] for name in database.buckets}
    body = build_file(entries, page_size)
    path = tmp_path / "snapshot.db"
    path.write_bytes(body + sha256(body).digest())

    facts, real = read_as_etcdutl_does(path), read_snapshot(whole).facts
    assert facts.page_size_bytes == page_size
    assert (facts.hash_kv, facts.live_keys, facts.members) == (real.hash_kv, real.live_keys, real.members)
    assert facts.hash_kv == hash_kv_restored(path, tmp_path)

    body = b"\0" * 80 + body[80:]
    assert read_snapshot(memoryview(body + sha256(body).digest())).facts.hash_kv == real.hash_kv, (
        "by the other meta page"
    )
