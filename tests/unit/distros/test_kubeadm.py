"""kubeadm: from its manifests to what the planner sees, and from intent to moves of manifests."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.core.hosts.etcd_tools import Tool, ToolPlace
from orchestrator.core.hosts.view import EtcdConfig, MasterView, Tls
from orchestrator.core.inventory.inventory import Host, Role
from orchestrator.core.model.plan import Order, PhaseName, Script, Step
from orchestrator.core.plans.master import masters_of
from orchestrator.core.plans.restore import Restore, strategy_of
from orchestrator.distros import KUBEADM
from tests.unit import builders
from tests.unit.builders import LAPTOP, RUN, altered, snapshot_facts

MANIFEST = Path(__file__).parents[2] / "lab/kubeadm/etcd.yaml"
PKI = "/etc/kubernetes/pki/etcd"
FOLDER = "/etc/kubernetes/manifests"
RUNNING = "Id=kubelet.service\nLoadState=loaded\nActiveState=active\n"


def manifest(**changed: str) -> str:
    values = {"ADDRESS": "10.30.0.12", "HOST": "cp-2", "STATE": "existing", "DATA": "/var/lib/etcd"} | changed
    values.setdefault("INITIAL_CLUSTER", "cp-1=https://10.30.0.11:2380,cp-2=https://10.30.0.12:2380")
    text = MANIFEST.read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def host() -> Host:
    return Host(name="cp-2", role=Role.MASTER, address="10.30.0.12", node="cp-2")


def read(**facts: str) -> MasterView:
    return KUBEADM.read_host(host(), {"manifest": manifest(), "units": RUNNING} | facts, 0.0)


def test_a_member_as_kubeadm_writes_it() -> None:
    assert read().member.config == EtcdConfig(
        member="cp-2",
        peer_url="https://10.30.0.12:2380",
        client_url="https://10.30.0.12:2379",
        initial_cluster={"cp-1": "https://10.30.0.11:2380", "cp-2": "https://10.30.0.12:2380"},
        token="etcd-cluster",
        data="/var/lib/etcd",
        member_path="/var/lib/etcd/member",
        peer_tls=Tls(f"{PKI}/ca.crt", f"{PKI}/peer.crt", f"{PKI}/peer.key"),
        client_tls=Tls(f"{PKI}/ca.crt", f"{PKI}/server.crt", f"{PKI}/server.key"),
        address="10.30.0.12",
        image="etcd-distroless:3.5.1",
        lists_all=False,
        join_flags=(
            "--listen-peer-urls=https://10.30.0.12:2380",
            "--advertise-client-urls=https://10.30.0.12:2379",
            "--peer-client-cert-auth=true",
            "--heartbeat-interval=200",
            "--election-timeout=1500",
            "--snapshot-count=10000",
        ),
    )
    assert read().faults == ()


def test_a_member_with_an_owner_and_a_log_of_its_own() -> None:
    text = manifest().replace("--snapshot-count=10000", "--wal-dir=/var/lib/etcd/log")
    text = text.replace(
        "  hostNetwork: true\n", "  hostNetwork: true\n  securityContext: {runAsUser: 998, runAsGroup: 997}\n"
    )
    etcd = read(manifest=text).member.config
    assert etcd is not None
    assert (etcd.owner, etcd.wal_dir) == ("998:997", "/var/lib/etcd/log")


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        ({"manifest": "kind: Pod"}, "it has no `spec`"),
        ({"units": ""}, "no unit kubelet.service"),
        (
            {"pods": f"{FOLDER}/etcd.yaml\n{FOLDER}/etcd.yaml.bak\n"},
            f"{FOLDER}/etcd.yaml.bak also runs etcd or an API server",
        ),
    ],
)
def test_what_cannot_be_restored_is_told(facts: dict[str, str], what: str) -> None:
    (fault,) = read(**facts).faults
    assert what in fault.what


def planned() -> Restore:
    cluster, views = builders.inventory(), builders.masters()
    tool = Tool(ToolPlace.RUNNING, "/usr/local/bin/etcdutl", "3.5.1")
    views = {
        name: altered(view, tools=(tool,), units={"kublr-kubelet.service": "active"}) for name, view in views.items()
    }
    way = strategy_of("manual", snapshot_facts(), masters_of(cluster, views, RUN), KUBEADM, RUN)
    return Restore(cluster, views, KUBEADM, way, RUN, LAPTOP)


def moves(steps: tuple[Step, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """What is moved on the first master, and by which step."""
    acts = [(step.name, step.act) for step in steps if step.host == "master-1" and isinstance(step.act, Script)]
    return [(name, tuple(act.values["files"])) for name, act in acts if "files" in act.values]


def test_pods_go_together_and_come_back_tier_by_tier() -> None:
    phases = {phase.name: phase for phase in planned().phases()}
    controllers = ("kube-controller-manager.yaml", "kube-scheduler.yaml")
    assert moves(phases[PhaseName.STOP].steps) == [("stop.pods", (*controllers, "kube-apiserver.yaml"))]
    assert moves(phases[PhaseName.DOWN].steps) == [("down.pods", ("etcd.yaml",))]
    assert moves(phases[PhaseName.START].steps) == [("start.admit", ("etcd.yaml",))]
    assert moves(phases[PhaseName.API].steps) == [("api.start", ("kube-apiserver.yaml",))]
    assert moves(phases[PhaseName.RELEASE].steps) == [("release.start", controllers)]
    stop, down = (
        [step.name for step in phases[name].steps if step.host == "master-1"]
        for name in (PhaseName.STOP, PhaseName.DOWN)
    )
    assert stop == ["stop.hold", "stop.pods", "stop.processes"]
    ended = ["down.last", "down.pods", "down.processes", "down.unit.kublr-kubelet"]
    assert down == ended, "kubelet ends the containers before it is stopped"


def test_members_start_one_after_the_other() -> None:
    assert {phase.name: phase.order for phase in planned().phases()}[PhaseName.START] is Order.STAGGERED
