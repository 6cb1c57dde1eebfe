"""As `test_programs`: what takes a run back, or finishes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.core.hosts.facts import parse_facts
from tests.sim.twins import (
    BLOCK,
    FOLDER,
    HELD,
    KEPT,
    MEMBER,
    PLAN,
    THEIRS,
    Case,
    real,
    run,
    sha256_of,
    simulate,
    simulated,
)
from tests.unit.templates.host import OTHER_RUN, RUN

UNDONE = OTHER_RUN
ITS_FOLDER, ITS_KEPT = f"state/{UNDONE}", f"data.kr-{UNDONE}"
ITS_HOLD = {"state/hold": f"{UNDONE}\n"}
OLD = {f"{ITS_KEPT}/snap/db": "old database", f"{ITS_KEPT}/wal/0.wal": "old log"}
OLD_SUMS = {f"{ITS_FOLDER}/kept.sums": f"{sha256_of('old log')}  ./wal/0.wal\n{sha256_of('old database')}  ./snap/db\n"}
IS_KEPT = {f"{ITS_FOLDER}/kept": "a list\n"}
ARMED = {"data/restore.db": "new"}
SCHEDULED = {f"{ITS_FOLDER}/steps/commit.schedule/1-x/started": "1 2 3 4\n"}
ASIDE = {f"data/restore.db.kr-{UNDONE}": "earlier"}
UNSCHEDULE_ARGS = ("ROOT/data", UNDONE)
PUTBACK_ARGS = ("ROOT/data/member", f"ROOT/{ITS_KEPT}", UNDONE)
SWAP_ARGS = ("ROOT/data", "ROOT/data/member", f"ROOT/{ITS_KEPT}", f"ROOT/{KEPT}", UNDONE)
STAGED = {
    f"{ITS_FOLDER}/snapshot.db": "new",
    f"{ITS_FOLDER}/snapshot.db.part.2-x.1": "n",
    f"{ITS_FOLDER}/safety.db": "s",
}
RETURNED_ARGS = ("ROOT/state", RUN, "ROOT/data", "ROOT/data/member")
IS_BACK = {f"{FOLDER}/returned": "a list\n"}
UNCHANGED_ARGS = ("ROOT/state", UNDONE, f"ROOT/{ITS_KEPT}")
UNTOUCHED_ARGS = ("ROOT/data", f"ROOT/{ITS_KEPT}")
ITS_CLAIM = PLAN | THEIRS | {f"{ITS_FOLDER}/attempt": "3-x\n"}

CASES = [
    Case("the run's that is taken back", "claim.sh", ("ana@laptop", UNDONE), ITS_CLAIM),
    Case("a run's that is taken back, and free", "claim.sh", ("ana@laptop", UNDONE), PLAN),
    Case("lift the other run's", "hold.sh", ("lift", "ROOT/units", UNDONE), ITS_HOLD),
    Case(
        "remove the other run's lines",
        "hosts.sh",
        ("remove", "ROOT/etc/hosts", UNDONE),
        {"etc/hosts": f"a\n{BLOCK.replace(RUN, UNDONE)}", f"{ITS_FOLDER}/hosts.before": "a\n"},
    ),
    Case("nothing scheduled", "unschedule.sh", UNSCHEDULE_ARGS, MEMBER | SCHEDULED),
    Case("scheduled", "unschedule.sh", UNSCHEDULE_ARGS, MEMBER | SCHEDULED | ARMED),
    Case("scheduled again", "unschedule.sh", UNSCHEDULE_ARGS, SCHEDULED | ARMED | ASIDE),
    Case("scheduled by another", "unschedule.sh", UNSCHEDULE_ARGS, MEMBER | ARMED),
    Case("set aside", "putback.sh", PUTBACK_ARGS, ITS_HOLD | MEMBER | OLD),
    Case(
        "set aside, held by the undo",
        "putback.sh",
        PUTBACK_ARGS,
        HELD | MEMBER | OLD | {f"{ITS_KEPT}.part/snap/db": "o"},
    ),
    Case("set aside, no copy yet", "putback.sh", PUTBACK_ARGS, ITS_HOLD | {"data/other": ""} | OLD),
    Case("a host that is not held", "putback.sh", PUTBACK_ARGS, MEMBER | OLD),
    Case("a copy twice", "putback.sh", PUTBACK_ARGS, ITS_HOLD | MEMBER | OLD | {f"{ITS_KEPT}.copy/snap/db": "x"}),
    Case("back already", "putback.sh", PUTBACK_ARGS, ITS_HOLD | MEMBER | {f"{ITS_KEPT}.copy/snap/db": "x"}),
    Case("restored", "swap.sh", SWAP_ARGS, HELD | MEMBER | OLD | IS_KEPT),
    Case("restored, restore.db left", "swap.sh", SWAP_ARGS, HELD | MEMBER | OLD | IS_KEPT | ARMED | ASIDE),
    Case(
        "a swap that died after one rename",
        "swap.sh",
        SWAP_ARGS,
        HELD | OLD | IS_KEPT | {f"{KEPT}/snap/db": "x", "data/other": ""},
    ),
    Case("a swap that died after both", "swap.sh", SWAP_ARGS, HELD | MEMBER | IS_KEPT | {f"{KEPT}/snap/db": "x"}),
    Case("no old data", "swap.sh", SWAP_ARGS, HELD | MEMBER | {f"{ITS_FOLDER}/kept": "none\n"}),
    Case("a member twice", "swap.sh", SWAP_ARGS, HELD | MEMBER | OLD | IS_KEPT | {f"{KEPT}/snap/db": "x"}),
    Case("back already", "swap.sh", SWAP_ARGS, HELD | MEMBER | IS_KEPT | IS_BACK),
    Case("held by the run that is taken back", "swap.sh", SWAP_ARGS, ITS_HOLD | MEMBER | OLD | IS_KEPT),
    Case("old data", "unkeep.sh", PUTBACK_ARGS, MEMBER | OLD | OLD_SUMS),
    Case("old data that has changed", "unkeep.sh", PUTBACK_ARGS, MEMBER | OLD | OLD_SUMS | {f"{ITS_KEPT}/new": "x"}),
    Case("all that is left", "unkeep.sh", PUTBACK_ARGS, {"data/other": ""} | OLD | OLD_SUMS),
    Case("half removed", "unkeep.sh", PUTBACK_ARGS, MEMBER | {f"{ITS_KEPT}.part/snap/db": "old"}),
    Case("named after another run", "unkeep.sh", ("ROOT/data/member", f"ROOT/{KEPT}", UNDONE), MEMBER | OLD | OLD_SUMS),
    Case(
        "its copies", "remove.sh", (UNDONE, *(f"ROOT/{path}" for path in (*list(STAGED)[:2], ITS_KEPT))), STAGED | OLD
    ),
    Case("not its copy", "remove.sh", (UNDONE, f"ROOT/{ITS_FOLDER}/safety.db"), STAGED),
    Case("nothing started", "unstarted.sh", ("ROOT/state", UNDONE), SCHEDULED),
    Case(
        "started", "unstarted.sh", ("ROOT/state", UNDONE), {f"{ITS_FOLDER}/steps/start.lift/1-x/started": "1 2 3 4\n"}
    ),
    Case("untouched", "untouched.sh", UNTOUCHED_ARGS, MEMBER),
    Case("set aside", "untouched.sh", UNTOUCHED_ARGS, MEMBER | OLD),
    Case("scheduled", "untouched.sh", UNTOUCHED_ARGS, MEMBER | ARMED),
    Case("unchanged", "unchanged.sh", UNCHANGED_ARGS, OLD | OLD_SUMS),
    Case("changed", "unchanged.sh", UNCHANGED_ARGS, OLD | OLD_SUMS | {f"{ITS_KEPT}/snap/db": "x"}),
    Case("gone", "unchanged.sh", UNCHANGED_ARGS, OLD_SUMS),
    Case("its list is gone", "unchanged.sh", UNCHANGED_ARGS, OLD),
    Case("back", "returned.sh", RETURNED_ARGS, MEMBER | IS_BACK),
    Case("not back", "returned.sh", RETURNED_ARGS, MEMBER),
    Case("back, and scheduled", "returned.sh", RETURNED_ARGS, MEMBER | IS_BACK | ARMED),
    Case("back, and gone", "returned.sh", RETURNED_ARGS, {"data/other": ""} | IS_BACK),
    Case("none had, none is", "returned.sh", RETURNED_ARGS, {f"{FOLDER}/returned": "none\n"}),
    Case("none had, one is", "returned.sh", RETURNED_ARGS, MEMBER | {f"{FOLDER}/returned": "none\n"}),
]

WHAT_RUNS_LEAVE = {
    "nothing": MEMBER,
    "all": MEMBER | OLD | IS_KEPT | STAGED | ASIDE | {f"{ITS_FOLDER}/claim.released": "x"},
    "a copy that died": MEMBER | {f"{ITS_KEPT}.part/snap/db": "o"},
    "set aside twice": MEMBER | ASIDE | {f"data/restore.db.kr-{UNDONE}-{RUN}": "x"},
    "no old data": {f"{ITS_FOLDER}/kept": "none\n"},
}


@pytest.mark.parametrize("left", WHAT_RUNS_LEAVE)
def test_a_program_tells_the_same_of_what_a_run_has_left(left: str, tmp_path: Path) -> None:
    args = (f"{tmp_path}/state", UNDONE, f"{tmp_path}/data", f"{tmp_path}/{ITS_KEPT}")
    files = WHAT_RUNS_LEAVE[left]
    facts = parse_facts("".join(f"{line}\n" for line in simulate("made.sh", args, files, tmp_path).said))
    assert told(facts) == told(parse_facts(run("made.sh", args, files, tmp_path).stdout))


def told(facts: dict[str, str]) -> dict[str, list[str]]:
    """Without empty facts, and the sizes of what was made: a simulated one is of no account."""
    lines = {name: sorted(line.rpartition("\t")[2] for line in value.splitlines()) for name, value in facts.items()}
    return {name: found for name, found in lines.items() if found}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.script}: {case.name}")
def test_a_program_does_what_the_script_does(case: Case, tmp_path: Path) -> None:
    files = {path: text.replace("ROOT", str(tmp_path)) for path, text in case.files.items()}
    args = tuple(arg.replace("ROOT", str(tmp_path)) for arg in case.args)
    assert simulated(case.script, args, files, tmp_path) == real(case.script, args, files, tmp_path)
