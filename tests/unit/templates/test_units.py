"""Stop, hold, start: the scripts' commands to systemd, and their checks of its answers.

Hosts with a real systemd test the services' own behaviour; here a fake `systemctl` records the commands.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.core.hosts.sockets import socket_pattern
from tests.unit.templates.host import OTHER_RUN, RUN, Ended, FakeHost
from tests.unit.templates.test_keep import an_etcd_on

UNITS = ("kublr.service", "docker.socket")
NOWHERE = socket_pattern(frozenset(("127.0.0.1",)), (1,))


def states(host: FakeHost, **units: str) -> None:
    """Make a `systemctl` that shows these states, and `inactive` for all other units."""
    cases = "".join(f"*{name}.service) state={state} ;;\n" for name, state in units.items())
    host.program(
        "systemctl", f'state=inactive\ncase "$*" in\n{cases}esac\n[ "$1" != show ] || echo "ActiveState=$state"'
    )


# --- Hold -----------------------------------------------------------------------------------------------


@pytest.fixture
def folder(host: FakeHost) -> Path:
    states(host)
    return host.root / "units"


def held(host: FakeHost, *units: str) -> Ended:
    return host.look("stop/is_held.sh", state=host.state, run=RUN, folder=host.root / "units", units=units or UNITS)


def test_units_are_held_down(host: FakeHost, folder: Path) -> None:
    assert held(host).stdout == "the hold file is gone\n"
    for _ in range(2):  # again, as a later attempt does
        assert host.act("stop/hold.sh", folder=folder, units=UNITS).returncode == 0
        assert held(host).returncode == 0
    for unit in UNITS:
        drop_in = folder / f"{unit}.d/50-orchestrator-hold.conf"
        assert drop_in.read_text() == f"[Unit]\nConditionPathExists=!{host.state}/hold\n"
    assert (host.state / "hold").read_text() == f"{RUN}\n"
    assert host.calls == ["systemctl daemon-reload"] * 2
    assert held(host, *UNITS, "other.service").stdout == "other.service is not held\n"


def test_hold_is_lifted_and_cleared(host: FakeHost, folder: Path) -> None:
    host.act("stop/hold.sh", folder=folder, units=UNITS)
    foreign = folder / "docker.socket.d/10-operator.conf"
    foreign.write_text("[Socket]\n")
    assert host.act("start/lift.sh").returncode == 0
    assert held(host).stdout == "the hold file is gone\n"
    assert host.act("start/lift.sh").returncode == 0
    assert host.act("release/hold.sh", folder=folder, units=UNITS).returncode == 0
    assert [str(path.relative_to(folder)) for path in folder.rglob("*")] == [
        "docker.socket.d",
        "docker.socket.d/10-operator.conf",
    ]
    assert host.act("release/hold.sh", folder=folder, units=UNITS).returncode == 0


def test_hold_of_another_run_is_not_lifted(host: FakeHost, folder: Path) -> None:
    host.hold(OTHER_RUN)
    assert host.act("start/lift.sh").returncode == 1
    assert (host.state / "hold").read_text() == f"{OTHER_RUN}\n"
    assert held(host).stdout == "the hold file is gone\n"
    assert host.act("start/lift.sh", undone=OTHER_RUN).returncode == 0  # unless this run undoes that one
    assert not (host.state / "hold").exists()


def test_hold_that_cannot_be_written_fails(host: FakeHost, folder: Path) -> None:
    folder.write_text("no folder")
    assert host.act("stop/hold.sh", folder=folder, units=UNITS).returncode == 1
    assert "systemctl daemon-reload" not in host.calls


# --- Stopped --------------------------------------------------------------------------------------------


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_idle_host_is_seen_as_stopped(host: FakeHost) -> None:
    states(host, docker="failed")
    host.write_member()
    ended = host.look(
        "down/is_down.sh",
        member=host.member,
        sockets=NOWHERE,
        units=(
            "kublr.service",
            "docker.service",
        ),
    )
    assert (ended.returncode, ended.stdout) == (0, "")


def test_look_creates_no_database(host: FakeHost) -> None:
    states(host)
    (host.member / "snap").mkdir(parents=True)
    assert host.look("down/is_down.sh", member=host.member, sockets=NOWHERE).returncode == 0
    assert list((host.member / "snap").iterdir()) == []


def test_etcd_with_open_database_is_seen_as_not_stopped(host: FakeHost) -> None:
    states(host)
    host.write_member()
    with an_etcd_on(host.member):
        ended = host.look("down/is_down.sh", member=host.member, sockets=NOWHERE)
    assert (ended.returncode, ended.stdout) == (1, f"an etcd still has {host.member}/snap/db open\n")


def test_listening_socket_is_seen_as_not_stopped(host: FakeHost, listening: int) -> None:
    states(host)
    pattern = socket_pattern(frozenset(("127.0.0.1",)), (1, listening))
    ended = host.look("down/is_down.sh", member=host.member, sockets=pattern)
    assert (ended.returncode, ended.stdout) == (1, f"port {listening} still listens\n")


def test_connection_does_not_count_as_listening_socket(host: FakeHost, listening: int) -> None:
    states(host)
    with socket.create_connection(("127.0.0.1", listening)) as client:
        pattern = socket_pattern(frozenset(("127.0.0.1",)), (client.getsockname()[1],))
        assert host.look("down/is_down.sh", member=host.member, sockets=pattern).returncode == 0


@pytest.mark.parametrize("state", ["active", "activating", "deactivating"])
def test_running_unit_is_seen_as_not_stopped(host: FakeHost, state: str) -> None:
    states(host, docker=state)
    ended = host.look(
        "down/is_down.sh",
        member=host.member,
        sockets=NOWHERE,
        units=(
            "kublr.service",
            "docker.service",
        ),
    )
    assert (ended.returncode, ended.stdout) == (1, f"docker.service is {state}\n")
    ended = host.look(
        "stop/is_inactive.sh",
        units=(
            "kublr.service",
            "docker.service",
        ),
    )
    assert (ended.returncode, ended.stdout) == (1, f"docker.service is {state}\n")
    assert host.look("stop/is_inactive.sh", units=("kublr.service",)).returncode == 0


# --- Workers --------------------------------------------------------------------------------------------


def test_a_workers_services_in_the_vendors_order(host: FakeHost) -> None:
    states(host)
    assert (
        host.act(
            "workers/restart.sh",
            agent="kublr.service",
            kubelet="kubelet.service",
            runtime=(
                "docker.socket",
                "docker.service",
            ),
        ).returncode
        == 0
    )
    assert host.calls == [
        "systemctl stop kublr.service",
        "systemctl stop kubelet.service",
        "systemctl stop docker.socket docker.service",
        "systemctl start kublr.service",
    ]


@pytest.mark.parametrize(("stuck", "calls"), [("kublr.service", 1), ("kubelet.service", 2), ("docker.service", 3)])
def test_service_that_does_not_stop_ends_act(host: FakeHost, stuck: str, calls: int) -> None:
    host.program("systemctl", f'[ "$2" != {stuck} ]')
    assert (
        host.act(
            "workers/restart.sh", agent="kublr.service", kubelet="kubelet.service", runtime=("docker.service",)
        ).returncode
        == 1
    )
    assert host.calls[-1] == f"systemctl stop {stuck}"
    assert len(host.calls) == calls


def began(host: FakeHost, boot: str, ticks: int) -> None:
    """Write the begin marker of the worker's restart: in that boot, ``ticks`` clock ticks after it."""
    folder = host.folder / "steps/workers.restart/1-a1b2"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "started").write_text(f"{boot} 77 {ticks} 1795360500\n")


