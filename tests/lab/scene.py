"""One fault case: a lab with new data since its backup, two laptops, and how the case may end."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab import fault_table, truth
from tests.lab.commands import wait
from tests.lab.hosts import DATA, MASTERS
from tests.lab.lab import Lab
from tests.lab.laptop import Ended, Laptop, Process
from tests.lab.truth import Backup
from tests.snapshots import PREFIX

LATER = f"{PREFIX}configmaps/namespace-later/"
KNOWN = f"{PREFIX}configmaps/"
BALLAST_MIB = 500


@dataclass(slots=True)
class Scene:
    """A fault case. ``known``: the keys of the backup; ``before``: all keys before the fault; each with its sha256."""

    lab: Lab
    laptop: Laptop
    other: Laptop
    backup: Backup
    inventory: Path
    known: dict[str, str]
    before: dict[str, str] = field(default_factory=dict)
    hosts_files: dict[str, str] = field(default_factory=dict)
    old_id: str = ""
    began_s: float = field(default_factory=time.monotonic)

    def moves_on(self) -> None:
        """Write more data to the cluster after its backup."""
        for number in range(20):
            self.lab.put(f"{LATER}object-{number}", "written after the backup")
        self.before, self.old_id = truth.holds(self.lab, KNOWN), self.lab.hashkv(MASTERS[0].name).cluster_id
        self.hosts_files = truth.hosts_files(self.lab)

    def loads(self, host: str) -> None:
        """Add a file to that master's data that takes seconds to copy and hash: a fault can then hit an act midway."""
        path = f"{DATA}/member/snap/ballast"
        self.lab.exec(host, ["sh", "-c", f"head -c {BALLAST_MIB}M /dev/urandom >{path} && sync {path}"])

    @property
    def restore(self) -> tuple[str | Path, ...]:
        arguments = ("--snapshot", self.backup.path, "--override", "quorum-healthy", "--confirm", "lab")
        return ("restore", "-i", self.inventory, *arguments)

    def starts(self, words: str, *arguments: str | Path) -> contextlib.AbstractContextManager[Process]:
        """Start a command on the first laptop, and wait until it prints these words."""

        @contextlib.contextmanager
        def started() -> Iterator[Process]:
            with self.laptop.start(*arguments) as process:
                process.until(words)
                yield process

        return started()

    def dies_at(self, words: str, *arguments: str | Path) -> None:
        with self.starts(words, *arguments) as process:
            process.kill()

    def resumes(self, *arguments: str | Path, laptop: Laptop | None = None) -> Ended:
        """Resume from another laptop, after the first has been silent for long enough."""
        truth.fall_silent(self.lab)
        return (laptop or self.other).run("resume", "-i", self.inventory, *arguments)

    def ends_restored(self, without: tuple[str, ...] = ()) -> str:
        """Assert that the restore is complete and that `finish` deletes all but evidence; return the proof as text."""
        masters = [master for master in MASTERS if master.name not in without]
        shown = {self.lab.hashkv(master.name, self.backup.revision) for master in masters}
        assert {answer.hash for answer in shown} == {self.backup.hash}
        assert len({(answer.compact_revision, answer.cluster_id) for answer in shown}) == 1
        assert truth.holds(self.lab, KNOWN) == self.known, "what was written after the backup was declared lost"
        assert truth.leftovers(self.lab, without) == []
        taken_s = time.monotonic() - self.began_s
        if not without:
            assert truth.hosts_files(self.lab) == self.hosts_files
            self.finishes()
        return (
            f"HashKV {self.backup.hash} at revision {self.backup.revision} on {len(masters)} members, "
            f"{len(self.known)} keys, {taken_s:.0f} s"
        )

    def finishes(self) -> None:
        """Run `finish`; assert that only evidence and the safety snapshot stay, and nothing else that could start."""
        first = MASTERS[0].name
        run = max(it for it in truth.runs(self.lab) if "0" in truth.ends(self.lab, first, it, "claim.take").values())
        finished = self.other.run("finish", "-i", self.inventory, run, "--confirm", "lab")
        assert finished.code == 0, finished
        assert truth.remains(self.lab) == []

    def ends_as_before(self) -> str:
        """Assert that every member runs on its old data again; return the proof as text."""
        assert truth.holds(self.lab, KNOWN) == self.before
        (shown,) = truth.hashes(self.lab)
        assert shown.cluster_id == self.old_id
        assert truth.leftovers(self.lab) == []
        assert truth.hosts_files(self.lab) == self.hosts_files
        taken_s = time.monotonic() - self.began_s
        rolled_back = [path for path in truth.remains(self.lab) if ".kr-" in path]
        if rolled_back:  # the restored data stays until `finish`
            self.finishes()
        assert truth.remains(self.lab) == []
        return (
            f"HashKV {shown.hash} at revision {shown.revision} on 3 members, cluster id {shown.cluster_id} as before, "
            f"all {len(self.before)} keys, {taken_s:.0f} s"
        )

    def is_down(self, host: str) -> None:
        """Assert that nothing that was stopped runs on that master."""
        booted = ["systemctl", "is-system-running", "--wait"]
        wait(lambda: self.lab.succeeds(host, ["systemctl", "is-active", "--quiet", "sysinit.target"]), f"{host} booted")
        self.lab.succeeds(host, ["timeout", "20", *booted])
        assert set(truth.active(self.lab, host, (*truth.SERVICES, "docker.socket"))) == {"inactive"}, host
        assert not self.lab.succeeds(host, ["sh", "-c", "ps ax | grep -q '[e]tcd --listen'"]), host

    def reboots(self, host: str) -> None:
        self.lab.reboot(host)
        self.is_down(host)

    def in_a_while(self, host: str, seconds: float, command: str) -> None:
        """Make the host repair itself after that time, whatever the result of the test."""
        line = f"setsid sh -c 'sleep {seconds}; {command}' >/dev/null 2>&1 &"
        self.lab.exec(host, ["sh", "-c", line])


@contextlib.contextmanager
def case(name: str) -> Iterator[None]:
    """Record a row of the table also if the case fails."""
    try:
        yield
    except BaseException as error:
        last = str(error).splitlines()[0:1]
        fault_table.record(name, f"{type(error).__name__}: {''.join(last)[:120]}".replace("|", "/"), "", passed=False)
        raise


def told(ended: Ended) -> str:
    """Format an exit code and the error, for the table."""
    text = ended.error if "error: " in ended.err else ""
    return f"exit {ended.code}" + (f" ({text.replace('|', '/')[:90]})" if text else "")


def proof_of(ended: Ended) -> dict[str, str]:
    assert ended.code == 0, ended
    proof: dict[str, str] = json.loads(ended.out)["proof"]
    return proof
