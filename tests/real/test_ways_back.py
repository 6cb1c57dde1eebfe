"""Runs cut short on real Kubernetes, and what leads back: resume, abort, rollback, reinit, lost members."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.lab.commands import each, wait
from tests.lab.laptop import Laptop
from tests.real.cluster import Real
from tests.real.hosts import MASTERS, PATIENCE_S
from tests.real.onlookers import older_than_etcd
from tests.real.scene import Scene

DATA = {"kubeadm": "/var/lib/etcd", "kublr": "/mnt/master-pd/etcd"}


def test_restore_is_resumed_from_empty_homes(scene: Scene, tmp_path: Path) -> None:
    """The laptop dies in five phases; each time another one goes on that has only the inventory."""
    scene.dies_at("stop", Laptop(tmp_path / "1", None), *scene.restore)
    resume = ("resume", "-i", scene.real.inventory)
    for number, phase in enumerate(("down", "commit", "start", "api"), start=2):
        scene.dies_at(phase, Laptop(tmp_path / str(number), None), *resume)
    resumed = Laptop(tmp_path / "last", None).run(*resume)
    assert resumed.code == 0, resumed
    scene.ends_restored()


def test_aborted_restore_leaves_everything_as_before(scene: Scene, laptop: Laptop, tmp_path: Path) -> None:
    scene.dies_at("commit", laptop, *scene.restore)
    aborted = Laptop(tmp_path / "other", None).run("abort", *_confirmed(scene))
    assert aborted.code == 0, aborted
    scene.ends_as_before()
    assert older_than_etcd(scene.real) == []


def test_completed_restore_is_rolled_back(scene: Scene, laptop: Laptop) -> None:
    restored = laptop.run(*scene.restore)
    assert restored.code == 0, restored
    runs = scene.real.machines.shell(MASTERS[0].name, "ls -d /var/lib/orchestrator/*/plan.json").split()
    newest = max(path.split("/")[-2] for path in runs)
    rolled_back = laptop.run("rollback", newest, *_confirmed(scene))
    assert rolled_back.code == 0, rolled_back
    scene.ends_as_before()
    assert older_than_etcd(scene.real) == []


def test_leader_without_data_is_reinitialized(scene: Scene, laptop: Laptop) -> None:
    leader = scene.real.leader()
    _destroy(scene.real, leader)
    wait(lambda: scene.texts(_another(leader)) == scene.later, "the others' answer", PATIENCE_S)
    joined = laptop.run("reinit", leader, *_confirmed(scene))
    assert joined.code == 0, joined
    scene.ends_as_before()
    assert len(scene.real.etcdctl("member", "list")["members"]) == len(MASTERS)


def test_restore_after_two_of_three_lost_their_data(scene: Scene, laptop: Laptop) -> None:
    each(MASTERS[:2], lambda host: _destroy(scene.real, host.name))
    restored = laptop.run(*scene.restore)
    assert restored.code == 0, restored
    scene.ends_restored()


def test_restore_outlives_a_master_that_loses_power(scene: Scene, laptop: Laptop, tmp_path: Path) -> None:
    victim = MASTERS[1].name
    with laptop.start(*scene.restore) as process:
        process.until(" keep: ")
        scene.real.machines.kill(victim)
        threading.Timer(10, scene.real.machines.wake, (victim,)).start()
        ended = process.end()
    if ended.code != 0:
        scene.fall_silent()
        ended = Laptop(tmp_path / "other", None).run("resume", "-i", scene.real.inventory)
    assert ended.code == 0, ended
    scene.ends_restored()


def _confirmed(scene: Scene) -> tuple[str | Path, ...]:
    return ("-i", scene.real.inventory, "--confirm", scene.real.machines.name)


def _another(host: str) -> str:
    return next(master.name for master in MASTERS if master.name != host)


def _destroy(real: Real, host: str) -> None:
    """Removes a member's data while it runs, and ends it."""
    member = f"{DATA[real.layout]}/member"
    end = 'for it in /proc/[0-9]*; do [ "$(cat $it/comm)" != etcd ] || kill -9 ${it#/proc/}; done'
    real.machines.shell(host, f"rm -rf {member}; {{ {end}; }} 2>/dev/null; true")
