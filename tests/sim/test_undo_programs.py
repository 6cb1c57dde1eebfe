"""Compare the programs that undo or finish a run with the real scripts, as `test_programs` does."""

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
    Given,
    placed_in,
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
UNSCHEDULE: Given = {
    "data": "ROOT/data",
    "undone": UNDONE,
    "schedules": f"ROOT/{ITS_FOLDER}/steps/commit.schedule",
}
PUTBACK: Given = {"member": "ROOT/data/member", "kept": f"ROOT/{ITS_KEPT}", "undone": UNDONE}
SWAP: Given = PUTBACK | {"data": "ROOT/data", "aside": f"ROOT/{KEPT}"}
STAGED = {
    f"{ITS_FOLDER}/snapshot.db": "new",
    f"{ITS_FOLDER}/snapshot.db.part.2-x.1": "n",
    f"{ITS_FOLDER}/safety.db": "s",
}
RETURNED: Given = {"state": "ROOT/state", "run": RUN, "data": "ROOT/data", "member": "ROOT/data/member"}
IS_BACK = {f"{FOLDER}/returned": "a list\n"}
UNCHANGED: Given = {"state": "ROOT/state", "run": UNDONE, "kept": f"ROOT/{ITS_KEPT}"}
UNTOUCHED: Given = {"data": "ROOT/data", "kept": f"ROOT/{ITS_KEPT}"}
UNSTARTED: Given = {"run": UNDONE, "starts": f"ROOT/{ITS_FOLDER}/steps/start."}
ITS_CLAIM = PLAN | THEIRS | {f"{ITS_FOLDER}/attempt": "3-x\n"}

CASES = [
    Case("the run's that is taken back", "claim/take.sh", {"laptop": "ana@laptop", "undone": UNDONE}, ITS_CLAIM),
    Case("a run's that is taken back, and free", "claim/take.sh", {"laptop": "ana@laptop", "undone": UNDONE}, PLAN),
    Case("lift the other run's", "start/lift.sh", {"undone": UNDONE}, ITS_HOLD),
    Case(
        "remove the other run's lines",
        "release/hosts.sh",
        {"hosts": "ROOT/etc/hosts", "undone": UNDONE},
        {"etc/hosts": f"a\n{BLOCK.replace(RUN, UNDONE)}", f"{ITS_FOLDER}/hosts.before": "a\n"},
    ),
    Case("nothing scheduled", "commit/unschedule.sh", UNSCHEDULE, MEMBER | SCHEDULED),
    Case("scheduled", "commit/unschedule.sh", UNSCHEDULE, MEMBER | SCHEDULED | ARMED),
    Case("scheduled again", "commit/unschedule.sh", UNSCHEDULE, SCHEDULED | ARMED | ASIDE),
    Case("scheduled by another", "commit/unschedule.sh", UNSCHEDULE, MEMBER | ARMED),
    Case("set aside", "commit/putback.sh", PUTBACK, ITS_HOLD | MEMBER | OLD),
    Case(
        "set aside, held by the undo",
        "commit/putback.sh",
        PUTBACK,
        HELD | MEMBER | OLD | {f"{ITS_KEPT}.part/snap/db": "o"},
    ),
    Case("set aside, no copy yet", "commit/putback.sh", PUTBACK, ITS_HOLD | {"data/other": ""} | OLD),
    Case("a host that is not held", "commit/putback.sh", PUTBACK, MEMBER | OLD),
    Case("a copy twice", "commit/putback.sh", PUTBACK, ITS_HOLD | MEMBER | OLD | {f"{ITS_KEPT}.copy/snap/db": "x"}),
    Case("back already", "commit/putback.sh", PUTBACK, ITS_HOLD | MEMBER | {f"{ITS_KEPT}.copy/snap/db": "x"}),
    Case("restored", "commit/swap.sh", SWAP, HELD | MEMBER | OLD | IS_KEPT),
    Case("restored, restore.db left", "commit/swap.sh", SWAP, HELD | MEMBER | OLD | IS_KEPT | ARMED | ASIDE),
    Case(
        "a swap that died after one rename",
        "commit/swap.sh",
        SWAP,
        HELD | OLD | IS_KEPT | {f"{KEPT}/snap/db": "x", "data/other": ""},
    ),
    Case("a swap that died after both", "commit/swap.sh", SWAP, HELD | MEMBER | IS_KEPT | {f"{KEPT}/snap/db": "x"}),
    Case("no old data", "commit/swap.sh", SWAP, HELD | MEMBER | {f"{ITS_FOLDER}/kept": "none\n"}),
    Case("a member twice", "commit/swap.sh", SWAP, HELD | MEMBER | OLD | IS_KEPT | {f"{KEPT}/snap/db": "x"}),
    Case("back already", "commit/swap.sh", SWAP, HELD | MEMBER | IS_KEPT | IS_BACK),
    Case("held by the run that is taken back", "commit/swap.sh", SWAP, ITS_HOLD | MEMBER | OLD | IS_KEPT),
    Case("old data", "release/unkeep.sh", PUTBACK, MEMBER | OLD | OLD_SUMS),
    Case("old data that has changed", "release/unkeep.sh", PUTBACK, MEMBER | OLD | OLD_SUMS | {f"{ITS_KEPT}/new": "x"}),
    Case("all that is left", "release/unkeep.sh", PUTBACK, {"data/other": ""} | OLD | OLD_SUMS),
    Case("half removed", "release/unkeep.sh", PUTBACK, MEMBER | {f"{ITS_KEPT}.part/snap/db": "old"}),
    Case(
        "named after another run",
        "release/unkeep.sh",
        PUTBACK | {"kept": f"ROOT/{KEPT}"},
        MEMBER | OLD | OLD_SUMS,
    ),
    Case(
        "its copies",
        "release/remove.sh",
        {"undone": UNDONE, "paths": (*(f"ROOT/{path}" for path in (*list(STAGED)[:2], ITS_KEPT)),)},
        STAGED | OLD,
    ),
    Case("not its copy", "release/remove.sh", {"undone": UNDONE, "paths": (f"ROOT/{ITS_FOLDER}/safety.db",)}, STAGED),
    Case("nothing started", "commit/is_unstarted.sh", UNSTARTED, SCHEDULED),
    Case("started", "commit/is_unstarted.sh", UNSTARTED, {f"{ITS_FOLDER}/steps/start.lift/1-x/started": "1 2 3 4\n"}),
    Case("untouched", "commit/is_untouched.sh", UNTOUCHED, MEMBER),
    Case("set aside", "commit/is_untouched.sh", UNTOUCHED, MEMBER | OLD),
    Case("scheduled", "commit/is_untouched.sh", UNTOUCHED, MEMBER | ARMED),
    Case("unchanged", "keep/is_unchanged.sh", UNCHANGED, OLD | OLD_SUMS),
    Case("changed", "keep/is_unchanged.sh", UNCHANGED, OLD | OLD_SUMS | {f"{ITS_KEPT}/snap/db": "x"}),
    Case("gone", "keep/is_unchanged.sh", UNCHANGED, OLD_SUMS),
    Case("its list is gone", "keep/is_unchanged.sh", UNCHANGED, OLD),
    Case("back", "commit/is_returned.sh", RETURNED, MEMBER | IS_BACK),
    Case("not back", "commit/is_returned.sh", RETURNED, MEMBER),
    Case("back, and scheduled", "commit/is_returned.sh", RETURNED, MEMBER | IS_BACK | ARMED),
    Case("back, and gone", "commit/is_returned.sh", RETURNED, {"data/other": ""} | IS_BACK),
    Case("none had, none is", "commit/is_returned.sh", RETURNED, {f"{FOLDER}/returned": "none\n"}),
    Case("none had, one is", "commit/is_returned.sh", RETURNED, MEMBER | {f"{FOLDER}/returned": "none\n"}),
]

