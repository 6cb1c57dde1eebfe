"""Processes of the control plane: the scripts find and stop them, whatever their names and their ports.

The processes are real and run in a separate network namespace, because other tests and clusters run on this machine.
Each is a copy of bash with the program's name, because bash can ignore a signal and keep a file open.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.templates.host import Ended, FakeHost

NOWHERE = "00000000:0000"
ENDS_AT_ONCE = "trap 'exit 0' TERM"
HANGS = "trap 'signals=x$signals; [ $signals = x ] || exit 0' TERM"
IGNORES = "trap '' TERM"

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """The words that run a command in a separate network namespace."""
    ready = tmp_path / "ready"
    words = ("unshare", "--map-root-user", "--net", "sh", "-c", f"touch {ready}; exec sleep 600")
    with subprocess.Popen(words) as keeper:
        try:
            while not ready.exists():
                time.sleep(0.01)
            yield ("nsenter", f"--target={keeper.pid}", "--user", "--net", "--preserve-credentials")
        finally:
            keeper.kill()


@pytest.fixture
def here(host: FakeHost, inside: tuple[str, ...]) -> FakeHost:
    """The host, in that network namespace."""
    return replace(host, shell=(*inside, *host.shell))


@pytest.fixture
def start(tmp_path: Path, inside: tuple[str, ...]) -> Iterator[Start]:
    """Start a program with that name in the host's network namespace; it runs ``trap`` and then waits."""
    with ExitStack() as running:

        def started(name: str, *words: str, trap: str = ENDS_AT_ONCE, network: tuple[str, ...] = inside) -> object:
            program, ready, fifo = (tmp_path / f"{name}{end}" for end in ("", ".ready", ".fifo"))
            if not program.exists():
                shutil.copy("/bin/bash", program)
                os.mkfifo(fifo)  # so it waits without a child, which would have the same name
            # hyperkube's first word is the part of the control plane; bash's first word is a file.
            script = tmp_path / (words[0] if words else f"{name}.sh")
            script.write_text(f"exec 8<>{fifo}\n{trap}\n: >{ready}\nwhile :; do read -rt 0.05 -u 8; done\n")
            argv = (*network, str(program), script.name, *words[1:])
            process = running.enter_context(subprocess.Popen(argv, cwd=tmp_path))
            running.callback(process.kill)
            while not ready.exists():
                time.sleep(0.01)
            return process

        yield started  # type: ignore[misc]


def look(host: FakeHost) -> Ended:
    return host.look("stop/is_quiet.sh", sockets=NOWHERE)


def end(host: FakeHost, **values: object) -> Ended:
    return host.act("stop/processes.sh", seconds=1, **values)


@pytest.mark.parametrize(
    "words",
    [
        ("kube-apiserver",),
        ("kube-controller-manager",),
        ("kube-scheduler",),
        ("hyperkube", "apiserver"),
        ("hyperkube", "kube-scheduler"),
    ],
)
def test_process_that_listens_nowhere_is_alive(here: FakeHost, start: Start, words: tuple[str, ...]) -> None:
    process = start(*words)
    name = f"kube-{words[-1].removeprefix('kube-')}"
    assert (look(here).returncode, look(here).stdout) == (1, f"{name} (pid {process.pid}) is alive\n")
    process.terminate()
    process.wait(20)
    assert (look(here).returncode, look(here).stdout) == (0, "")


@pytest.mark.parametrize("words", [("kube-controllers",), ("kube-scheduler-extender",), ("hyperkube", "kubelet")])
def test_program_with_similar_name_is_not_counted(here: FakeHost, start: Start, words: tuple[str, ...]) -> None:
    start(*words)
    assert look(here).returncode == 0


def test_control_plane_of_another_cluster_in_a_pod_is_not_counted(here: FakeHost, start: Start) -> None:
    other = start("kube-apiserver", network=("unshare", "--map-root-user", "--net"))
    assert look(here).returncode == 0
    assert end(here).returncode == 0
    assert other.poll() is None


