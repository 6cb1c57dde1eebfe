"""Bad input: one `error:` line, one `next:` line, the exit code, and nothing changed on any host.

Most cases request a complete restore and confirm it, so that a missing check shows.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab import traces, truth
from tests.lab.hosts import DATA, MASTERS
from tests.lab.lab import Lab
from tests.lab.laptop import Laptop
from tests.lab.truth import Backup

FIRST, SECOND, THIRD = (master.name for master in MASTERS)
COPY = "/root/manifests"
DAEMON = "/etc/docker/daemon.json"
SMALL = "/mnt/small"
OTHER_KEY = "SHA256:" + "A" * 43
THEIR_RUN, THEIR_LAPTOP = "20260102t030405z-beef", "eve@elsewhere"
CLAIM = {
    "format": 1,
    "run": THEIR_RUN,
    "attempt": "1-c0ffee",
    "laptop": THEIR_LAPTOP,
    "plan_sha256": "0" * 64,
    "taken_at_utc": "2026-01-02T03:04:05Z",
}

Document = Any  # an inventory, as parsed from YAML


@dataclass(slots=True)
class Place:
    """The tools that a case may use."""

    lab: Lab
    laptop: Laptop
    backup: Backup
    folder: Path
    inventory: Callable[[Callable[[Document], object]], Path]

    def restore(self, inventory: Path | None = None, snapshot: Path | None = None) -> tuple[str | Path, ...]:
        """Make the command line of a restore that only a check can stop."""
        where = ("-i", inventory or self.lab.inventory, "--snapshot", snapshot or self.backup.path)
        return ("restore", *where, "--override", "quorum-healthy", "--confirm", "lab")

    def with_inventory(self, change: Callable[[Document], object]) -> tuple[str | Path, ...]:
        return self.restore(self.inventory(change))

    def with_text(self, old: str, new: str) -> tuple[str | Path, ...]:
        """Make a restore with a changed text of the inventory, for text that a YAML writer would not produce."""
        text = self.inventory(lambda _: None).read_text()
        assert old in text
        path = self.folder / "edited.yml"
        path.write_text(text.replace(old, new, 1))
        return self.restore(path)

    def with_snapshot(self, change: Callable[[bytes], bytes]) -> tuple[str | Path, ...]:
        path = self.folder / "changed.db"
        path.write_bytes(change(self.backup.path.read_bytes()))
        return self.restore(snapshot=path)

    @contextlib.contextmanager
    def shell(self, host: str, prepare: str, mend: str) -> Iterator[None]:
        """Run a command on a host, and undo it after the case."""
        self.lab.exec(host, ["sh", "-c", prepare])
        try:
            yield
        finally:
            self.lab.exec(host, ["sh", "-c", mend])


COMMANDS = ("orchestrator ", "ls -l ", "${EDITOR:-vi} +")
"""The beginnings of `next:` lines: they are commands; some faults have no next step."""

Words = tuple[str | Path, ...]
Arrange = Callable[[Place], contextlib.AbstractContextManager[object]]


def as_it_is(_: Place) -> contextlib.AbstractContextManager[object]:
    """Prepare nothing on any host."""
    return contextlib.nullcontext()


@dataclass(frozen=True, slots=True)
class Case:
    """The command, the exit code, and the names that the error line must have. ``arrange`` prepares a host."""

    name: str
    exit_code: int
    names: tuple[str, ...]
    words: Callable[[Place], Words]
    arrange: Arrange = as_it_is


def master(document: Document, name: str) -> Document:
    return document["masters"]["hosts"][name]


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def cut_off(place: Place) -> contextlib.AbstractContextManager[object]:
    """Drop all packets to a host's sshd, as if a firewall blocks it."""
    rule = "INPUT -p tcp --dport 22 -j DROP"
    return place.shell(SECOND, f"iptables -I {rule}", f"iptables -D {rule}")


def without_password(place: Place) -> contextlib.AbstractContextManager[object]:
    place.laptop.sudo_password = None
    return contextlib.nullcontext()


def wrong_password(place: Place) -> contextlib.AbstractContextManager[object]:
    place.laptop.sudo_password = place.folder / "wrong"
    place.laptop.sudo_password.touch(mode=0o600)
    place.laptop.sudo_password.write_text("wrong\n")
    return contextlib.nullcontext()


def claimed(place: Place) -> contextlib.AbstractContextManager[object]:
    claim = f"mkdir -p -m 700 {truth.STATE} && echo '{json.dumps(CLAIM, separators=(',', ':'))}' >{truth.STATE}/claim"
    return place.shell(SECOND, claim, f"rm -r {truth.STATE}")


