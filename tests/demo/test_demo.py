"""The demo as its reader starts it: the whole story with both kinds of hosts, and every way to end it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.hosts import LAPTOP_NAMESPACES, why_no_namespaces

PROJECT = Path(__file__).parents[2]
KINDS = pytest.mark.parametrize("options", [(), ("--no-namespaces",)], ids=["namespaces", "folders"])
STORY_S = 60


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """The demo's folder. Demos without namespaces have the same loopback addresses, so they run one at a time."""
    options = getattr(request.node, "callspec", None) and request.node.callspec.params["options"]
    with Path(tempfile.gettempdir(), f"orchestrator-demo-tests-{os.getuid()}").open("w") as lock:
        if options is None or "--no-namespaces" in options:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield tmp_path / "demo"


@contextlib.contextmanager
def demo(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run a demo as from a terminal, in its own process group."""
    argv = [sys.executable, "-m", "tests.demo", "--folder", str(folder), *options]
    with subprocess.Popen(
        argv,
        cwd=PROJECT,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def processes_of(folder: Path) -> list[str]:
    """Return the commands of processes with that folder in their command or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes()
            if str(folder).encode() in command + (process / "environ").read_bytes():
                found.append(command.replace(b"\0", b" ").decode())
    return found


def slowdown() -> float:
    """Return how much slower this machine is now than an idle one."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    """Read the demo's output until a line contains ``text``."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"the demo ended before it said {text!r}")


def test_machine_allows_namespaces(tmp_path: Path) -> None:
    """Otherwise the tests named after namespaces would test the folders twice."""
    assert why_no_namespaces(tmp_path) == ""


@KINDS
def test_story(folder: Path, options: tuple[str, ...]) -> None:
    began = time.monotonic()
    with demo(folder, "--keys", "2000", *options) as process:
        output, _ = process.communicate(timeout=5 * STORY_S)
    assert process.returncode == 0, output
    assert len(re.findall(r"master-\d: 2000 of 2000 ConfigMaps as in the backup, 0 others", output)) == 3
    assert ("in its own namespaces" in output) is not bool(options)
    assert processes_of(folder) == []
    assert {path.name for path in folder.iterdir()} <= {
        "README",
        "cache",
        "hosts",
        "inventory.yml",
        "laptop",
        "snapshot.db",
    }
    assert time.monotonic() - began < STORY_S * slowdown()


@pytest.mark.parametrize(
    ("number", "options"),
    [
        (signal.SIGINT, ()),
        (signal.SIGTERM, ("--no-namespaces",)),
        (signal.SIGKILL, ()),
        (signal.SIGKILL, ("--no-namespaces",)),
    ],
)
def test_ended_early(folder: Path, number: signal.Signals, options: tuple[str, ...]) -> None:
    """Ctrl-C reaches the whole process group; the other signals only the demo's first process.

    After a SIGKILL nobody cleans up, and each kind of hosts ends in its own way.
    """
    with demo(folder, *options) as process:
        wait_for(process, "After the backup")
        assert processes_of(folder) != []
        if number is signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        assert process.wait(timeout=60) == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[number]
    until = time.monotonic() + (10 if number is signal.SIGKILL else 0)
    while processes_of(folder) and time.monotonic() < until:
        time.sleep(0.1)
    assert processes_of(folder) == []


def refusal(folder: Path, *options: str) -> str:
    """Return the demo's output when it refuses to start."""
    with demo(folder, *options) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 64, output
    return output


def test_port_in_use_is_refused(folder: Path) -> None:
    with socket.create_server(("127.77.0.12", 2380)):
        assert "master-2 needs 127.77.0.12:2380" in refusal(folder, "--no-namespaces")


def test_folder_with_other_files_is_refused(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    assert "contains files that are not a demo's" in refusal(folder)
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


def test_folder_in_use_is_refused(folder: Path) -> None:
    folder.mkdir()
    with (folder / "README").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another demo runs" in refusal(folder)


def test_reason_for_missing_namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulates a machine whose administrator forbids user namespaces."""
    command = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"'
    argv = [*LAPTOP_NAMESPACES, "sh", "-c", command, "sh", sys.executable, "-c"]
    probe = (
        "import pathlib; from tests.demo.hosts import why_no_namespaces; "
        f"print(why_no_namespaces(pathlib.Path({str(tmp_path)!r})))"
    )
    said = subprocess.run([*argv, probe], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert "unshare" in said