def test_dead_process_that_nobody_has_waited_for_is_not_counted(here: FakeHost, start: Start) -> None:
    process = start("kube-apiserver")
    process.send_signal(signal.SIGKILL)
    until = time.monotonic() + 5
    while look(here).returncode and time.monotonic() < until:
        time.sleep(0.05)
    assert look(here).returncode == 0
    assert process.returncode is None, "it is a zombie: this test has not waited for it"


def test_process_whose_program_was_replaced_is_alive(here: FakeHost, start: Start, tmp_path: Path) -> None:
    start("kube-apiserver")
    (tmp_path / "kube-apiserver").unlink()
    assert look(here).returncode == 1


def test_quiet_does_not_count_once_the_host_may_start_again(here: FakeHost, start: Start) -> None:
    start("kube-apiserver")
    lifts = here.steps("api.start")
    assert here.look("stop/is_quiet.sh", sockets=NOWHERE, lifts=lifts).returncode == 1
    (lifts / "1-aaaa").mkdir(parents=True)
    (lifts / "1-aaaa" / "started").touch()
    assert here.look("stop/is_quiet.sh", sockets=NOWHERE, lifts=lifts).returncode == 0


def test_hanging_process_gets_second_signal(here: FakeHost, start: Start) -> None:
    process = start("kube-apiserver", trap=HANGS)
    process.terminate()
    began = time.monotonic()
    ended = end(here)
    assert (ended.returncode, process.wait(20)) == (0, 0)
    assert ended.stdout == f"kube-apiserver (pid {process.pid}) did not end within 1 s: SIGTERM\n"
    assert 0.5 < time.monotonic() - began < 10


def test_process_that_ignores_signals_is_killed(here: FakeHost, start: Start) -> None:
    processes = [start("kube-apiserver", trap=IGNORES), start("kube-scheduler", trap=IGNORES)]
    ended = end(here)
    assert [process.wait(20) for process in processes] == [-signal.SIGKILL] * 2
    assert ended.returncode == 0
    for process, name in zip(processes, ("kube-apiserver", "kube-scheduler"), strict=True):
        assert f"{name} (pid {process.pid}) did not end within 1 s: SIGTERM\n" in ended.stdout
        assert f"{name} (pid {process.pid}) did not end within 2 s: SIGKILL\n" in ended.stdout


@pytest.mark.parametrize("kubelet", ["active", "inactive"])
def test_without_kubelet_the_first_signal_is_ours(here: FakeHost, start: Start, kubelet: str) -> None:
    here.program("systemctl", f"[ {kubelet} = active ]")
    process = start("kube-apiserver")
    ended = end(here, ender="kubelet.service")
    assert (ended.returncode, process.wait(20)) == (0, 0)
    why = "did not end within 1 s" if kubelet == "active" else "is not ended by kubelet.service, which is down"
    assert ended.stdout == f"kube-apiserver (pid {process.pid}) {why}: SIGTERM\n"


def test_etcd_is_known_by_the_database_that_it_has_open(here: FakeHost, start: Start, tmp_path: Path) -> None:
    here.write_member()
    link = tmp_path / "as-in-a-container"
    link.hardlink_to(here.member / "snap/db")
    other = tmp_path / "events"
    other.write_bytes(b"")
    ours, theirs = start("etcd", trap=f"exec 7<>{link}"), start("etcd-events", trap=f"exec 7<>{other}")
    ended = here.look("down/is_down.sh", member=here.member, sockets=NOWHERE)
    assert (ended.returncode, ended.stdout) == (1, f"an etcd is alive on {here.member}\n")
    here.program("systemctl", "exit 3")
    ended = here.act("down/processes.sh", member=here.member, seconds=1, ender="kubelet.service")
    assert (ended.returncode, ours.wait(20), theirs.poll()) == (0, -signal.SIGTERM, None)
    assert here.look("down/is_down.sh", member=here.member, sockets=NOWHERE).returncode == 0