def copied_manifests(change: str) -> Arrange:
    """Copy the first master's manifests, with a change that no kubelet sees."""
    prepare = f"cp -r /etc/kubernetes/manifests {COPY} && {change.format(f'{COPY}/etcd.manifest')}"
    return lambda place: place.shell(FIRST, prepare, f"rm -r {COPY}")


def reading_the_copy(place: Place) -> Path:
    return place.inventory(lambda it: master(it, FIRST).update(paths={"manifests": COPY}))


def stale(place: Place) -> Words:
    """Save a plan, and change a manifest afterwards."""
    inventory, plan = reading_the_copy(place), place.folder / "saved.plan"
    made = place.laptop.run("plan", *place.restore(inventory)[1:-2], "-o", plan)
    assert made.code == 0, made
    place.lab.exec(FIRST, ["sh", "-c", f"echo '# touched' >>{COPY}/etcd.manifest"])
    return ("apply", plan, "-i", inventory, "--confirm", "lab")


FLAGS = [
    Case("no command of that name", 64, ("restroe",), lambda it: ("restroe", *it.restore()[1:])),
    Case("unknown flag", 64, ("--force",), lambda it: (*it.restore(), "--force")),
    Case("missing flag", 64, ("--snapshot",), lambda it: ("plan", "-i", it.lab.inventory)),
    Case("unknown strategy", 64, ("magic",), lambda it: (*it.restore(), "--strategy", "magic")),
    Case("no inventory there", 64, ("gone.yml",), lambda it: it.restore(it.folder / "gone.yml")),
    Case("no snapshot there", 64, ("gone.db",), lambda it: it.restore(snapshot=it.folder / "gone.db")),
    Case("no plan there", 64, ("gone.plan",), lambda it: ("apply", "gone.plan", "-i", it.lab.inventory)),
    Case("no such run", 64, (THEIR_RUN,), lambda it: ("status", "-i", it.lab.inventory, THEIR_RUN)),
]
INVENTORY = [
    Case("unknown key", 64, ("usr", "user"), lambda it: it.with_inventory(lambda d: d["defaults"].update(usr="ops"))),
    Case("key twice", 64, ("format",), lambda it: it.with_text("format: 1\n", "format: 1\nformat: 1\n")),
    Case("address twice", 64, (SECOND,), lambda it: it.with_inventory(
        lambda d: master(d, SECOND).update(address=master(d, FIRST)["address"]))),
    Case("host twice", 64, ("2 faults",), lambda it: it.with_inventory(
        lambda d: d["workers"]["hosts"].update({FIRST: {"address": "192.0.2.9"}}) or d["masters"]["hosts"].update(
            {"worker-1": {"address": "192.0.2.10"}}))),
    Case("a number in base 60", 64, ("port",), lambda it: it.with_text("key:", "port: 2:22\n  key:")),
    Case("an octal number", 64, ("port",), lambda it: it.with_text("key:", "port: 022\n  key:")),
    Case("a no that is false", 64, ("cluster",), lambda it: it.with_text("cluster: lab", "cluster: no")),
    Case("no YAML", 64, ("edited.yml",), lambda it: it.with_text("policies:", "policies: {")),
]  # fmt: skip
SNAPSHOT = [
    Case("empty", 3, ("empty",), lambda it: it.with_snapshot(lambda _: b"")),
    Case("truncated", 3, ("truncated",), lambda it: it.with_snapshot(lambda whole: whole[: len(whole) // 2])),
    Case("a flipped byte", 3, ("sha256",), lambda it: it.with_snapshot(flipped)),
    Case("no trailer", 3, ("sha256",), lambda it: it.with_snapshot(lambda whole: whole[:-32])),
    Case("no etcd database", 3, ("not an etcd database",), lambda it: it.with_snapshot(lambda _: b"# notes\n" * 9000)),
]
REACH = [
    Case("nobody listens", 4, (SECOND,), lambda it: it.with_inventory(lambda d: master(d, SECOND).update(port=2222))),
    Case("a silent host", 4, (SECOND,), Place.restore, cut_off),
    Case("another host key", 4, (SECOND, "key"), lambda it: it.with_inventory(
        lambda d: master(d, SECOND).update(host_key=[OTHER_KEY]))),
    Case("login refused", 12, (SECOND,), lambda it: it.with_inventory(
        lambda d: master(d, SECOND).update(user="nobody-here"))),
    Case("no sudo password", 12, (THIRD, "sudo"), Place.restore, without_password),
    Case("wrong sudo password", 12, (THIRD, "sudo"), Place.restore, wrong_password),
]  # fmt: skip
CHECKS = [
    Case("disk too small", 3, (FIRST, SMALL, "MiB"),
         lambda it: it.with_inventory(lambda d: master(d, FIRST).update(paths={"state": f"{SMALL}/orchestrator"})),
         lambda it: it.shell(FIRST, f"mkdir {SMALL} && mount -t tmpfs -o size=8m tmpfs {SMALL}",
                             f"umount {SMALL} && rmdir {SMALL}")),
    Case("two data volumes", 3, (FIRST, DATA, "/mnt/other"), Place.restore,
         lambda it: it.shell(FIRST, f"sed -i 's|{DATA}|/mnt/other|' /etc/kublr/daemon.yaml",
                             f"sed -i 's|/mnt/other|{DATA}|' /etc/kublr/daemon.yaml")),
    Case("a master left out", 3, ("etcd0",), lambda it: it.with_inventory(
        lambda d: d["masters"]["hosts"].pop(THIRD))),
    Case("another peer URL", 3, ("peer URL",), lambda it: it.restore(reading_the_copy(it)),
         copied_manifests("sed -i 's|etcd1.kublr.local:2380|etcd1.kublr.local:2390|' {}")),
    Case("a name that leads elsewhere", 3, ("etcd1.kublr.local", "192.0.2.1"), Place.restore,
         lambda it: it.shell(SECOND, "cp /etc/hosts /root/hosts && echo 192.0.2.1 etcd1.kublr.local >>/etc/hosts",
                             "cat /root/hosts >/etc/hosts && rm /root/hosts")),
    Case("not Docker", 3, ("Docker", FIRST), lambda it: it.with_inventory(
        lambda d: d["defaults"].update(units={"runtime": "containerd"}))),
    Case("containers that outlive Docker", 3, ("live-restore", SECOND), Place.restore,
         lambda it: it.shell(SECOND, f"cp {DAEMON} /root/ && sed -i 's|{{|{{\"live-restore\": true, |' {DAEMON}",
                             f"cat /root/daemon.json >{DAEMON} && rm /root/daemon.json")),
    Case("a log apart from its data", 3, ("wal-dir", "/mnt/wal"), lambda it: it.restore(reading_the_copy(it)),
         copied_manifests("sed -i 's|^    args:|&\\n    - --wal-dir=/mnt/wal|' {}")),
    Case("a healthy quorum", 3, ("quorum",), lambda it: tuple(
        word for word in it.restore() if word not in ("--override", "quorum-healthy"))),
    Case("no policy for volumes", 3, ("volumes",), lambda it: it.with_inventory(
        lambda d: d["policies"].pop("volumes"))),
]  # fmt: skip
CONSENT = [
    Case("held by somebody else", 11, (SECOND, THEIR_RUN, THEIR_LAPTOP), Place.restore, claimed),
    Case("nobody to ask", 5, ("confirmed",), lambda it: it.restore()[:-2]),
    Case("another cluster's name", 5, ("prod",), lambda it: (*it.restore()[:-1], "prod")),
    Case("a stale plan", 5, ("stale", FIRST, "manifest"), stale, copied_manifests("true {}")),
]
CASES = [*FLAGS, *INVENTORY, *SNAPSHOT, *REACH, *CHECKS, *CONSENT]


@pytest.fixture(scope="module")
def untouched(lab: Lab, backup: Backup) -> traces.Traces:
    """One lab for all cases, and its state before the first case: no case may change it."""
    lab.reset()
    return traces.look_at_files(lab)


@pytest.fixture
def place(lab: Lab, laptop: Laptop, backup: Backup, tmp_path: Path, inventory: Callable[..., Path]) -> Place:
    return Place(lab, laptop, backup, tmp_path, inventory)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input(case: Case, place: Place, untouched: traces.Traces) -> None:
    with case.arrange(place):
        words = case.words(place)
        before = traces.look_at_files(place.lab) if case.arrange is not as_it_is else untouched
        ended = place.laptop.run(*words)
        assert ended.code == case.exit_code, ended
        for name in case.names:
            assert name in ended.error, f"{name!r} is not named:\n{ended}"
        assert re.search(r"^next: ", ended.err, re.MULTILINE) is None or ended.next_step.startswith(COMMANDS)
        assert before.changed_files(traces.look_at_files(place.lab)) == []


def test_unhashed_can_be_overridden(place: Place) -> None:
    """A copied database has no sha256 at its end: the only fault of a snapshot that an operator may override."""
    restore = place.with_snapshot(lambda whole: whole[:-32])
    planned = place.laptop.run("plan", *restore[1:-2], "--override", "unhashed")
    assert planned.code == 0, planned
