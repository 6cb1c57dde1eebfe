"""The simulator's programs do what the real scripts do: the same files before, the same exit status and files after.

What needs a running systemd, a network or an etcd (`inactive`, `stopped`, `proof`, `ready`, `lease`, `restarted`) is
compared by the tests of those scripts, not here.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.sim.acts import Call
from tests.sim.clock import play
from tests.sim.cluster import make_world
from tests.sim.disk import Disk
from tests.sim.looks import LOOKS
from tests.sim.programs import ACTS
from tests.unit.templates.host import OTHER_RUN, RUN, SHELLS, FakeHost

Files = dict[str, str]

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
    """One run of a script. Arguments and texts that begin with ROOT/ lie in the host's folder."""

    name: str
    script: str
    args: tuple[str, ...] = ()
    files: Files = field(default_factory=dict)


def sha256_of(text: str) -> str:
    disk = Disk()
    disk.write("/file", text)
    return disk.sha256("/file")


KEEP_ARGS = ("ROOT/data/member", f"ROOT/{KEPT}")
SCHEDULE_ARGS = ("ROOT/programs/kublr", f"ROOT/{FOLDER}/snapshot.db", "ROOT/data/member", "ROOT/data", sha256_of("new"))
SNAPSHOT = {f"{FOLDER}/snapshot.db": "new"}
COMMITTED_ARGS = ("ROOT/state", RUN, "ROOT/data/restore.db", sha256_of("new"))

