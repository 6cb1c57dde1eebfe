"""Undo of runs in the lab: before the point of no return, after the workers, and of a run that never began."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import truth
from tests.lab.hosts import DATA, HOSTS, MASTERS
from tests.lab.lab import Lab
from tests.lab.laptop import Ended, Laptop
from tests.lab.truth import STATE, Backup
from tests.snapshots import PREFIX

pytestmark = pytest.mark.faults

LATER = f"{PREFIX}configmaps/namespace-later/"
SINCE = f"{PREFIX}configmaps/namespace-since/"
LEFT = f"find /mnt/master-pd {STATE} -mindepth 1 ! -path '{DATA}/member*' ! -path '*/steps*'"


@pytest.fixture
def moved_on(fresh: Lab, backup: Backup) -> Iterator[Lab]:
    """A cluster with writes after the backup: an undo must restore them."""
    for number in range(20):
        fresh.put(f"{LATER}object-{number}", "written after the backup")
    yield fresh


def restore(lab: Lab, backup: Backup) -> tuple[str | Path, ...]:
    arguments = ("--snapshot", backup.path, "--override", "quorum-healthy", "--confirm", "lab")
    return ("restore", "-i", lab.inventory, *arguments)


def dies_at(laptop: Laptop, words: str, *arguments: str | Path) -> None:
    with laptop.start(*arguments) as process:
        process.until(words)
        process.kill()


def cluster_id(lab: Lab) -> str:
    return lab.hashkv(MASTERS[0].name).cluster_id


def keys(lab: Lab) -> dict[str, str]:
    return truth.holds(lab, f"{PREFIX}configmaps/")


def lies_there(lab: Lab) -> dict[str, set[str]]:
    """Return what runs have left on each master, except the evidence of their steps."""
    return {master.name: set(lab.exec(master.name, ["sh", "-c", LEFT]).splitlines()) for master in MASTERS}


def document(ended: Ended) -> dict[str, Any]:
    assert ended.code == 0, ended
    answer: dict[str, Any] = json.loads(ended.out)
    return answer


def test_abort_after_commit(moved_on: Lab, laptop: Laptop, other_laptop: Laptop, backup: Backup) -> None:
    lab = moved_on
    before, old_id = keys(lab), cluster_id(lab)
    names = truth.hosts_files(lab)
    dies_at(laptop, "commit.schedule done", *restore(lab, backup))
    (run,) = truth.runs(lab)
    too_early = other_laptop.run("abort", "-i", lab.inventory, "--confirm", "lab")
    assert too_early.code == 11, too_early
    truth.fall_silent(lab)
    rolled = other_laptop.run("rollback", "-i", lab.inventory, "--confirm", "lab")
    assert (rolled.code, rolled.next_step) == (3, f"orchestrator abort -i {lab.inventory} {run}")
    shown = document(other_laptop.run("abort", "-i", lab.inventory, "--dry-run", "--json"))
    assert shown["plan"]["undoes"] == run
    assert truth.runs(lab) == [run], "a plan that is only shown leaves nothing on a host"

    aborted = document(other_laptop.run("abort", "-i", lab.inventory, run, "--confirm", "lab", "--json"))

    assert aborted["proof"]["cluster_id"] == old_id == cluster_id(lab)
    assert keys(lab) == before
    assert len(truth.hashes(lab)) == 1
    assert truth.leftovers(lab) == []
    assert truth.hosts_files(lab) == names
    for host, paths in lies_there(lab).items():
        assert not [path for path in paths if path.endswith(("/snapshot.db", f".kr-{run}/member"))], host
        assert f"{DATA}.kr-{run}" not in paths, "the copy of data that never moved"
        assert f"{DATA}/restore.db.kr-{run}" in paths, "it is renamed, not removed"
    assert any(f"{STATE}/{run}/safety.db" in paths for paths in lies_there(lab).values())
    gone = laptop.run("resume", "-i", lab.inventory, run)
    assert gone.code == 11, gone
    assert "was undone by" in gone.error


def test_rollback_after_workers_then_finish(
    moved_on: Lab, laptop: Laptop, other_laptop: Laptop, backup: Backup
) -> None:
    lab = moved_on
    before, old_id = keys(lab), cluster_id(lab)
    restored = laptop.run(*restore(lab, backup))
    assert restored.code == 0, restored
    (run,) = truth.runs(lab)
    assert lab.range(LATER) == {}
    lab.put(f"{SINCE}object", "written since the restore")
    boots = truth.boots(lab)

    dies_at(laptop, "commit.swap acting", "rollback", "-i", lab.inventory, "--confirm", "lab")
    for master in MASTERS:
        assert truth.active(lab, master.name) == ["inactive"] * 3, f"{master.name} is held down"
    back = max(truth.runs(lab))
    truth.fall_silent(lab)
    rolled = document(other_laptop.run("resume", "-i", lab.inventory, back, "--json"))

    assert rolled["proof"]["cluster_id"] == old_id == cluster_id(lab)
    assert keys(lab) == before
    assert lab.range(SINCE) == {}
    assert len(truth.hashes(lab)) == 1
    assert truth.leftovers(lab) == []
    rebooted = {host for host, boot in truth.boots(lab).items() if boot != boots[host]}
    assert rebooted == {host.name for host in HOSTS if not host.member}
    again = laptop.run("rollback", "-i", lab.inventory, run, "--confirm", "lab")
    assert (again.code, back in again.next_step) == (3, True), again

    finish_removes_what_it_shows(lab, laptop, before)


def finish_removes_what_it_shows(lab: Lab, laptop: Laptop, before: dict[str, str]) -> None:
    for master in MASTERS:
        lab.exec(master.name, ["sh", "-c", f"echo mine >{DATA}.kr-mine"])
    shown = document(laptop.run("finish", "-i", lab.inventory, "--dry-run", "--json"))
    named: dict[str, set[str]] = {master.name: set() for master in MASTERS}
    for step in shown["plan"]["phases"][-1]["steps"]:
        if "release.remove" in step["id"]:
            named[step["host"]].add(step["title"].split()[1])
    there = lies_there(lab)

    finished = laptop.run("finish", "-i", lab.inventory, "--confirm", "lab")

    assert finished.code == 0, finished
    now = lies_there(lab)
    for host in named:
        gone = there[host] - now[host]
        assert named[host], host
        assert named[host] <= gone
        assert all(any(path == name or path.startswith(f"{name}/") for name in named[host]) for path in gone), host
        assert f"{DATA}.kr-mine" in now[host]
    assert any(path.endswith("/safety.db") for paths in now.values() for path in paths)
    assert keys(lab) == before


def test_unlock_of_a_run_that_has_stopped_nothing(
    moved_on: Lab, laptop: Laptop, other_laptop: Laptop, backup: Backup
) -> None:
    lab = moved_on
    dies_at(laptop, "master-2 stage.push done", *restore(lab, backup))
    assert any(path.endswith("/snapshot.db") for paths in lies_there(lab).values() for path in paths)
    too_early = other_laptop.run("unlock", "-i", lab.inventory, "--confirm", "lab")
    assert too_early.code == 11, too_early
    truth.fall_silent(lab)
    held = other_laptop.run("plan", "-i", lab.inventory, "--snapshot", backup.path, "--override", "quorum-healthy")
    assert held.code == 11, held

    unlocked = other_laptop.run("unlock", "-i", lab.inventory, "--confirm", "lab")

    assert unlocked.code == 0, unlocked
    assert truth.leftovers(lab) == []
    assert not any("/snapshot.db" in path for paths in lies_there(lab).values() for path in paths)
    free = other_laptop.run("plan", "-i", lab.inventory, "--snapshot", backup.path, "--override", "quorum-healthy")
    assert free.code == 0, free