def restarted(host: FakeHost, how: str) -> Ended:
    return host.look(
        "workers/is_restarted.sh", restarts=host.steps("workers.restart"), how=how, kubelet="kubelet.service"
    )


BOOT = Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_ticks(pid: int) -> int:
    """Read field 22 of /proc/PID/stat (proc(5)); field 2 is the name, in parentheses."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def test_a_reboot_shows_in_the_boot_id_or_in_the_first_process(host: FakeHost) -> None:
    assert restarted(host, "reboot").stdout == "not restarted yet\n"
    began(host, BOOT, start_ticks(1) + 1)
    ended = restarted(host, "reboot")
    assert (ended.returncode, ended.stdout) == (1, "not rebooted yet\n")
    began(host, "another-boot", start_ticks(1) + 1)
    ended = restarted(host, "reboot")
    assert ended.returncode == 0
    assert 0 < int(ended.stdout) <= time.time()  # when the first process started
    began(host, BOOT, start_ticks(1) - 1)  # a container keeps the boot id; its first process is new
    assert restarted(host, "reboot").returncode == 0


def test_a_restart_of_services_shows_in_the_kubelets_start(host: FakeHost) -> None:
    kubelet = start_ticks(os.getpid())
    host.program("systemctl", f"echo MainPID={os.getpid()}")
    began(host, BOOT, kubelet + 1)
    ended = restarted(host, "services")
    assert (ended.returncode, ended.stdout) == (1, "kubelet.service is not back yet\n")
    for boot, ticks in ((BOOT, kubelet - 1), ("another-boot", kubelet + 1)):
        began(host, boot, ticks)
        ended = restarted(host, "services")
        assert ended.returncode == 0
        assert abs(int(ended.stdout) - seconds_since_1970(kubelet)) <= 1
    host.program("systemctl", "echo MainPID=0")
    assert restarted(host, "services").returncode == 1


def seconds_since_1970(ticks: int) -> float:
    boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
    return int(boot.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")
