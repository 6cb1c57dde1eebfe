"""The manual strategy on Kublr's masters: etcd's own tool instead of the agent's restore."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab import truth
from tests.lab.hosts import DATA, MASTERS
from tests.lab.lab import Lab
from tests.lab.laptop import Laptop
from tests.lab.scene import Scene
from tests.lab.truth import Backup
from tests.snapshots import ETCDUTL, PREFIX

pytestmark = pytest.mark.paths

MANUAL = ("--strategy", "manual")


def test_interrupted_and_resumed_it_gives_what_the_aided_one_gives(scene: Scene) -> None:
    """One file gives the same keys, values and HashKV, but another cluster id."""
    lab = scene.lab
    scene.moves_on()
    lab.damage(MASTERS[1].name)  # no etcd runs there: the tool is from the image
    shown = json.loads(scene.laptop.run("plan", *scene.restore[1:-2], *MANUAL, "--json").out)["plan"]
    titles = {step["id"]: step["title"] for phase in shown["phases"] for step in phase["steps"]}
    assert "from etcd's container" in titles[f"stage.tool/{MASTERS[0].name}"]
    scene.dies_at("commit.place acting", *scene.restore, *MANUAL)
    for master in MASTERS:
        scene.is_down(master.name)
    resumed = scene.resumes("--json")
    assert resumed.code == 0, resumed
    proof = json.loads(resumed.out)["proof"]
    assert proof["cluster_id"] != scene.old_id
    assert proof["cluster_id"] == json.loads(resumed.out)["expected"]["cluster_id"]
    manual = truth.holds(lab, f"{PREFIX}configmaps/")
    scene.ends_restored()

    aided = scene.laptop.run(*scene.restore)
    assert aided.code == 0, aided
    assert truth.holds(lab, f"{PREFIX}configmaps/") == manual
    assert {answer.hash for answer in truth.hashes(lab, scene.backup.revision)} == {scene.backup.hash}


def test_aborted_before_the_start_and_rolled_back_after_it(scene: Scene) -> None:
    """A laptop dies in the restore, in the abort and in the rollback, and another continues."""
    scene.moves_on()
    scene.dies_at("commit.place done", *scene.restore, *MANUAL)
    truth.fall_silent(scene.lab)
    scene.dies_at("commit.unplace acting", "abort", "-i", scene.inventory, "--confirm", "lab")
    aborted = scene.resumes(max(truth.runs(scene.lab)))
    assert aborted.code == 0, aborted
    scene.ends_as_before()

    restored = scene.laptop.run(*scene.restore, *MANUAL, "--etcdutl", ETCDUTL)
    assert restored.code == 0, restored
    scene.dies_at("commit.swap acting", "rollback", "-i", scene.inventory, "--confirm", "lab")
    rolled = scene.resumes(max(truth.runs(scene.lab)))
    assert rolled.code == 0, rolled
    scene.ends_as_before()


def test_the_live_etcd_is_not_starved(fresh: Lab, laptop: Laptop, other_laptop: Laptop, backup: Backup) -> None:
    """While the new data is restored next to the live etcd, no leader is lost, although the laptop dies.

    Once another laptop has continued, nothing is left in the volume.
    """
    plan = Path(laptop.home.parent / "restore.plan")
    arguments = ("-i", fresh.inventory, "--snapshot", backup.path, "--override", "quorum-healthy")
    made = laptop.run("plan", *arguments, *MANUAL, "-o", plan)
    assert made.code == 0, made
    terms = {term(fresh, master.name) for master in MASTERS}
    with laptop.start("apply", plan, "--confirm", "lab") as process:
        process.until("stage.restore done")
        assert {term(fresh, master.name) for master in MASTERS} == terms, "no election meanwhile"
        process.kill()
    assert {term(fresh, master.name) for master in MASTERS} == terms, "nor afterwards"
    truth.fall_silent(fresh)
    resumed = other_laptop.run("resume", "-i", fresh.inventory)
    assert resumed.code == 0, resumed
    assert {answer.hash for answer in truth.hashes(fresh, backup.revision)} == {backup.hash}
    for master in MASTERS:
        assert not fresh.succeeds(master.name, ["sh", "-c", f"ls -d {DATA}/.kr-*"]), "nothing is left in the volume"


def term(lab: Lab, host: str) -> int:
    return int(lab.etcdctl("get", "any", host=host)["header"]["raft_term"])