WHAT_RUNS_LEAVE = {
    "nothing": MEMBER,
    "all": MEMBER | OLD | IS_KEPT | STAGED | ASIDE | {f"{ITS_FOLDER}/claim.released": "x"},
    "a copy that died": MEMBER | {f"{ITS_KEPT}.part/snap/db": "o"},
    "set aside twice": MEMBER | ASIDE | {f"data/restore.db.kr-{UNDONE}-{RUN}": "x"},
    "no old data": {f"{ITS_FOLDER}/kept": "none\n"},
}


@pytest.mark.parametrize("left", WHAT_RUNS_LEAVE)
def test_simulated_look_reports_leftovers_as_its_script(left: str, tmp_path: Path) -> None:
    values: Given = {
        "state": f"{tmp_path}/state",
        "run": UNDONE,
        "data": f"{tmp_path}/data",
        "kept": f"{tmp_path}/{ITS_KEPT}",
    }
    files = WHAT_RUNS_LEAVE[left]
    facts = parse_facts("".join(f"{line}\n" for line in simulate("observe/leftovers.sh", values, files, tmp_path).said))
    assert told(facts) == told(parse_facts(run("observe/leftovers.sh", values, files, tmp_path).stdout))


def told(facts: dict[str, str]) -> dict[str, list[str]]:
    """Return the facts without empty ones and without sizes: a simulated size means nothing."""
    lines = {name: sorted(line.rpartition("\t")[2] for line in value.splitlines()) for name, value in facts.items()}
    return {name: found for name, found in lines.items() if found}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.script}: {case.name}")
def test_simulated_act_has_effect_of_its_script(case: Case, tmp_path: Path) -> None:
    files = {path: text.replace("ROOT", str(tmp_path)) for path, text in case.files.items()}
    values = placed_in(case.values, tmp_path)
    assert simulated(case.script, values, files, tmp_path) == real(case.script, values, files, tmp_path)
