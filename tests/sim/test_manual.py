"""Interrupt and undo the manual strategy at every call, and compare its programs with the real scripts."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.sim.conftest import Some
from tests.sim.faults import CRASHES, Fate, Fault
from tests.sim.host import Vendor
from tests.sim.story import Story, tell
from tests.sim.twins import FOLDER, HELD, MEMBER, Case, Given, placed_in, real, simulated
from tests.sim.undoing import tell_undo
from tests.unit.templates.host import RUN

MANUAL = Vendor(idle=True)
MISHAPS = [
    Fault(Fate.REBOOTS, after_s=0.4),
    Fault(Fate.VANISHES, for_s=90.0),
    Fault(Fate.HANGS, for_s=90.0),
    Fault(Fate.FULL, at=2),
    Fault(Fate.SLEEPS, for_s=90.0),
]


@cache
def undisturbed() -> Story:
    return tell(vendor=MANUAL)


def changing_calls() -> list[int]:
    return [number for number, call in enumerate(undisturbed().calls) if call.verb not in ("look", "read")]


def test_an_undisturbed_restore_is_proven() -> None:
    story = undisturbed()
    assert (story.violations, story.errors) == ([], [""])
    left = {host: [path for path in paths if ".staged" in path] for host, paths in story.left.items()}
    assert not any(left.values()), "what was staged is in its place"


@pytest.mark.parametrize("fate", CRASHES)
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_laptop_that_dies_anywhere(fate: Fate, at: int, some: Some) -> None:
    for number in some(changing_calls(), 2, at):
        story = tell({number: Fault(fate, at=at, after_s=3.0)}, vendor=MANUAL)
        assert (story.violations, story.left) == ([], undisturbed().left), undisturbed().calls[number]


@pytest.mark.parametrize("fault", MISHAPS, ids=lambda fault: str(fault.fate))
def test_restore_survives_any_fault_of_a_host(fault: Fault, some: Some) -> None:
    for number in some(range(len(undisturbed().calls)), 4, MISHAPS.index(fault)):
        story = tell({number: fault}, vendor=MANUAL)
        assert story.violations == [], undisturbed().calls[number]


@pytest.mark.parametrize("fate", CRASHES)
def test_a_restore_that_dies_anywhere_can_be_taken_back(fate: Fate, some: Some) -> None:
    did = Counter[str]()
    for number in some(changing_calls(), 2, CRASHES.index(fate)):
        story = tell_undo("abort", {number: Fault(fate, at=2, after_s=3)}, vendor=MANUAL)
        assert story.violations == [], undisturbed().calls[number]
        did[story.did] += 1
    assert min(did["abort"], did["rollback"]) > 5


@pytest.mark.parametrize("kind", ["abort", "rollback", "finish"])
@pytest.mark.parametrize("fault", [Fault(Fate.DONE), Fault(Fate.DIED, at=2), *MISHAPS[:1]], ids=lambda it: str(it.fate))
def test_an_undo_that_is_interrupted_anywhere(kind: str, fault: Fault, some: Some) -> None:
    died = next(number for number, call in enumerate(undisturbed().calls) if call.what == "commit.place")
    first = {died: Fault(Fate.DONE)} if kind == "abort" else {}
    calls = tell_undo(kind, first, vendor=MANUAL).calls  # type: ignore[arg-type]
    changing = [number for number, call in enumerate(calls) if call.verb not in ("look", "read")]
    for number in some(changing, 3, 1):
        story = tell_undo(kind, first, {number: fault}, vendor=MANUAL)  # type: ignore[arg-type]
        assert (story.did, story.violations) == (kind, []), calls[number]


# --- the programs -----------------------------------------------------------------------------------------

STAGED, KEPT = f"data/.kr-{RUN}.staged", f"data.kr-{RUN}"
ASIDE: Given = {"member": "ROOT/data/member", "kept": f"ROOT/{KEPT}"}
PLACE: Given = {"staged": f"ROOT/{STAGED}", "member": "ROOT/data/member"}
UNPLACE: Given = ASIDE | {"undone": RUN, "staged": f"ROOT/{STAGED}"}
UNPLACED: Given = ASIDE | {"state": "ROOT/state", "undone": RUN}
PLACED: Given = {
    "state": "ROOT/state",
    "run": RUN,
    "member": "ROOT/data/member",
    "lifts": f"ROOT/{FOLDER}/steps/start.lift",
}
IS_KEPT = {f"{FOLDER}/kept": "a list\n"}
NEW = {f"{STAGED}/member/snap/db": "new", f"{STAGED}/member/wal/0.wal": "new log"}
OLD = {f"{KEPT}/snap/db": "old", f"{KEPT}/wal/0.wal": "old log"}

CASES = [
    Case("old data", "keep/aside.sh", ASIDE, HELD | MEMBER),
    Case("set aside already", "keep/aside.sh", ASIDE, HELD | OLD | IS_KEPT),
    Case("an act that died after its rename", "keep/aside.sh", ASIDE, HELD | OLD | {"data/other": ""}),
    Case("no old data", "keep/aside.sh", ASIDE, HELD | {"data/other": ""}),
    Case("a host that is not held", "keep/aside.sh", ASIDE, MEMBER),
    Case("what was restored", "commit/place.sh", PLACE, HELD | IS_KEPT | NEW),
    Case("in its place already", "commit/place.sh", PLACE, HELD | IS_KEPT | MEMBER),
    Case("something lies there", "commit/place.sh", PLACE, HELD | IS_KEPT | NEW | MEMBER),
    Case("the old data was not set aside", "commit/place.sh", PLACE, HELD | NEW),
    Case("a host that is not held", "commit/place.sh", PLACE, IS_KEPT | NEW),
    Case("nothing was set aside", "commit/unplace.sh", UNPLACE, HELD | MEMBER),
    Case("set aside, nothing placed", "commit/unplace.sh", UNPLACE, HELD | OLD | IS_KEPT | {"data/other": ""}),
    Case("somebody else's in its place", "commit/unplace.sh", UNPLACE, HELD | OLD | IS_KEPT | MEMBER),
    Case("a host that is not held", "commit/unplace.sh", UNPLACE, OLD | IS_KEPT),
    Case("put back already", "commit/unplace.sh", UNPLACE, HELD | MEMBER | IS_KEPT),
    Case("untouched", "commit/is_unplaced.sh", UNPLACED, MEMBER),
    Case("set aside", "commit/is_unplaced.sh", UNPLACED, OLD),
    Case("nothing placed", "commit/is_placed.sh", PLACED, {f"{FOLDER}/staged": "x\n"}),
    Case("another's placed", "commit/is_placed.sh", PLACED, {f"{FOLDER}/staged": "x\n"} | MEMBER),
    Case(
        "lifted",
        "commit/is_placed.sh",
        PLACED,
        {f"{FOLDER}/steps/start.lift/1-x/started": "1 2 3 4\n"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.script}: {case.name}")
def test_simulated_act_has_effect_of_its_script(case: Case, tmp_path: Path) -> None:
    files = {path: text.replace("ROOT", str(tmp_path)) for path, text in case.files.items()}
    values = placed_in(case.values, tmp_path)
    assert simulated(case.script, values, files, tmp_path) == real(case.script, values, files, tmp_path)
