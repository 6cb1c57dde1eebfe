"""etcd's own figures for a snapshot: equal to those of its tools, 3.5 and 3.4."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.etcd.details import Bump, Details, bumped, read_details
from orchestrator.etcd.keyspace import NEVER
from orchestrator.etcd.members import parse_hash_kv
from orchestrator.etcd.snapshot import Reading, SnapshotFacts, read_snapshot
from orchestrator.etcd.verify import verify
from tests import snapshots
from tests.snapshots import Member, Tools, call, compact, delete, put

BUMP = 1_000_000_000


@pytest.fixture(scope="session")
def newer() -> Tools:
    """etcd 3.5.16, which can bump the revision, and which hashes a tombstone at the compacted revision."""
    return snapshots.tools_of("3.5.16")


@pytest.fixture(scope="module", params=["3.5.1", "3.4.23", "3.5.16"])
def tools(request: pytest.FixtureRequest) -> Tools:
    return snapshots.tools_of(request.param)


@dataclass(frozen=True)
class Sample:
    path: Path
    said: str
    found: Reading
    details: Details

    @property
    def facts(self) -> SnapshotFacts:
        return self.found.facts


def empty_store(member: Member) -> None:
    """A store without any writes."""


def one_key(member: Member) -> None:
    put(member, "a", b"1")


def used_store(member: Member) -> None:
    """Leases, users, large and deleted values, and a compaction in the middle."""
    for number in (7, 8):
        call(member, "lease/grant", {"TTL": 3600, "ID": number})
    for index in range(300):
        put(member, f"/registry/pods/{index % 90}", bytes([index % 256]) * 700, lease=7 if index % 9 == 0 else 0)
    put(member, "/registry/large", b"x" * 900_000)
    for index in range(0, 90, 4):
        delete(member, f"/registry/pods/{index}")
    compact(member, 200)
    call(member, "auth/role/add", {"name": "root"})
    call(member, "auth/user/add", {"name": "root", "password": "for the test"})
    call(member, "auth/user/grant", {"user": "root", "role": "root"})


@pytest.fixture(scope="module", params=[empty_store, one_key, used_store], ids=lambda history: history.__name__)
def sample(request: pytest.FixtureRequest, tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    folder = tmp_path_factory.mktemp("sample")
    (member,) = snapshots.members("m1")
    with snapshots.running(member, folder / "data", tools=tools):
        call(member, "maintenance/status", {})  # waits for a leader
        request.param(member)
        path = snapshots.save(member, folder / "snapshot.db", tools)
        said = snapshots.hash_kv(member).body
    found = read_snapshot(memoryview(path.read_bytes()))
    yield Sample(path, said, found, read_details(found.database, found.keys))


def test_figures_equal_etcd_tool(sample: Sample, tools: Tools) -> None:
    status = snapshots.status(sample.path, tools)
    assert sample.details.status_hash == status["hash"]
    assert sample.details.total_size_bytes == status["totalSize"]
    assert sample.facts.total_entries == status["totalKey"]
    assert sample.facts.last_entry_revision == status["revision"]


def test_hash_kv_equals_members_answer(sample: Sample) -> None:
    assert f'"hash":{sample.facts.hash_kv}' in sample.said


def test_sample_is_whole(sample: Sample) -> None:
    found = verify(memoryview(sample.path.read_bytes()))
    assert found.damages == ()
    assert found.is_whole


def test_counts_of_leases_users_and_roles(sample: Sample) -> None:
    details = sample.details
    lived_in = "large" in sample.path.read_bytes().decode("latin-1")
    assert (details.leases, details.users, details.roles) == ((2, 1, 1) if lived_in else (0, 0, 0))
    assert not details.auth_enabled
    assert details.storage_version is None


def test_bumped_hash_equals_restored_members_answer(sample: Sample, newer: Tools, tmp_path: Path) -> None:
    (member,) = snapshots.members("bumped")
    flags = (f"--bump-revision={BUMP}", "--mark-compacted")
    snapshots.restore(sample.path, member, tmp_path / "data", "token", flags=flags, tools=newer)
    with snapshots.running(member, tmp_path / "data", tools=newer):
        said = parse_hash_kv(snapshots.hash_kv(member).body)

    assert bumped(sample.found.keys, BUMP) == Bump(amount=BUMP, revision=said.revision, hash_kv=said.hash_kv)
    assert said.revision == said.compacted_revision == sample.facts.last_entry_revision + BUMP
    assert sample.facts.compacted_revision in (200, NEVER)


def test_enabled_authentication_is_detected(tmp_path: Path) -> None:
    (member,) = snapshots.members("m1")
    with snapshots.running(member, tmp_path / "data"):
        call(member, "auth/role/add", {"name": "root"})
        call(member, "auth/user/add", {"name": "root", "password": "for the test"})
        call(member, "auth/user/grant", {"user": "root", "role": "root"})
        call(member, "auth/enable", {})
        wait_for_flush(tmp_path)
        data = (tmp_path / "data/member/snap/db").read_bytes()
    found = read_snapshot(memoryview(data), allow_unhashed=True)
    assert read_details(found.database, found.keys).auth_enabled


def wait_for_flush(tmp_path: Path) -> None:
    """Wait until etcd has flushed its acknowledged writes to the file, which it does every 100 ms."""
    import time

    time.sleep(0.5)