CASES = [
    Case("a free host", "claim.sh", ("ana@laptop",), PLAN),
    Case("a host that is ours", "claim.sh", ("ana@laptop",), PLAN | OURS),
    Case("another's host", "claim.sh", ("ana@laptop",), PLAN | THEIRS),
    Case("a claim that died before its link", "claim.sh", ("ana@laptop",), PLAN | {f"{FOLDER}/claim": "{}\n"}),
    Case("a host that is ours", "release.sh", (), OURS | {"state/alive": "", f"{FOLDER}/claim": "x"}),
    Case("another's host", "release.sh", (), THEIRS | {"state/alive": "", f"{FOLDER}/claim": "x"}),
    Case("a release that died", "release.sh", (), {"state/alive": "", f"{FOLDER}/claim": "x"}),
    Case("names that are missing", "hosts.sh", ("put", "ROOT/etc/hosts", "10.0.0.1\tetcd0"), HOSTS),
    Case("put again", "hosts.sh", ("put", "ROOT/etc/hosts", "10.0.0.2\tetcd0"), {"etc/hosts": f"a\n{BLOCK}b\n"}),
    Case("remove", "hosts.sh", ("remove", "ROOT/etc/hosts"), {"etc/hosts": f"a\n{BLOCK}b\n"}),
    Case(
        "remove, with no newline at the end before",
        "hosts.sh",
        ("remove", "ROOT/etc/hosts"),
        {"etc/hosts": f"a\n{BLOCK}", f"{FOLDER}/hosts.before": "a"},
    ),
    Case("set", "hold.sh", ("set", "ROOT/units", "a", "b")),
    Case("set over another's", "hold.sh", ("set", "ROOT/units", "a", "b"), {"state/hold": "other\n"}),
    Case("lift", "hold.sh", ("lift", "ROOT/units"), HELD | DROP_INS),
    Case("lift what is another's", "hold.sh", ("lift", "ROOT/units"), {"state/hold": "other\n"}),
    Case("lift what is lifted", "hold.sh", ("lift", "ROOT/units"), DROP_INS),
    Case("clear", "hold.sh", ("clear", "ROOT/units", "a", "b"), DROP_INS | {"units/a.d/10-own.conf": "x"}),
    Case("old data", "keep.sh", KEEP_ARGS, HELD | MEMBER),
    Case("a host that is not held", "keep.sh", KEEP_ARGS, MEMBER),
    Case("no old data", "keep.sh", KEEP_ARGS, HELD | {"data/other": ""}),
    Case("kept already", "keep.sh", KEEP_ARGS, HELD | MEMBER | {f"{FOLDER}/kept": "a list\n"}),
    Case(
        "a copy that died",
        "keep.sh",
        KEEP_ARGS,
        HELD | {"data/other": "", f"{KEPT}/snap/db": "db", f"{KEPT}.part/snap/db": "half"},
    ),
    Case(
        "a copy without its list",
        "keep.sh",
        KEEP_ARGS,
        HELD | MEMBER | {f"{KEPT}/snap/db": "database", f"{FOLDER}/kept.sums": "sums"},
    ),
    Case("schedule", "schedule.sh", SCHEDULE_ARGS, HELD | MEMBER | SNAPSHOT),
    Case("a host that is not held", "schedule.sh", SCHEDULE_ARGS, MEMBER | SNAPSHOT),
    Case("scheduled already", "schedule.sh", SCHEDULE_ARGS, HELD | SNAPSHOT | {"data/restore.db": "new"}),
    Case("half scheduled", "schedule.sh", SCHEDULE_ARGS, HELD | SNAPSHOT | {"data/restore.db": "ne"}),
    Case("nothing left", "disarm.sh", ("ROOT/data",), MEMBER),
    Case("restore.db left", "disarm.sh", ("ROOT/data",), MEMBER | {"data/restore.db": "new"}),
    Case("a snapshot that is there", "safety.sh", ("ROOT/programs/kublr",), {f"{FOLDER}/safety.db": "x"}),
    Case("nobody's", "claimed.sh", ("ROOT/state", RUN)),
    Case("ours", "claimed.sh", ("ROOT/state", RUN), OURS),
    Case("another's", "claimed.sh", ("ROOT/state", RUN), THEIRS),
    Case("the file", "same.sh", ("ROOT/data/restore.db", sha256_of("new")), {"data/restore.db": "new"}),
    Case("another file", "same.sh", ("ROOT/data/restore.db", sha256_of("new")), {"data/restore.db": "x"}),
    Case("no file", "same.sh", ("ROOT/data/restore.db", sha256_of("new"))),
    Case("scheduled", "committed.sh", COMMITTED_ARGS, {"data/restore.db": "new"}),
    Case("not scheduled", "committed.sh", COMMITTED_ARGS),
    Case("lifted", "committed.sh", COMMITTED_ARGS, {f"{FOLDER}/steps/start.lift/1-x/started": "1 2 3 4\n"}),
    Case("held", "held.sh", ("ROOT/state", RUN, "ROOT/units", "a", "b"), HELD | DROP_INS),
    Case("another's hold", "held.sh", ("ROOT/state", RUN, "ROOT/units", "a"), DROP_INS | {"state/hold": "x\n"}),
    Case("a drop-in is gone", "held.sh", ("ROOT/state", RUN, "ROOT/units", "a", "c"), HELD | DROP_INS),
    Case("not kept", "kept.sh", ("ROOT/state", RUN, f"ROOT/{KEPT}")),
    Case("nothing to keep", "kept.sh", ("ROOT/state", RUN, f"ROOT/{KEPT}"), {f"{FOLDER}/kept": "none\n"}),
    Case("kept", "kept.sh", ("ROOT/state", RUN, f"ROOT/{KEPT}"), {f"{FOLDER}/kept": "x\n", f"{KEPT}/snap/db": "x"}),
    Case("kept and gone", "kept.sh", ("ROOT/state", RUN, f"ROOT/{KEPT}"), {f"{FOLDER}/kept": "x\n"}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.script}: {case.name}")
def test_a_program_does_what_the_script_does(case: Case, tmp_path: Path) -> None:
    files = {path: text.replace("ROOT", str(tmp_path)) for path, text in case.files.items()}
    args = tuple(arg.replace("ROOT", str(tmp_path)) for arg in case.args)
    assert simulated(case.script, args, files, tmp_path) == real(case.script, args, files, tmp_path)


def real(script: str, args: tuple[str, ...], files: Files, root: Path) -> tuple[int, Files]:
    host = FakeHost(root, SHELLS["dash"]).prepare()
    host.program("systemctl", "exit 0")
    host.program("kublr", f'cp "$4" "{root}/data/restore.db"')
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    ended = host.act(script, *args) if script in ACTS else host.look(script, *args)
    found = {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}
    ours = {f"{FOLDER}/run", "calls", "programs/systemctl", "programs/kublr"}
    return ended.returncode, comparable({path: text for path, text in found.items() if path not in ours})


def simulated(script: str, args: tuple[str, ...], files: Files, root: Path) -> tuple[int, Files]:
    async def run() -> tuple[int, Files]:
        world = make_world()
        host = world.masters[0]
        host.disk, host.pod = Disk(), None
        for name, text in files.items():
            host.disk.write(f"{root}/{name}", text)
        call = Call(args, f"{root}/state", RUN, "1-a1b2", "a.step")
        code = await (ACTS | LOOKS)[script](world, host, call)
        found = {os.path.relpath(path, root): host.disk.read(path).decode() for path in host.disk.files}
        return code, comparable(found)

    return play(run())


def comparable(files: Files) -> Files:
    """Without what differs from moment to moment: when a host was taken, and the numbers of inodes."""
    return {path: _comparable(path.rpartition("/")[2], text) for path, text in files.items()}


def _comparable(name: str, text: str) -> str:
    match name:
        case "claim" if "taken_at_utc" in text:
            return json.dumps(json.loads(text) | {"taken_at_utc": ""})
        case "kept":
            return "\n".join(sorted(f"{line.split()[-1]} {len(line.split())}" for line in text.splitlines()))
        case "kept.sums":
            return "\n".join(sorted(text.splitlines()))
    return text
