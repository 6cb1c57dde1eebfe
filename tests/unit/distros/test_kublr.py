"""Kublr: from what hosts print to what the planner sees, and from intent to commands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.core.hosts.view import ApiServer, Claim, Disk, EtcdConfig, MasterView, Tls
from orchestrator.core.inventory.declared import Units
from orchestrator.core.inventory.inventory import Host, Role
from orchestrator.core.model.plan import Script
from orchestrator.distros import DISTROS, KUBLR
from orchestrator.distros.control_kublr import ControlKublr
from orchestrator.distros.control_pods import ControlPods
from orchestrator.distros.control_units import ControlUnits
from orchestrator.distros.etcd_kublr import EtcdKublr
from orchestrator.distros.etcd_pod import EtcdPod
from orchestrator.distros.etcd_unit import EtcdUnit
from orchestrator.distros.pair import Pair
from tests.unit.builders import inventory, masters
from tests.unit.distros.recordings import host, recorded

PEERS = {f"etcd{index}": f"https://etcd{index}.kublr.local:2380" for index in range(3)}
PKI = "/etc/kubernetes/pki/etcd"
OURS = '{"run":"r1","attempt":"2-ab","laptop":"ana@x","taken_at_utc":"2026-11-22T03:10:07Z"}'


def read(**changed: str) -> MasterView:
    """The recorded master with some of its facts changed."""
    return KUBLR.read_host(host(), recorded("master") | changed, 0.5)


def etcd_of(view: MasterView) -> EtcdConfig:
    assert view.member.config is not None
    return view.member.config


def test_a_master_as_recorded() -> None:
    view = read()
    assert (view.host, view.machine.hostname, view.machine.clock_offset_s) == ("master-1", "master-1", 0.5)
    assert view.machine.systemd
    assert not view.machine.kills_user_processes
    assert view.machine.missing_tools == {"kubectl"}
    assert view.machine.own_addresses == {"127.0.0.1", "172.30.80.11"}
    assert view.machine.units == dict.fromkeys(
        ("kublr.service", "kublr-kubelet.service", "docker.socket", "docker.service"), "active"
    )
    assert view.machine.state_disk is not None
    assert view.machine.state_disk.device == "overlay /"
    assert view.machine.state_disk.free_bytes > 1 << 30
    assert view.machine.resolves["172.30.80.11"] == ("172.30.80.11",)
    assert "etcd1.kublr.local" not in view.machine.resolves  # cluster DNS is down, and no hosts file names it
    assert view.machine.hosts_file.startswith("127.0.0.1\tlocalhost\n")
    assert len(view.machine.units_sha256) == len(view.member.manifest_sha256) == 64
    assert view.faults == ()


def test_its_member_as_recorded() -> None:
    assert read().member.config == EtcdConfig(
        member="etcd1",
        peer_url="https://etcd1.kublr.local:2380",
        client_url="https://172.30.80.11:2379",
        initial_cluster=PEERS,
        token="kublr-lab",
        data="/mnt/master-pd/etcd",
        member_path="/mnt/master-pd/etcd/member",
        peer_tls=Tls(f"{PKI}/ca.crt", f"{PKI}/peer.crt", f"{PKI}/peer.key"),
        client_tls=Tls(f"{PKI}/ca.crt", f"{PKI}/server.crt", f"{PKI}/server.key"),
        address="127.0.0.1",
        aliases=frozenset(f"etcd{index}.kublr.local" for index in range(3)),
        image="etcd:3.5.1",
        join_flags=(
            "--listen-peer-urls=https://0.0.0.0:2380",
            "--advertise-client-urls=https://172.30.80.11:2379",
            "--peer-client-cert-auth=true",
            "--heartbeat-interval=200",
            "--election-timeout=1500",
            "--quota-backend-bytes=8589934592",
        ),
    )
    assert read().member.other_data == "/mnt/master-pd/etcd"


def test_its_volume_as_recorded() -> None:
    view = KUBLR.read_volume(read(), recorded("master"))
    assert view.volume.data_disk is not None
    assert view.volume.data_disk.device == "/dev/vda /mnt/master-pd"
    assert view.volume.free_inodes == 16_270_297
    assert view.volume.data_bytes == 193_335 * 1024
    assert view.volume.database_bytes == 0, "what was recorded does not tell"
    assert KUBLR.read_volume(read(), recorded("master") | {"database_bytes": "8192\n"}).volume.database_bytes == 8192
    assert view.volume.keeps_beside
    assert view.volume.members_on_disk == ("/mnt/master-pd/etcd/member",)
    assert view.volume.data_entries == ("member", "member.old-1795360715")
    assert view.member.missing_certificates == ()


@pytest.mark.parametrize(
    ("folder", "revision", "hash_kv"), [("master", 560, 87903193), ("master-without-curl", 735, 1809915743)]
)
def test_what_its_member_answers(folder: str, revision: int, hash_kv: int) -> None:
    live = KUBLR.read_volume(read(), recorded(folder)).member.live
    assert live is not None
    assert (live.version, live.cluster_id, live.has_quorum) == ("3.5.1", "ce830170935672c0", True)
    assert (live.revision, live.hash_kv) == (revision, hash_kv)
    assert live.members == {name: (url,) for name, url in PEERS.items()}


def test_a_member_without_quorum() -> None:
    down = "HTTP/1.0 503 Service Unavailable\r\n\r\n" + '{"health":"false","reason":"RAFT NO LEADER"}'
    live = KUBLR.read_volume(read(), recorded("master") | {"client_health": down}).member.live
    assert live is not None
    assert not live.has_quorum
    live = KUBLR.read_volume(read(), recorded("master") | {"client_health": ""}).member.live
    assert live is not None
    assert not live.has_quorum


@pytest.mark.parametrize("silent", ["peer_members", "peer_version", "peer_hashkv"])
def test_a_member_that_does_not_answer(silent: str) -> None:
    assert KUBLR.read_volume(read(), recorded("master") | {silent: ""}).member.live is None


def test_a_volume_that_is_not_there() -> None:
    view = KUBLR.read_volume(read(), {"missing_certificates": f"{PKI}/peer.crt\n{PKI}/peer.key\n"})
    assert view.volume.data_disk is None
    assert view.volume.free_inodes is None
    assert view.volume.data_bytes == 0
    assert not view.volume.keeps_beside
    assert view.member.missing_certificates == (f"{PKI}/peer.crt", f"{PKI}/peer.key")


def test_what_all_masters_must_share_is_hashed() -> None:
    api = ApiServer(client_ca="/ca.crt", service_account_keys=("/sa.pub",), encryption="/encryption.yaml")
    look = KUBLR.look_at_volume(host(Role.MASTER), replace(read(), api=api))
    assert look is not None
    assert look.values["shared"] == ("/ca.crt", "/sa.pub", "/encryption.yaml")


def test_a_volume_that_is_a_filesystem_of_its_own_is_kept_inside() -> None:
    facts = recorded("master") | {"parent_device": "2049\n"}
    assert not KUBLR.read_volume(read(), facts).volume.keeps_beside


def test_a_worker_as_recorded() -> None:
    view = KUBLR.read_host(host(Role.WORKER), recorded("worker"), 0.0)
    assert view.machine.hostname == "worker-1"
    assert view.machine.units["kublr.service"] == "active"
    assert view.member.config is None
    assert view.faults == ()  # it needs no manifest
    assert KUBLR.look_at_volume(host(Role.WORKER), view) is None


def test_a_host_that_says_nothing() -> None:
    view = KUBLR.read_host(host(), {}, 0.0)
    assert not view.machine.systemd
    assert view.machine.units == {}
    (fault,) = view.faults
    assert (fault.name, fault.host) == ("manifest", "master-1")
    assert fault.what == "/etc/kubernetes/manifests/etcd.manifest is missing or cannot be read"
    assert KUBLR.look_at_volume(host(), view) is None


def test_a_manifest_that_cannot_be_understood() -> None:
    (fault,) = read(manifest="kind: Pod\n").faults
    assert fault.name == "manifest"
    assert fault.what == "/etc/kubernetes/manifests/etcd.manifest is not a pod: it has no `spec`"


def test_the_inventory_has_the_last_word_on_data_and_certificates() -> None:
    view = KUBLR.read_host(host(data="/data/etcd", certificates="/pki"), recorded("master"), 0.0)
    assert etcd_of(view).data == "/data/etcd"
    assert etcd_of(view).member_path == "/data/etcd/member"
    assert etcd_of(view).peer_tls == Tls("/pki/ca.crt", "/pki/peer.crt", "/pki/peer.key")


@pytest.mark.parametrize(
    ("stream", "path"),
    [
        ("---\nkind: kublr-daemon\n---\netcd_storage:\n  path: /mnt/master-pd/etcd\n", "/mnt/master-pd/etcd"),
        ("etcd_storage: {path: /a}\n---\netcd_storage: {path: /b/}\n", "/b"),  # the last one wins, normalised
        ("---\nkind: kublr-daemon\n", ""),
        ("etcd_storage: {}\n", ""),
        ("etcd_storage: [a]\n", ""),
        ("- 1\n---\nnull\n", ""),
        ("etcd_storage: {path: /a}\n---\n]: no YAML\n", "/a"),  # what came before the fault still counts
        ("", ""),
    ],
)
def test_the_stream_of_kublr_validate(stream: str, path: str) -> None:
    assert read(kublr_validate=stream).member.other_data == path


@pytest.mark.parametrize(("found", "port"), [("--secure-port=443\n", 443), ("", 6443), ("--secure-port=\n", 6443)])
def test_the_port_of_the_api_server(found: str, port: int) -> None:
    assert read(api_port=found).api.port == port


@pytest.mark.parametrize(
    ("silent_s", "claim"),
    [
        ("12\n", Claim("r1", "2-ab", "ana@x", "2026-11-22T03:10:07Z", silent_s=12)),
        ("ended\n", Claim("r1", "2-ab", "ana@x", "2026-11-22T03:10:07Z", silent_s=None)),
    ],
)
def test_a_host_that_a_run_holds(silent_s: str, claim: Claim) -> None:
    view = read(claim=OURS, silent_s=silent_s, hold="r1\n", attempts="r0 3-aa\nr1 2-ab\n")
    assert view.markers.claim == claim
    assert view.markers.hold == "r1"
    assert view.markers.attempts == {"r0": "3-aa", "r1": "2-ab"}


@pytest.mark.parametrize(
    ("heartbeat_s", "held"), [(0, True), (59, True), (60, False), (None, False)], ids=["now", "59", "60", "ended"]
)
def test_a_holder_is_at_work_until_it_is_silent_for_a_minute(heartbeat_s: int | None, held: bool) -> None:
    assert Claim("r1", "1-a", "ana@x", "", silent_s=heartbeat_s).is_held is held


@pytest.mark.parametrize("torn", ["", '{"run":"r1"', "[]", '{"run":"r1","attempt":"1-a"}'])
def test_a_torn_claim_still_says_that_somebody_holds_the_host(torn: str) -> None:
    claim = read(claim=torn, silent_s="1\n").markers.claim
    assert claim is not None
    assert (claim.run, claim.is_held) == ("unknown", True)


def test_logind_that_ends_processes_is_seen() -> None:
    assert read(kill_user_processes="KillUserProcesses=yes\n").machine.kills_user_processes
    assert not read(kill_user_processes="KillUserProcesses=no\n").machine.kills_user_processes


# --- Intent to commands ---------------------------------------------------------------------------------


def test_kublr_and_its_kubelet_stop_first_and_docker_last() -> None:
    assert KUBLR.stop_units(host()) == (("kublr.service",), ("kublr-kubelet.service",))
    assert KUBLR.down_units(host()) == (("docker.socket", "docker.service"),)
    renamed = host().model_copy(update={"units": Units(kublr="agent", kubelet="kubelet.service", runtime="dockerd")})
    assert KUBLR.stop_units(renamed) == (("agent.service",), ("kubelet.service",))
    assert KUBLR.down_units(renamed) == (("docker.socket", "dockerd.service"),)


def test_the_looks_name_this_hosts_own_paths() -> None:
    own = host(state="/s", kublr="/k/kublr", manifests="/m", hosts="/h")
    look = KUBLR.look_at_host(own)
    assert look.file == "observe/host.sh"
    paths = {"state": "/s", "agent": "/k/kublr", "manifests": "/m", "hosts": "/h"}
    units = ("kublr.service", "kublr-kubelet.service", "docker.socket", "docker.service")
    assert look.values == paths | {"etcd_file": "etcd.manifest", "api_pods": "yes", "units": units}
    volume = KUBLR.look_at_volume(own, read())
    assert volume is not None
    assert {
        "data": "/mnt/master-pd/etcd",
        "peer_url": "https://etcd1.kublr.local:2380",
        "client_url": "https://172.30.80.11:2379",
        "address": "127.0.0.1",
        "peer_ca": f"{PKI}/ca.crt",
        "peer_cert": f"{PKI}/peer.crt",
        "peer_key": f"{PKI}/peer.key",
    }.items() <= volume.values.items()


def master() -> tuple[Host, MasterView]:
    return inventory().masters[0], masters()["master-1"]


def test_the_vendors_commands() -> None:
    on, view = master()
    assert KUBLR.take_snapshot(on, view).values == {"agent": "/opt/kublr/bin/kublr"}
    assert KUBLR.schedule(on, view, "/s/r/snapshot.db", "ab").values == {
        "agent": "/opt/kublr/bin/kublr",
        "snapshot": "/s/r/snapshot.db",
        "member": "/mnt/master-pd/etcd/member",
        "data": "/mnt/master-pd/etcd",
        "sha256": "ab",
    }
    # The agent starts kubelet and Docker; what is started must not keep the host's lock.
    start = KUBLR.start(on, view)
    assert start.argv == ("systemctl", "start", "--no-block", "kublr.service")
    assert start.lets_go
    restart = KUBLR.restart_services(on)
    assert isinstance(restart, Script)
    runtime = ("docker.socket", "docker.service")
    assert restart.values == {"agent": "kublr.service", "kubelet": "kublr-kubelet.service", "runtime": runtime}
    assert restart.lets_go


def test_every_distribution_is_a_pair_of_parts() -> None:
    parts = {name: (type(pair.etcd), type(pair.control)) for name, pair in DISTROS.items() if isinstance(pair, Pair)}
    assert parts == {
        "kublr": (EtcdKublr, ControlKublr),
        "kubeadm": (EtcdPod, ControlPods),
        "systemd": (EtcdUnit, ControlUnits),
    }


def test_any_two_parts_make_a_distribution() -> None:
    hybrid = Pair(EtcdUnit(), ControlPods(), rejoin="")
    values = hybrid.look_at_host(host()).values
    assert (values["etcd_unit"], values["api_pods"], values["manifests"]) == (
        "etcd.service",
        "yes",
        "/etc/kubernetes/manifests",
    )
    assert hybrid.down_units(host()) == (("etcd.service",), ("kublr-kubelet.service",))
    assert hybrid.down_units(host(Role.API)) == (("kublr-kubelet.service",),)
    facts = {"pods": "/etc/kubernetes/manifests/kube-apiserver.yaml.bak\n", "units": ""}
    said = [finding.what for finding in hybrid.read_host(host(), facts, 0.0).faults]
    assert said == [
        "/etc/kubernetes/manifests/kube-apiserver.yaml.bak also runs etcd or an API server",
        "no unit kublr-kubelet.service",
        "no unit etcd.service",
    ], "each part says what it misses"


def test_every_distribution_says_how_a_lost_master_rejoins() -> None:
    words = {"kublr": "`reinitialize`", "kubeadm": "kubeadm join", "systemd": "etcdctl member add"}
    said = {name: [other for other, word in words.items() if word in DISTROS[name].rejoin] for name in DISTROS}
    assert said == {name: [name] for name in words}


def test_a_disk_line() -> None:
    view = read(state_disk="/dev/sda1 100 60 40 60% /var\n")
    assert view.machine.state_disk == Disk("/dev/sda1 /var", 40 * 1024)
    assert read(state_disk="df: /x: No such file or directory").machine.state_disk is None
    assert read(state_disk="/dev/sda1 100 60 - 60% /var").machine.state_disk is None
