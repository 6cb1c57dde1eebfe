"""Faults during an undo: the laptop is killed in the middle, and another continues."""

from __future__ import annotations

import pytest

from tests.lab import truth
from tests.lab.fault_table import TAKEN_BACK, record
from tests.lab.hosts import MASTERS
from tests.lab.scene import Scene, case, told

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("step", TAKEN_BACK["abort"])
def test_abort_killed(step: str, scene: Scene) -> None:
    name = f"abort killed in {step}"
    with case(name):
        scene.dies_at("commit.schedule done", *scene.restore)
        truth.fall_silent(scene.lab)
        scene.dies_at(f"{step} acting", "abort", "-i", scene.inventory, "--confirm", "lab")
        resumed = scene.resumes()
        assert resumed.code == 0, resumed
        record(name, f"resumed: {told(resumed)}", scene.ends_as_before())


@pytest.mark.parametrize("step", TAKEN_BACK["rollback"])
def test_rollback_killed(step: str, scene: Scene) -> None:
    name = f"rollback killed in {step}"
    with case(name):
        assert scene.laptop.run(*scene.restore).code == 0
        scene.dies_at(f"{step} acting", "rollback", "-i", scene.inventory, "--confirm", "lab")
        if step == "commit.swap":
            for master in MASTERS:
                assert truth.active(scene.lab, master.name) == ["inactive"] * 3
        resumed = scene.resumes(max(truth.runs(scene.lab)))
        assert resumed.code == 0, resumed
        record(name, f"resumed: {told(resumed)}", scene.ends_as_before())


def test_finish_killed(scene: Scene) -> None:
    name = "finish killed"
    with case(name):
        assert scene.laptop.run(*scene.restore).code == 0
        (run,) = truth.runs(scene.lab)
        scene.dies_at("release.remove.1 acting", "finish", "-i", scene.inventory, run, "--confirm", "lab")
        resumed = scene.resumes(max(truth.runs(scene.lab)))
        assert resumed.code == 0, resumed
        assert truth.remains(scene.lab) == []
        assert truth.leftovers(scene.lab) == []
        shown = {scene.lab.hashkv(master.name, scene.backup.revision) for master in MASTERS}
        assert {answer.hash for answer in shown} == {scene.backup.hash}
        evidence = f"HashKV {scene.backup.hash} at revision {scene.backup.revision} on 3 members; nothing remains"
        record(name, f"resumed: {told(resumed)}", evidence)
