"""Compare the simulator's programs with the real scripts: from the same files, the same exit status and files.

Programs that need a running systemd, a network or an etcd (`inactive`, `stopped`, `proof`, `ready`, `lease`,
`restarted`, `running`, `agree`) are compared by the tests of those scripts, not here.
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
    Given,
    placed_in,
    real,
    sha256_of,
    simulated,
)
from tests.unit.templates.host import ABSENT, RUN, peer_values

DISARM: Given = {"data": "ROOT/data", **peer_values("https://127.0.0.1:1", ABSENT)}
KEEP: Given = {"member": "ROOT/data/member", "kept": f"ROOT/{KEPT}"}
SCHEDULE: Given = {
    "agent": "ROOT/programs/kublr",
    "snapshot": f"ROOT/{FOLDER}/snapshot.db",
    "member": "ROOT/data/member",
    "data": "ROOT/data",
    "sha256": sha256_of("new"),
}
SNAPSHOT = {f"{FOLDER}/snapshot.db": "new"}
COMMITTED: Given = {
    "path": "ROOT/data/restore.db",
    "sha256": sha256_of("new"),
    "lifts": f"ROOT/{FOLDER}/steps/start.lift",
}

SET_ASIDE: Given = {"state": "ROOT/state", "run": RUN, "kept": f"ROOT/{KEPT}"}
IS_OURS: Given = {"state": "ROOT/state", "run": RUN}
IS_HELD: Given = IS_OURS | {"folder": "ROOT/units", "units": ("a", "b")}

CASES = [
    Case("a free host", "claim/take.sh", {"laptop": "ana@laptop"}, PLAN),
    Case("a host that is ours", "claim/take.sh", {"laptop": "ana@laptop"}, PLAN | OURS),
    Case("another's host", "claim/take.sh", {"laptop": "ana@laptop"}, PLAN | THEIRS),
    Case(
        "a claim that died before its link",
        "claim/take.sh",
        {"laptop": "ana@laptop"},
        PLAN | {f"{FOLDER}/claim": "{}\n"},
    ),
    Case("a host that is ours", "release/claim.sh", {}, OURS | {"state/alive": "", f"{FOLDER}/claim": "x"}),
    Case("another's host", "release/claim.sh", {}, THEIRS | {"state/alive": "", f"{FOLDER}/claim": "x"}),
    Case("a release that died", "release/claim.sh", {}, {"state/alive": "", f"{FOLDER}/claim": "x"}),
    Case("names that are missing", "resolve/hosts.sh", {"hosts": "ROOT/etc/hosts", "lines": "10.0.0.1\tetcd0"}, HOSTS),
    Case(
        "put again",
        "resolve/hosts.sh",
        {"hosts": "ROOT/etc/hosts", "lines": "10.0.0.2\tetcd0"},
        {"etc/hosts": f"a\n{BLOCK}b\n"},
    ),
    Case("remove", "release/hosts.sh", {"hosts": "ROOT/etc/hosts"}, {"etc/hosts": f"a\n{BLOCK}b\n"}),
    Case(
        "remove, with no newline at the end before",
        "release/hosts.sh",
        {"hosts": "ROOT/etc/hosts"},
        {"etc/hosts": f"a\n{BLOCK}", f"{FOLDER}/hosts.before": "a"},
    ),
    Case(
        "set",
        "stop/hold.sh",
        {
            "folder": "ROOT/units",
            "units": (
                "a",
                "b",
            ),
        },
    ),
    Case(
        "set over another's",
        "stop/hold.sh",
        {
            "folder": "ROOT/units",
            "units": (
                "a",
                "b",
            ),
        },
        {"state/hold": "other\n"},
    ),
    Case("lift", "start/lift.sh", {}, HELD | DROP_INS),
    Case("lift what is another's", "start/lift.sh", {}, {"state/hold": "other\n"}),
    Case("lift what is lifted", "start/lift.sh", {}, DROP_INS),
    Case(
        "clear",
        "release/hold.sh",
        {
            "folder": "ROOT/units",
            "units": (
                "a",
                "b",
            ),
        },
        DROP_INS | {"units/a.d/10-own.conf": "x"},
    ),
    Case("old data", "keep/copy.sh", KEEP, HELD | MEMBER),
    Case("a host that is not held", "keep/copy.sh", KEEP, MEMBER),
    Case("no old data", "keep/copy.sh", KEEP, HELD | {"data/other": ""}),
    Case("kept already", "keep/copy.sh", KEEP, HELD | MEMBER | {f"{FOLDER}/kept": "a list\n"}),
    Case(
        "a copy that died",
        "keep/copy.sh",
        KEEP,
        HELD | {"data/other": "", f"{KEPT}/snap/db": "db", f"{KEPT}.part/snap/db": "half"},
    ),
    Case(
        "a copy without its list",
        "keep/copy.sh",
        KEEP,
        HELD | MEMBER | {f"{KEPT}/snap/db": "database", f"{FOLDER}/kept.sums": "sums"},
    ),
    Case("schedule", "commit/schedule.sh", SCHEDULE, HELD | MEMBER | SNAPSHOT),
    Case("a host that is not held", "commit/schedule.sh", SCHEDULE, MEMBER | SNAPSHOT),
    Case("scheduled already", "commit/schedule.sh", SCHEDULE, HELD | SNAPSHOT | {"data/restore.db": "new"}),
    Case("half scheduled", "commit/schedule.sh", SCHEDULE, HELD | SNAPSHOT | {"data/restore.db": "ne"}),
    Case("nothing left", "start/disarm.sh", DISARM, MEMBER),
    Case("restore.db left, and no member serves", "start/disarm.sh", DISARM, MEMBER | {"data/restore.db": "new"}),
    Case(
        "a snapshot that is there", "safeguard/take.sh", {"agent": "ROOT/programs/kublr"}, {f"{FOLDER}/safety.db": "x"}
    ),
    Case("nobody's", "claim/is_ours.sh", IS_OURS),
    Case("ours", "claim/is_ours.sh", IS_OURS, OURS),
    Case("another's", "claim/is_ours.sh", IS_OURS, THEIRS),
    Case(
        "the file",
        "stage/is_received.sh",
        {"path": "ROOT/data/restore.db", "sha256": sha256_of("new")},
        {"data/restore.db": "new"},
    ),
    Case(
        "another file",
        "stage/is_received.sh",
        {"path": "ROOT/data/restore.db", "sha256": sha256_of("new")},
        {"data/restore.db": "x"},
    ),
    Case("no file", "stage/is_received.sh", {"path": "ROOT/data/restore.db", "sha256": sha256_of("new")}),
    Case("scheduled", "commit/is_scheduled.sh", COMMITTED, {"data/restore.db": "new"}),
    Case("not scheduled", "commit/is_scheduled.sh", COMMITTED),
    Case("lifted", "commit/is_scheduled.sh", COMMITTED, {f"{FOLDER}/steps/start.lift/1-x/started": "1 2 3 4\n"}),
    Case(
        "held",
        "stop/is_held.sh",
        {
            "state": "ROOT/state",
            "run": RUN,
            "folder": "ROOT/units",
            "units": (
                "a",
                "b",
            ),
        },
        HELD | DROP_INS,
    ),
    Case(
        "another's hold",
        "stop/is_held.sh",
        IS_HELD | {"units": ("a",)},
        DROP_INS | {"state/hold": "x\n"},
    ),
    Case(
        "a drop-in is gone",
        "stop/is_held.sh",
        {
            "state": "ROOT/state",
            "run": RUN,
            "folder": "ROOT/units",
            "units": (
                "a",
                "c",
            ),
        },
        HELD | DROP_INS,
    ),
    Case("not kept", "keep/is_set_aside.sh", SET_ASIDE),
    Case(
        "nothing to keep",
        "keep/is_set_aside.sh",
        SET_ASIDE,
        {f"{FOLDER}/kept": "none\n"},
    ),
    Case(
        "kept",
        "keep/is_set_aside.sh",
        SET_ASIDE,
        {f"{FOLDER}/kept": "x\n", f"{KEPT}/snap/db": "x"},
    ),
    Case(
        "kept and gone",
        "keep/is_set_aside.sh",
        SET_ASIDE,
        {f"{FOLDER}/kept": "x\n"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.script}: {case.name}")
def test_simulated_act_has_effect_of_its_script(case: Case, tmp_path: Path) -> None:
    files = {path: text.replace("ROOT", str(tmp_path)) for path, text in case.files.items()}
    values = placed_in(case.values, tmp_path)
    assert simulated(case.script, values, files, tmp_path) == real(case.script, values, files, tmp_path)
