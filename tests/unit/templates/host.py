"""A host that is a folder: a real shell runs the scripts there, in the same way as `act.sh` and a look run them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestrator.adapters.ssh.shell import look_words, run_text
from orchestrator.core.hosts.facts import parse_facts
from orchestrator.core.model.outcome import Command
from orchestrator.core.model.plan import Script
from tests.unit.builders import scripts

SHELLS = {
    name: (path, *words)
    for name, words in {"dash": (), "bash": ("--posix",), "busybox": ("sh",)}.items()
    if (path := shutil.which(name))
}
"""The shells that operators' systems use as `sh`, if this machine has them."""

WITHOUT_APPLETS = pytest.mark.parametrize("host", sorted(SHELLS.keys() - {"busybox"}), indirect=True)
"""All shells but busybox, which prefers its own programs to those on PATH: for tests that are not about these."""

RUN = "20261122t031007z-5f1c"
OTHER_RUN = "20261121t020202z-0000"

Ended = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class FakeHost:
    """Folders of one host below ``root``, its shell, and the programs that come before the real ones on PATH."""

    root: Path
    shell: tuple[str, ...]
    run: str = RUN
    attempt: str = "1-a1b2"
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.state / self.run

    @property
    def member(self) -> Path:
        return self.root / "data/member"

    @property
    def programs(self) -> Path:
        return self.root / "programs"

    def prepare(self) -> FakeHost:
        for folder in (self.folder, self.programs):
            folder.mkdir(parents=True, exist_ok=True)
        return self

    def act(self, file: str, /, **values: object) -> Ended:
        """Run a script as an act of this run and attempt."""
        text = run_text(self._command(file, values))
        (self.folder / "run").write_text(text)
        return self._ended((*self.shell, str(self.folder / "run")), "")

    def look(self, file: str, /, **values: object) -> Ended:
        """Run a script as a look: its text is on standard input."""
        words, stdin = look_words(self._command(file, values))
        return self._ended((*self.shell, *words[words.index("sh") + 1 :]), stdin.decode())

    def look_bytes(self, file: str, /, **values: object) -> bytes:
        """Run a look and return its output as bytes, if it is not text."""
        words, stdin = look_words(self._command(file, values))
        argv = (*self.shell, *words[words.index("sh") + 1 :])
        return subprocess.run(
            argv, input=stdin, capture_output=True, timeout=60, cwd="/", env=self._variables, check=True
        ).stdout

    def facts(self, file: str, /, **values: object) -> dict[str, str]:
        ended = self.look(file, **values)
        assert ended.returncode == 0, ended.stderr
        return parse_facts(ended.stdout)

    def program(self, name: str, text: str) -> None:
        """Write a program with that name that runs instead of the host's own; `calls` records every call."""
        path = self.programs / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.root}/calls"\n{text}\n')
        path.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """The calls of those programs, in order."""
        path = self.root / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def hold(self, run: str | None = None) -> None:
        (self.state / "hold").write_text(f"{run or self.run}\n")

    def write_member(self) -> None:
        """Write old data of an etcd: a database, a log, and a snapshot file with a name that is hard for shells."""
        for name, size in {"snap/db": 8192, "wal/0.wal": 64_000, "snap/a b$(c)'.snap": 10}.items():
            path = self.member / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.urandom(size))

    def steps(self, step: str) -> Path:
        """Return the folder of a step of this run."""
        return self.folder / "steps" / step

    def _command(self, file: str, values: dict[str, object]) -> Command:
        texts = {name: _text(value) for name, value in values.items()}
        return Script(file=file, values=texts).command(scripts()[file])

    def _ended(self, argv: tuple[str, ...], stdin: str) -> Ended:
        return subprocess.run(
            argv, input=stdin, capture_output=True, text=True, timeout=60, cwd="/", env=self._variables, check=False
        )

    @property
    def _variables(self) -> dict[str, str]:
        return {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "LC_ALL": "C",
            "STATE": str(self.state),
            "RUN": self.run,
            "ATTEMPT": self.attempt,
            "STEP": "a.step",
        } | self.environment


NO_TLS = ("", "", "")
ABSENT = ("/absent", "/absent", "/absent")


def peer_values(url: str, tls: Sequence[object] = NO_TLS) -> dict[str, object]:
    """Return the values for a question to the member at ``url``; ``tls`` is its CA, certificate and key."""
    return {"peer_url": url, "address": "127.0.0.1", **dict(zip(PEER, tls, strict=True))}


def client_values(url: str, tls: Sequence[object] = NO_TLS, peer: Sequence[object] = NO_TLS) -> dict[str, object]:
    """Return the same for its client port; ``peer`` is the peers' CA, certificate and key."""
    files = dict(zip(CLIENT, tls, strict=True)) | dict(zip(PEER[1:], peer[1:], strict=True))
    return {"client_url": url, "address": "127.0.0.1", **files}


PEER = ("peer_ca", "peer_cert", "peer_key")
CLIENT = ("client_ca", "client_cert", "client_key")


def volume_values(data: Path, member: Path, peer_url: str, client_url: str) -> dict[str, object]:
    """Return the values of the look at a volume, without certificates."""
    urls = peer_values(peer_url, ABSENT) | client_values(client_url, ABSENT, ABSENT)
    return urls | {"data": data, "member": member, "prefix": "/registry"}


def _text(value: object) -> str | tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, tuple | list) else str(value)


def tree(root: Path) -> dict[str, str]:
    """Return every path below ``root`` with its mode and, for a file, the sha256 of its content."""
    return {
        str(path.relative_to(root)): f"{path.lstat().st_mode:o} "
        + (hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "")
        for path in sorted(root.rglob("*"))
    }
