"""The simulator's programs do what the real scripts do: the same files before, the same exit status and files after.

What needs a running systemd, a network or an etcd (`inactive`, `stopped`, `proof`, `ready`, `lease`, `restarted`,
`running`, `agree`) is compared by the tests of those scripts, not here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sim.twins import (
    BLOCK,
    DROP_INS,
    FOLDER,
    HELD,
    HOSTS,
    KEPT,
    MEMBER,
    OURS,
    PLAN,
    THEIRS,
    Case,
    real,
    sha256_of,
    simulated,
)
from tests.unit.templates.host import RUN

DISARM_ARGS = ("ROOT/data", "https://127.0.0.1:1", "127.0.0.1", "/absent/ca", "/absent/cert", "/absent/key")
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
    Case("nothing left", "disarm.sh", DISARM_ARGS, MEMBER),
    Case("restore.db left, and no member serves", "disarm.sh", DISARM_ARGS, MEMBER | {"data/restore.db": "new"}),
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
