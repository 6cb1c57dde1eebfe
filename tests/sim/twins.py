"""Run a simulated program and the real script of its name on hosts with the same files."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from orchestrator.core.model.plan import Script
from tests.sim.acts import Call
from tests.sim.clock import play
from tests.sim.cluster import make_world
from tests.sim.disk import Disk
from tests.sim.looks import LOOKS
from tests.sim.manual import MANUAL_ACTS, MANUAL_LOOKS
from tests.sim.programs import ACTS
from tests.sim.undo_acts import UNDO_ACTS
from tests.sim.undo_looks import UNDO_LOOKS
from tests.unit.builders import scripts
from tests.unit.templates.host import OTHER_RUN, RUN, SHELLS, FakeHost

Files = dict[str, str]
Given = dict[str, Any]
ALL_ACTS = ACTS | UNDO_ACTS | MANUAL_ACTS
ALL = ALL_ACTS | LOOKS | UNDO_LOOKS | MANUAL_LOOKS

FOLDER, KEPT = f"state/{RUN}", f"data.kr-{RUN}"
MEMBER = {"data/member/snap/db": "database", "data/member/wal/0.wal": "log"}
HELD = {"state/hold": f"{RUN}\n"}
DROP_INS = {
    f"units/{unit}.d/50-orchestrator-hold.conf": "[Unit]\nConditionPathExists=!ROOT/state/hold\n" for unit in ("a", "b")
}
PLAN = {f"{FOLDER}/plan.json": "{}"}
OURS, THEIRS = ({"state/claim": f'{{"format":1,"run":"{run}","attempt":"1-x"}}\n'} for run in (RUN, OTHER_RUN))
BLOCK = f"# orchestrator {RUN} begin\n10.0.0.1\tetcd0\n# orchestrator {RUN} end\n"
HOSTS = {"etc/hosts": "127.0.0.1\tlocalhost\n"}


@dataclass(frozen=True)
class Case:
    """One run of a script. ROOT in values and texts is the host's folder."""

    name: str
    script: str
    values: Given = field(default_factory=dict)
    files: Files = field(default_factory=dict)


def placed_in(values: Given, root: Path) -> Given:
    """Return the values with ROOT replaced by the host's folder."""

    def placed(value: str) -> str:
        return value.replace("ROOT", str(root))

    return {name: placed(it) if isinstance(it, str) else tuple(map(placed, it)) for name, it in values.items()}


def sha256_of(text: str) -> str:
    disk = Disk()
    disk.write("/file", text)
    return disk.sha256("/file")


def real(script: str, values: Given, files: Files, root: Path) -> tuple[int, Files]:
    ended = run(script, values, files, root)
    found = {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}
    ours = {f"{FOLDER}/run", "calls", "programs/systemctl", "programs/kublr"}
    return ended.returncode, comparable({path: text for path, text in found.items() if path not in ours})


def run(script: str, values: Given, files: Files, root: Path) -> CompletedProcess[str]:
    host = FakeHost(root, SHELLS["dash"]).prepare()
    host.program("systemctl", "exit 0")
    host.program("kublr", f'cp "$4" "{root}/data/restore.db"')
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return host.act(script, **values) if script in ALL_ACTS else host.look(script, **values)


def simulated(script: str, values: Given, files: Files, root: Path) -> tuple[int, Files]:
    ended = simulate(script, values, files, root)
    return ended.code, comparable(ended.files)


@dataclass(frozen=True)
class Simulated:
    """The exit status of a program, its output, and the host's files afterwards."""

    code: int
    said: list[str]
    files: Files


def simulate(script: str, values: Given, files: Files, root: Path) -> Simulated:
    async def run() -> Simulated:
        world = make_world()
        host = world.masters[0]
        host.disk = host.acts.disk = Disk()
        host.pod = None
        for name, text in files.items():
            host.disk.write(f"{root}/{name}", text)
        command = Script(file=script, values=values).command(scripts()[script])
        call = Call(command.argv[1:], f"{root}/state", RUN, "1-a1b2", "a.step", values=command.values)
        code = await ALL[script](world, host, call)
        found = {os.path.relpath(path, root): host.disk.read(path).decode() for path in host.disk.files}
        return Simulated(code, call.said, found)

    return play(run())


def comparable(files: Files) -> Files:
    """Return the files without values that differ between moments: claim times and inode numbers."""
    return {path: _comparable(path.rpartition("/")[2], text) for path, text in files.items()}


def _comparable(name: str, text: str) -> str:
    match name:
        case "claim" if "taken_at_utc" in text:
            return json.dumps(json.loads(text) | {"taken_at_utc": ""})
        case "kept" | "returned":
            return "\n".join(sorted(f"{line.split()[-1]} {len(line.split())}" for line in text.splitlines()))
        case "kept.stats":  # times and inodes differ between hosts
            return "\n".join(sorted(line.split()[-1] for line in text.splitlines()))
        case "kept.sums":
            return "\n".join(sorted(text.splitlines()))
    return text
