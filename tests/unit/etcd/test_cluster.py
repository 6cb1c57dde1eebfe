"""Three real members restored from one snapshot: ids, answers, and the hash after a later compaction."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.etcd import members as answers
from orchestrator.etcd.ids import parse_initial_cluster, predict_ids
from orchestrator.etcd.keyspace import hash_kv
from orchestrator.etcd.snapshot import Reading, SnapshotFacts, read_snapshot
from tests import snapshots
from tests.snapshots import Member, call, request
from tests.unit.etcd.conftest import KEYS, VALUE_BYTES

TOKEN = "run-7f3a"


@dataclass(frozen=True, slots=True)
class Cluster:
    members: tuple[Member, ...]
    found: Reading

    @property
    def facts(self) -> SnapshotFacts:
        return self.found.facts


@pytest.fixture(scope="module")
def cluster(snapshot_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    members = snapshots.members("etcd0", "etcd1", "etcd2")
    with ExitStack() as stack:
        for member in members:
            snapshots.restore(snapshot_path, member, folder / member.name, TOKEN, members)
        for member in members:
            stack.enter_context(snapshots.running(member, folder / member.name, cluster=members))
        yield Cluster(members, read_snapshot(memoryview(snapshot_path.read_bytes())))


def listed(member: Member) -> tuple[answers.Member, ...]:
    """Return the peer port's members, once each has sent its name to the others (within 10 s)."""
    for _ in range(500):
        found = answers.parse_members(request(member.peer_port, "GET", "/members").body)
        if all(one.name for one in found):
            break
        time.sleep(0.02)
    return found


def test_ids_are_as_predicted(cluster: Cluster) -> None:
    predicted = predict_ids(parse_initial_cluster(snapshots.initial_cluster(cluster.members)), TOKEN)
    for member in cluster.members:
        assert request(member.peer_port, "GET", "/members").cluster_id == predicted.cluster
        call(member, "maintenance/status", {})  # without a leader the list is incomplete and has no names
        assert {one.name: one.id for one in listed(member)} == predicted.members


def test_other_token_gives_other_ids(cluster: Cluster) -> None:
    peers = parse_initial_cluster(snapshots.initial_cluster(cluster.members))
    one, other = predict_ids(peers, TOKEN), predict_ids(peers, "etcd-cluster")
    assert one.cluster != other.cluster
    assert not set(one.members.values()) & set(other.members.values())


def test_id_of_member_with_two_peer_urls(tmp_path: Path) -> None:
    member, spare = snapshots.members("m1", "spare")
    both = f"m1={spare.peer_url},m1={member.peer_url}"
    flags = (
        f"--listen-peer-urls={member.peer_url},{spare.peer_url}",
        f"--initial-advertise-peer-urls={spare.peer_url},{member.peer_url}",
        f"--initial-cluster={both}",
        "--initial-cluster-token=two",
    )
    with snapshots.running(member, tmp_path / "data", *flags):
        answer = request(member.peer_port, "GET", "/members")
    predicted = predict_ids(parse_initial_cluster(both), "two")
    assert (answers.parse_members(answer.body)[0].id, answer.cluster_id) == (
        predicted.members["m1"],
        predicted.cluster,
    )


def test_all_members_show_predicted_hash(cluster: Cluster) -> None:
    facts = cluster.facts
    expected = answers.HashKv(
        revision=facts.revision, compacted_revision=facts.compacted_revision, hash_kv=facts.hash_kv
    )
    for member in cluster.members:
        assert answers.parse_hash_kv(snapshots.hash_kv(member, facts.revision).body) == expected


def test_future_revision_is_refused(cluster: Cluster) -> None:
    body = snapshots.hash_kv(cluster.members[0], cluster.facts.revision + 1000).body
    with pytest.raises(answers.AnswerError, match="required revision is a future revision"):
        answers.parse_hash_kv(body)


def test_status_version_health_and_range_are_parsed(cluster: Cluster) -> None:
    member = cluster.members[0]
    key = snapshots.key_of(7)
    call(member, "maintenance/status", {})  # waits for a leader
    ids = predict_ids(parse_initial_cluster(snapshots.initial_cluster(cluster.members)), TOKEN)
    status = answers.parse_status(request(member.client_port, "POST", "/v3/maintenance/status", {}).body)
    assert (status.cluster_id, status.member_id) == (ids.cluster, ids.members[member.name])
    assert status.leader in ids.members.values()
    assert status.version == "3.5.1"
    assert answers.parse_versions(request(member.peer_port, "GET", "/version").body).server == "3.5.1"
    assert answers.parse_health(request(member.client_port, "GET", "/health").body).healthy
    asked = {"key": snapshots.base64_of(key.encode())}
    found = answers.parse_range(request(member.client_port, "POST", "/v3/kv/range", asked).body)
    assert (found.count, found.kvs[0].key.decode()) == (1, key)
    assert found.kvs[0].value == snapshots.value_of(7, VALUE_BYTES)


def test_exactly_the_known_keys_are_restored(cluster: Cluster) -> None:
    everything = {"key": "AA==", "range_end": "AA==", "serializable": True}
    body = request(cluster.members[1].client_port, "POST", "/v3/kv/range", everything).body
    found = {one.key.decode(): one.value for one in answers.parse_range(body).kvs}
    assert found == dict(snapshots.known_keys(KEYS, VALUE_BYTES))
    assert cluster.facts.live_keys == len(found)


def test_hash_after_later_compaction(cluster: Cluster) -> None:
    """As if an API server had compacted before anyone asked. Last in this file, because it changes the cluster."""
    facts, member = cluster.facts, cluster.members[2]
    later = facts.revision - 1
    snapshots.compact(member, later)
    said = answers.parse_hash_kv(snapshots.hash_kv(member, facts.revision).body)
    assert said.compacted_revision == later
    assert said.hash_kv == hash_kv(cluster.found.keys, later) != facts.hash_kv
