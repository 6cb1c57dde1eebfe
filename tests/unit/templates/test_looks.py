"""The looks at a host and its data volume, on this machine: they find the facts and change nothing."""

from __future__ import annotations

import os
import shutil

from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.declared import Paths
from orchestrator.core.inventory.inventory import Host, Role
from orchestrator.core.model.outcome import Answer, Output
from orchestrator.core.model.restored import Restored
from orchestrator.core.proof.judges import read_shown
from orchestrator.core.proof.restored import judge_member
from orchestrator.distros import KUBLR
from tests.unit import builders
from tests.unit.distros.recordings import recorded
from tests.unit.templates.host import ABSENT, RUN, WITHOUT_APPLETS, FakeHost, client_values, peer_values, tree

PEER, CLIENT = "https://127.0.0.1:1", "https://127.0.0.1:1"
FREE_KIB = 123_456_789


def proof_values(host: FakeHost) -> dict[str, object]:
    place = {"state": host.state, "run": RUN, "data": host.root / "data", "member": host.member}
    asked = peer_values(PEER, ABSENT) | client_values(CLIENT, ABSENT, ABSENT)
    return asked | place | {"revision": 5, "starts": host.steps("start.services")}


def declared(host: FakeHost) -> Host:
    """This machine as a master: all paths that the inventory can set are below the host's folder."""
    paths = Paths(
        state=f"{host.root}/deep/state",
        kublr=f"{host.programs}/kublr",
        manifests=f"{host.root}/manifests",
        hosts=f"{host.root}/hosts",
    )
    return Host(
        name="master-1", role=Role.MASTER, address="127.0.0.1", node="master-1", paths=paths, units=builders.KUBLR_UNITS
    )


def furnish(host: FakeHost) -> None:
    (host.root / "manifests").mkdir()
    manifest = recorded("master")["manifest"].replace("/mnt/master-pd/etcd", f"{host.root}/data")
    (host.root / "manifests/etcd.manifest").write_text(manifest)
    (host.root / "manifests/kube-apiserver.manifest").write_text("    - --secure-port=7443\n")
    (host.root / "hosts").write_text("127.0.0.1 localhost\n")
    host.program("kublr", f"echo etcd_storage: {{path: {host.root}/data}}")
    host.program("systemctl", "printf 'Id=kublr.service\\nLoadState=loaded\\nActiveState=active\\n'")
    host.write_member()


def observed(host: FakeHost) -> MasterView:
    look = KUBLR.look_at_host(declared(host))
    view = KUBLR.read_host(declared(host), host.facts(look.file, **look.values), 0.0)
    volume = KUBLR.look_at_volume(declared(host), view)
    assert volume is not None
    return KUBLR.read_volume(view, host.facts(volume.file, **volume.values))


def test_master_is_observed(host: FakeHost) -> None:
    furnish(host)
    view = observed(host)
    assert view.machine.hostname == os.uname().nodename
    assert "127.0.0.1" in view.machine.own_addresses
    assert view.machine.units == {"kublr.service": "active"}
    assert view.member.config is not None
    assert (view.member.config.member, view.member.config.data, view.member.other_data) == (
        "etcd1",
        f"{host.root}/data",
        f"{host.root}/data",
    )
    assert view.api.port == 7443
    assert view.machine.hosts_file == "127.0.0.1 localhost\n"
    assert view.machine.missing_tools <= {"docker", "kubectl", "curl", "systemd-run"}
    assert view.faults == ()


@WITHOUT_APPLETS  # busybox's `du` has no apparent size; hosts have coreutils
def test_volume_is_observed(host: FakeHost) -> None:
    furnish(host)
    # The free space of a real disk changes while the test looks.
    host.program("df", f"""{shutil.which("df")} "$@" | awk 'NR > 1 {{ $4 = {FREE_KIB} }} 1'""")
    view = observed(host)
    assert view.volume.data_disk is not None
    assert view.machine.state_disk is not None
    # The state folder does not exist yet: the look uses the disk of the nearest parent folder.
    assert view.volume.data_disk.device == view.machine.state_disk.device
    assert view.volume.data_disk.free_bytes == FREE_KIB << 10
    assert all(call.startswith(("df -P -k ", "df -P -i ")) for call in host.calls if call.startswith("df "))
    assert view.volume.keeps_beside
    assert view.volume.data_bytes >= 64_000
    assert view.volume.members_on_disk == (str(host.member),)
    assert view.volume.data_entries == ("member",)
    pki = "/etc/kubernetes/pki/etcd"
    assert view.member.missing_certificates == tuple(
        f"{pki}/{name}" for name in ("ca.crt", "peer.crt", "peer.key", "server.crt", "server.key")
    )
    assert view.member.live is None
    assert not (host.root / "deep").exists()


def test_looks_change_nothing(host: FakeHost) -> None:
    furnish(host)
    before = tree(host.root)
    observed(host)
    host.facts("start/is_restored.sh", **proof_values(host))
    host.facts("observe/run.sh", state=host.state)
    after = tree(host.root)
    del after["calls"]  # the fake programs write this file
    assert after == before


def test_live_restore_is_asked_of_runtime_unit(host: FakeHost) -> None:
    furnish(host)
    host.program("systemctl", 'case "$*" in *ExecStart*docker.service) echo dockerd --live-restore ;; esac')
    host.program("docker", "echo Live Restore Enabled: true")
    assert observed(host).machine.live_restore
    asked = [call for call in host.calls if "ExecStart" in call or "is-active --quiet --" in call]
    assert asked == [
        "systemctl show --property=ExecStart -- docker.service",
        "systemctl is-active --quiet -- docker.service",
    ]


def test_live_restore_is_not_asked_of_docker_that_is_down(host: FakeHost) -> None:
    furnish(host)
    host.program("systemctl", "exit 3")
    host.program("docker", "echo Live Restore Enabled: true")
    assert not observed(host).machine.live_restore
    assert not [call for call in host.calls if call.startswith("docker ")]


def test_host_without_manifests_is_not_a_master(host: FakeHost) -> None:
    look = KUBLR.look_at_host(declared(host))
    facts = host.facts(look.file, **look.values)
    assert "manifest" not in facts
    assert facts["clock_first"] <= facts["clock_last"]


def test_proof_of_stopped_member_is_no(host: FakeHost) -> None:
    host.write_member()
    data = host.root / "data"
    (data / "restore.db").touch()
    ended = host.look("start/is_restored.sh", **proof_values(host))
    shown = read_shown(Output(0, ended.stdout.encode()))
    assert sorted(line.split(" ", 4)[4] for line in shown.files.splitlines()) == sorted(
        str(path) for path in host.member.rglob("*") if path.is_file()
    )
    assert shown.armed == "restore.db\n"
    assert (shown.kept, shown.hashkv_now, shown.cluster_id) == ("", "", "")
    assert judge_member("master-1", shown, Restored(5, 1, 7)).answer is Answer.NO
    (host.folder / "kept").write_text("none\n")
    assert (
        read_shown(Output(0, host.look("start/is_restored.sh", **proof_values(host)).stdout.encode())).kept == "none\n"
    )


def test_program_must_be_executable_file(host: FakeHost) -> None:
    host.program("put-back", "")
    (host.root / "plain").write_text("#!/bin/sh\n")
    there = {"put-back", str(host.programs / "put-back")}
    for name in (*there, "absent-program", str(host.root / "absent"), str(host.root / "plain"), str(host.root)):
        assert (host.look("observe/is_program.sh", program=name).returncode == 0) is (name in there), name
    assert host.calls == [], "it was looked at, and not run"
