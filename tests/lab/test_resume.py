"""The laptop dies in the middle, again and again; another one that has only the inventory continues."""

from __future__ import annotations

import json
from pathlib import Path

from tests.lab import truth
from tests.lab.hosts import MASTERS
from tests.lab.lab import Lab
from tests.lab.laptop import Ended, Laptop
from tests.lab.truth import Backup
from tests.snapshots import key_of

LATER = "/registry/configmaps/default/later"


def test_interrupted_and_resumed_elsewhere(fresh: Lab, laptop: Laptop, other_laptop: Laptop, backup: Backup) -> None:
    fresh.put(LATER, "written after the backup")
    here, there = (Path(f"{it.home}.db") for it in (laptop, other_laptop))
    here.write_bytes(backup.path.read_bytes())
    arguments = ("--snapshot", here, "--override", "quorum-healthy", "--confirm", "lab")
    dies_at(laptop, "stage.push acting", "restore", "-i", fresh.inventory, *arguments)
    here.rename(there)  # the first laptop and its files are gone
    (run,) = truth.runs(fresh)

    the_hosts_know(other_laptop, fresh, run)
    too_early = other_laptop.run("resume", "-i", fresh.inventory)
    assert too_early.code == 11, too_early
    assert run in too_early.error

    truth.fall_silent(fresh)
    without_snapshot = other_laptop.run("resume", "-i", fresh.inventory)
    assert without_snapshot.code == 64, without_snapshot
    assert "--snapshot" in without_snapshot.error

    truth.fall_silent(fresh)
    dies_at(other_laptop, "keep.copy acting", "resume", "-i", fresh.inventory, "--snapshot", there)
    for master in MASTERS:
        assert truth.active(fresh, master.name) == ["inactive"] * 3, f"{master.name} is held down"
    truth.fall_silent(fresh)
    dies_at(laptop, "commit.schedule acting", "resume", "-i", fresh.inventory)
    truth.fall_silent(fresh)
    dies_at(other_laptop, "start.services acting", "resume", "-i", fresh.inventory)
    truth.fall_silent(fresh)
    resumed = laptop.run("resume", "-i", fresh.inventory, "--json")

    the_restore_is_whole(fresh, backup, resumed)
    assert truth.runs(fresh) == [run]
    assert truth.secrets_seen(fresh, (laptop.home, other_laptop.home)) == []
    (laptop.home / "note").write_text((fresh.folder / "sudo-password").read_text())
    assert len(truth.secrets_seen(fresh, (laptop.home,))) == 1, "a secret would have been found"


def dies_at(laptop: Laptop, words: str, *arguments: str | Path) -> None:
    with laptop.start(*arguments) as process:
        process.until(words)
        process.kill()


def the_hosts_know(laptop: Laptop, lab: Lab, run: str) -> None:
    status = laptop.run("status", "-i", lab.inventory, "--json")
    assert status.code == 0, status
    told = json.loads(status.out)
    assert told["run"] == run
    assert set(told["holders"]) == {master.name for master in MASTERS}


def the_restore_is_whole(lab: Lab, backup: Backup, resumed: Ended) -> None:
    assert resumed.code == 0, resumed
    result = json.loads(resumed.out)
    assert result["proof"]["hash_kv"] == str(backup.hash)
    assert {answer.hash for answer in truth.hashes(lab, backup.revision)} == {backup.hash}
    assert len(truth.hashes(lab)) == 1
    assert lab.range(LATER) == {}
    assert key_of(0) in lab.range(key_of(0))
    assert truth.leftovers(lab) == []
