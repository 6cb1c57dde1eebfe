"""The identity of the cluster: the volume's look asks a real etcd for the namespace kube-system."""

from __future__ import annotations

from pathlib import Path

from orchestrator.distros.common import parse_live
from tests import snapshots
from tests.kubernetes_objects import object_bytes
from tests.unit.templates.host import FakeHost, volume_values

UID = "6c1e7a52-0000-4f6b-9d0e-1b2c3d4e5f60"


def test_a_live_member_tells_the_uid_of_kube_system(host: FakeHost, tmp_path: Path) -> None:
    (member,) = snapshots.members("etcd0")
    with snapshots.running(member, tmp_path / "data"):
        snapshots.call(member, "maintenance/status", {})  # waits for a leader
        where = volume_values(tmp_path / "data", tmp_path, member.peer_url, member.client_url)
        before = parse_live(host.facts("observe/volume.sh", **where))
        namespace = object_bytes("v1", "Namespace", "", "kube-system", UID)
        snapshots.put(member, "/registry/namespaces/kube-system", namespace)
        after = parse_live(host.facts("observe/volume.sh", **where))
        elsewhere = parse_live(host.facts("observe/volume.sh", **where | {"prefix": "/kubernetes.io"}))
    assert before and after and elsewhere
    assert (before.kube_system_uid, after.kube_system_uid, elsewhere.kube_system_uid) == (None, UID, None)
