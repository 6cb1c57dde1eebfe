"""The content of a member: the hosts' script reads a real etcd, and the product counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.adapters.snapshot_file import open_snapshot
from orchestrator.core.cost.live_keys import FIRST_KEY, page_look, read_page
from orchestrator.core.hosts.view import EtcdConfig, MasterView
from orchestrator.core.model.plan import MasterFacts
from orchestrator.core.model.restored import restored_from
from orchestrator.core.proof.evidence import Census, MemberEvidence, holds_look, read_member
from orchestrator.etcd.ids import predict_ids
from orchestrator.etcd.snapshot import SnapshotFacts
from tests import snapshots
from tests.snapshots import Member
from tests.unit.builders import altered, masters
from tests.unit.templates.host import FakeHost

NODES = ("minions/alive", "minions/dead", "minions/without-lease")
LEASES = (
    "leases/kube-node-lease/alive",
    "leases/kube-node-lease/dead",
    "masterleases/10.0.0.1",
    "masterleases/10.0.0.9",
)
RENEWED = ("leases/kube-node-lease/alive", "masterleases/10.0.0.1")


@pytest.fixture
def member(tmp_path: Path) -> Iterator[Member]:
    (one,) = snapshots.members("etcd0")
    with snapshots.running(one, tmp_path / "data"):
        yield one


@pytest.fixture
def snapshot(member: Member, tmp_path: Path) -> SnapshotFacts:
    """A snapshot of a store with nodes and leases, and one deleted key."""
    for name in (*NODES, *LEASES, "pods/shop/cart"):
        snapshots.put(member, f"/registry/{name}", b"x")
    snapshots.delete(member, "/registry/pods/shop/cart")
    return open_snapshot(snapshots.save(member, tmp_path / "snapshot.db")).facts


def view_of(member: Member) -> tuple[MasterView, EtcdConfig]:
    view = masters(1, quorum=True)["master-1"]
    assert view.member.config is not None
    etcd = replace(view.member.config, client_url=member.client_url, peer_url=member.peer_url, address="127.0.0.1")
    return altered(view, config=etcd), etcd


def held(
    host: FakeHost, member: Member, snapshot: SnapshotFacts, proof: dict[str, str] | None = None
) -> MemberEvidence:
    look = holds_look(view_of(member)[1], snapshot.revision)
    fact = MasterFacts(
        host="master-1",
        member="etcd0",
        peer_url=member.peer_url,
        initial_cluster={"etcd0": member.peer_url},
        token="etcd-cluster",
        data="/data",
        manifest_sha256="",
        units_sha256="",
    )
    ids = predict_ids({"etcd0": (member.peer_url,)}, fact.token)
    return read_member(fact, host.look(look.file, **look.values).stdout, restored_from(snapshot), ids, proof or {})


def test_member_reports_content_at_revision_and_now(host: FakeHost, member: Member, snapshot: SnapshotFacts) -> None:
    for number in range(3):
        snapshots.put(member, f"/registry/pods/new/{number}", b"x")
    found = held(host, member, snapshot)
    assert found.id == found.id_predicted != ""
    assert (found.revision, found.compacted_revision) == (snapshot.revision + 3, -1)
    assert (found.hash_kv, found.keys_then) == (snapshot.hash_kv, snapshot.live_keys)
    assert found.keys_now == snapshot.live_keys + 3
    assert found.alarms == ()


def test_hash_comes_from_proof_after_compaction(host: FakeHost, member: Member, snapshot: SnapshotFacts) -> None:
    snapshots.put(member, "/registry/pods/new/1", b"x")
    snapshots.compact(member, snapshot.revision + 1)
    found = held(host, member, snapshot, {"master-1 hash_kv": "42"})
    assert (found.hash_kv, found.keys_then, found.compacted_revision) == (42, None, snapshot.revision + 1)
    assert found.keys_now == snapshot.live_keys + 1
    assert held(host, member, snapshot).hash_kv is None


def test_alarms_are_reported(host: FakeHost, member: Member, snapshot: SnapshotFacts) -> None:
    snapshots.call(member, "maintenance/alarm", {"action": "ACTIVATE", "alarm": "NOSPACE"})
    assert held(host, member, snapshot).alarms == ("NOSPACE",)


def test_silent_member_reports_nothing(host: FakeHost, snapshot: SnapshotFacts) -> None:
    (nobody,) = snapshots.members("nobody")
    assert held(host, nobody, snapshot) == MemberEvidence(
        host="master-1", member="etcd0", id_predicted=held(host, nobody, snapshot).id_predicted
    )


def test_objects_without_renewal_are_stale(host: FakeHost, member: Member, snapshot: SnapshotFacts) -> None:
    for name in RENEWED:
        snapshots.put(member, f"/registry/{name}", b"renewed")
    view, etcd = view_of(member)
    look = page_look(view, FIRST_KEY, 0)
    census = Census("/registry/", snapshot.revision)
    for key, revision in read_page(host.look_bytes(look.file, **look.values)).keys:
        census.add(key, revision)
    stale = census.stale("master-1", etcd)
    assert [(it.kind.value, it.name) for it in stale] == [
        ("node", "dead"),
        ("node", "without-lease"),
        ("API server", "10.0.0.9"),
    ]
    assert stale[0].command == "kubectl delete node dead"
    assert stale[2].command.endswith(" del /registry/masterleases/10.0.0.9")
    assert {row.resource: row.now for row in census.resources(())} == {"nodes": 3, "leases": 2, "masterleases": 2}
