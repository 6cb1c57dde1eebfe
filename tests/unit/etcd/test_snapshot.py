"""What is read from a snapshot, compared with what real etcd says about it, before and after a real restore."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from orchestrator.etcd.keyspace import hash_kv_at
from orchestrator.etcd.members import HashKv, parse_hash_kv, parse_members
from orchestrator.etcd.snapshot import (
    SnapshotFacts,
    SnapshotMember,
    digest,
    read_snapshot,
)
from tests import snapshots
from tests.snapshots import Member, call, compact, delete, put

TOKEN = "fresh-token"


def churned(member: Member) -> None:
    """Deletions, a re-creation, keys and values of many sizes, and writes after the compaction."""
    for index in range(12):
        put(member, f"/registry/pods/{index}", b"first" * index)
    put(member, "/registry/large", b"x" * 50_000)
    put(member, "/registry/" + "long" * 40, b"a key longer than 127 bytes")
    put(member, "/registry/empty", b"")
    for index in range(0, 12, 3):
        delete(member, f"/registry/pods/{index}")
    put(member, "/registry/pods/3", b"again")
    put(member, "/registry/pods/4", b"second")
    compact(member, 21)
    put(member, "/registry/pods/5", b"after the compaction")
    delete(member, "/registry/pods/6")


def compacted_twice(member: Member) -> None:
    for index in range(30):
        put(member, f"/k/{index % 7}", str(index).encode())
    compact(member, 10)
    for index in range(30):
        put(member, f"/k/{index % 5}", str(index).encode())
    compact(member, 55)


def compacted_on_a_tombstone(member: Member) -> None:
    put(member, "a", b"1")
    put(member, "b", b"1")
    delete(member, "a")
    compact(member, 4)


def all_deleted(member: Member) -> None:
    put(member, "a", b"1")
    delete(member, "a")
    compact(member, 3)


def never_compacted(member: Member) -> None:
    put(member, "a", b"1")
    put(member, "a", b"2")
    delete(member, "a")
    put(member, "b", b"3")


def leased(member: Member) -> None:
    lease = call(member, "lease/grant", {"TTL": 3600})["ID"]
    put(member, "a", b"1", lease=int(lease))


def with_an_alarm(member: Member) -> None:
    put(member, "a", b"1")
    members = call(member, "cluster/member/list", {})["members"]
    call(member, "maintenance/alarm", {"action": "ACTIVATE", "memberID": members[0]["ID"], "alarm": "NOSPACE"})


def many(member: Member) -> None:
    """Enough keys for branch pages."""
    puts = (snapshots.put_operation(f"/registry/{index:05d}", b"v" * 200) for index in range(4000))
    snapshots.write_all(member, puts, 256)


def empty(member: Member) -> None:
    """A store without any writes."""


HISTORIES: tuple[Callable[[Member], None], ...] = (
    empty, churned, compacted_twice, compacted_on_a_tombstone, all_deleted, never_compacted, leased,
    with_an_alarm, many,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sample:
    """A snapshot, what its member said when it was taken, and what is read from it."""

    path: Path
    said: HashKv
    live_keys: int
    facts: SnapshotFacts
    earlier: dict[int, int]  # HashKV by revision


@pytest.fixture(scope="module", params=HISTORIES, ids=lambda history: history.__name__)
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    folder = tmp_path_factory.mktemp(request.param.__name__)
    (member,) = snapshots.members("m1")
    with snapshots.running(member, folder / "data"):
        call(member, "maintenance/status", {})  # waits for a leader
        request.param(member)
        path = snapshots.save(member, folder / "snapshot.db")
        said = parse_hash_kv(snapshots.hash_kv(member).body)
        count = call(member, "kv/range", {"key": "AA==", "range_end": "AA==", "count_only": True}).get("count", 0)
        first = max(said.compacted_revision, 1)
        earlier = {
            at: parse_hash_kv(snapshots.hash_kv(member, at).body).hash_kv for at in range(first + 1, said.revision)
        }
    yield Sample(path, said, int(count), read_snapshot(memoryview(path.read_bytes())).facts, earlier)


def test_counts_equal_etcdutl(sample: Sample) -> None:
    status = snapshots.status(sample.path)
    facts = sample.facts
    assert facts.total_entries == status["totalKey"]
    assert facts.size_bytes == status["totalSize"] + 32
    assert facts.last_entry_revision == status["revision"]
    assert facts.live_keys == sample.live_keys


def test_hash_kv_equals_members_answer(sample: Sample) -> None:
    facts = sample.facts
    assert (
        HashKv(revision=facts.revision, compacted_revision=facts.compacted_revision, hash_kv=facts.hash_kv)
        == sample.said
    )


def test_hash_kv_at_earlier_revision_equals_members_answer(sample: Sample) -> None:
    database = read_snapshot(memoryview(sample.path.read_bytes())).database
    compacted = sample.facts.compacted_revision
    assert {at: hash_kv_at(database, at, compacted) for at in sample.earlier} == sample.earlier


def test_hash_kv_equals_restored_members_answer(sample: Sample, tmp_path: Path) -> None:
    (member,) = snapshots.members("restored")
    snapshots.restore(sample.path, member, tmp_path / "data", TOKEN)
    with snapshots.running(member, tmp_path / "data"):
        assert parse_hash_kv(snapshots.hash_kv(member).body) == sample.said


def test_digest_hashes_file_and_checks_trailer_in_one_pass(sample: Sample) -> None:
    data = sample.path.read_bytes()
    seen: list[int] = []
    found = digest(memoryview(data), seen.append)
    assert found.sha256 == sha256(data).hexdigest() == sample.facts.sha256
    assert (found.hashed, found.intact) == (True, True)
    assert seen[-1] == len(data) - 32


def test_members_version_alarms_and_index_are_read(tmp_path: Path) -> None:
    (member,) = snapshots.members("etcd0")
    with snapshots.running(member, tmp_path / "data"):
        with_an_alarm(member)
        status = call(member, "maintenance/status", {})
        (said,) = parse_members(snapshots.request(member.peer_port, "GET", "/members").body)
        path = snapshots.save(member, tmp_path / "snapshot.db")
    facts = read_snapshot(memoryview(path.read_bytes())).facts
    assert facts.members == (SnapshotMember(id=said.id, name="etcd0", peer_urls=said.peer_urls),)
    assert facts.cluster_version == "3.5.0"
    assert facts.alarms == (f"NOSPACE on {said.id}",)
    assert (facts.term, facts.consistent_index) == (int(status["raftTerm"]), int(status["raftAppliedIndex"]))
    assert SnapshotFacts.model_validate_json(facts.model_dump_json()) == facts
