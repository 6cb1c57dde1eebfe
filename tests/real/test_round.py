"""The round of a restore on real Kubernetes: a backup, changes, a restore, and everything as in the backup."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.lab.commands import LabError
from tests.lab.laptop import Ended, Laptop
from tests.real.cluster import Real
from tests.real.conftest import prepared
from tests.real.hosts import MASTERS
from tests.real.onlookers import Informer, differences, informers, probe
from tests.real.outage import Summary
from tests.real.scene import Scene

LISTS_WITHIN_S = 30.0
"""For a client that goes on when all is up: its connections are gone, and it tries again after a second or two."""
CONNECTS_WITHIN_S = 60.0
"""For a client that tried all the time: client-go's longest pause between tries is 30 s, and up to twice that."""
TOLD_WITHIN = 1.2
"""How much longer an outage may be than the product tells."""


@dataclass(frozen=True, slots=True)
class Round:
    """One restore, and who has looked on: ``paused`` is an informer that was stopped for its whole time.

    ``start_s`` is the wall clock when the start phase began."""

    real: Real
    scene: Scene
    restored: Ended
    start_s: float
    summary: Summary
    unsettled: dict[str, list[str]]

    @property
    def told_s(self) -> float:
        return float(json.loads(self.restored.out)["outage_s"])


@pytest.fixture(scope="module")
def round_(real: Real, stage: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Round]:
    laptop = Laptop(tmp_path_factory.mktemp("laptop"), None)
    scene = prepared(stage, laptop, tmp_path_factory)
    with informers(real, MASTERS[1].name, MASTERS[2].name) as (running, paused):
        paused.stop()
        with probe(real, f"restore-{real.layout}") as probed, laptop.start(*scene.restore, "--json") as process:
            process.until(" start: ")
            start_s = time.time()
            restored = process.end()
            (probed.folder / "restore.txt").write_text(str(restored))
            if restored.code == 0:
                real.wait_healthy()
        paused.go_on()
        assert probed.summary
        unsettled = {"paused": _settled(paused, LISTS_WITHIN_S), "running": _settled(running, CONNECTS_WITHIN_S)}
        yield Round(real, scene, restored, start_s, probed.summary, unsettled)


def _settled(informer: Informer, within_s: float) -> list[str]:
    """What an informer shows otherwise than etcd holds it, after it had time to find out."""
    found = ["never compared"]

    def agrees() -> bool:
        found[:] = differences(informer.real, informer)
        return not found

    try:
        informer.real.wait(agrees, f"informer on {informer.host} that shows what etcd holds", within_s)
    except LabError:
        return found
    return []


def test_restore_brings_back_what_the_backup_has(round_: Round) -> None:
    assert round_.restored.code == 0, round_.restored
    round_.scene.ends_restored()


@pytest.mark.parametrize("host", [master.name for master in MASTERS])
def test_api_server_shows_the_objects_of_the_backup_and_no_other(round_: Round, host: str) -> None:
    assert round_.scene.differs(host) == []


def test_running_informer_shows_what_etcd_holds(round_: Round) -> None:
    assert round_.unsettled["running"] == []


def test_informer_that_missed_the_outage_shows_what_etcd_holds(round_: Round) -> None:
    assert round_.unsettled["paused"] == []


def test_no_api_server_outlives_its_etcd(round_: Round) -> None:
    assert round_.summary.lingering() == (), round_.summary.text()


def test_nothing_of_the_old_control_plane_is_alive_when_the_new_one_starts(round_: Round) -> None:
    assert round_.summary.outlived(round_.start_s - round_.summary.zero) == (), round_.summary.text()


def test_every_api_server_is_asked_and_proven(round_: Round) -> None:
    api = json.loads(round_.restored.out)["api"]
    assert [answer["host"] for answer in api["answers"]] == [host.name for host in MASTERS]
    assert (api["failures"], api["uncounted"]) == ([], [])
    assert api["counted"] >= 10


def test_outage_is_not_longer_than_told(round_: Round) -> None:
    seen_s = round_.summary.every_server_s
    print(f"outage: told {round_.told_s:.1f} s, seen {seen_s:.1f} s", file=sys.stderr)
    assert seen_s <= TOLD_WITHIN * round_.told_s
