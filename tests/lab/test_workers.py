"""The pause for the volumes, and workers that do not return."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.lab import truth
from tests.lab.hosts import MASTERS, WORKERS
from tests.lab.lab import Lab
from tests.lab.laptop import Laptop
from tests.lab.truth import Backup

POLICIES = {"volumes": "pause", "workers": {"batch": 2, "restart": "services", "ready_timeout_s": 20}}


def test_pause_and_workers(fresh: Lab, laptop: Laptop, backup: Backup, inventory: Callable[..., Path]) -> None:
    mine = inventory(lambda document: document.update(policies=POLICIES))
    sound, broken = (worker.name for worker in WORKERS)
    fresh.switch(broken, "lease", "off")
    before = truth.kubelets(fresh)

    paused = laptop.run(
        "restore", "-i", mine, "--snapshot", backup.path, "--override", "quorum-healthy", "--confirm", "lab"
    )
    assert paused.code == 10, paused
    assert paused.next_step.endswith("--volumes-done")
    for master in MASTERS:
        assert truth.active(fresh, master.name) == ["inactive"] * 3, f"{master.name} is held down"
    (run,) = truth.runs(fresh)

    partly = laptop.run("resume", "-i", mine, "--volumes-done")
    assert partly.code == 10, partly
    assert broken in partly.error
    assert sound not in partly.error
    assert {answer.hash for answer in truth.hashes(fresh, backup.revision)} == {backup.hash}
    stand = json.loads(laptop.run("status", "-i", mine, "--json").out)
    assert set(stand["holders"]) == {master.name for master in MASTERS}, "the run stays open"

    fresh.switch(broken, "lease", "on")
    half = truth.kubelets(fresh)
    rest = laptop.run("restart-workers", "-i", mine)
    assert rest.code == 0, rest
    after = truth.kubelets(fresh)
    assert before[sound] != half[sound] == after[sound], "the sound worker was restarted once"
    assert before[broken] != after[broken]
    assert truth.leftovers(fresh) == []
    assert truth.runs(fresh) == [run]
