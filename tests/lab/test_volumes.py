"""Persistent volumes between commit and start: a hook on the masters, a hook on the laptop, and a pause."""

from __future__ import annotations

import json
import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.inventory.inventory import Inventory
from tests.kubernetes_objects import volume_bytes
from tests.lab import truth
from tests.lab.commands import each, wait
from tests.lab.hosts import DATA, MASTERS
from tests.lab.lab import Lab
from tests.lab.laptop import Ended, Laptop
from tests.lab.truth import STATE, Backup
from tests.snapshots import PREFIX

pytestmark = pytest.mark.paths

HOOK, UNDO, TOLD = "/opt/put-volumes-back", "/opt/take-volumes-back", "/root/volumes-hook"
ON_MASTERS = f"""#!/bin/sh
mkdir {TOLD} || exit 1
env | grep '^ORCHESTRATOR_' >{TOLD}/environment
cp "$ORCHESTRATOR_FACTS" {TOLD}/facts
{{ echo "$# $1"; id -u; readlink /proc/$$/fd/0; systemctl is-active kublr kublr-kubelet docker; }} >{TOLD}/seen
[ ! -e {TOLD}-fails ] || {{ echo 'no volume of that name' >&2; exit 3; }}
sleep 1
setsid sleep 300 >/dev/null 2>&1 &
"""
"""A hook that leaves a daemon, as a mount helper may: the program must not wait for the daemon."""
TAKES_BACK = f"""#!/bin/sh
echo "$ORCHESTRATOR_KIND of $ORCHESTRATOR_UNDOES on $ORCHESTRATOR_HOST" >>{TOLD}/undone
"""
VOLUME = {"persistentvolumes/pv-1": volume_bytes("pv-1", "ebs.csi.aws.com", "vol-0a", ("shop", "data"))}
QUORUM = ("--override", "quorum-healthy")
Make = Callable[[dict[str, Any]], Path]


@pytest.fixture
def with_hook(inventory: Callable[..., Path]) -> Make:
    """Make an inventory with that policy for volumes; its workers are not restarted."""

    def make(volumes: dict[str, Any]) -> Path:
        return inventory(lambda it: it.update(policies={"volumes": volumes, "workers": {"restart": "none"}}))

    return make


@pytest.fixture
def hooked(fresh: Lab) -> Iterator[Lab]:
    """The lab; its masters have the two programs."""
    each(MASTERS, lambda host: bring(fresh, host.name))
    yield fresh
    each(MASTERS, lambda host: fresh.exec(host.name, ["sh", "-c", f"rm -rf {HOOK} {UNDO} {TOLD}*; pkill -x sleep; :"]))


def bring(lab: Lab, host: str) -> None:
    lab.exec(host, ["sh", "-c", f"cat >{HOOK} && chmod 755 {HOOK}"], ON_MASTERS.encode())
    lab.exec(host, ["sh", "-c", f"cat >{UNDO} && chmod 755 {UNDO}"], TAKES_BACK.encode())


def restore(inventory: Path, backup: Backup) -> tuple[str | Path, ...]:
    return ("restore", "-i", inventory, "--snapshot", backup.path, *QUORUM, "--confirm", "lab")


def is_restored(lab: Lab, backup: Backup) -> None:
    assert {answer.hash for answer in truth.hashes(lab, backup.revision)} == {backup.hash}
    assert truth.leftovers(lab) == []


def is_down(lab: Lab) -> None:
    for master in MASTERS:
        assert truth.active(lab, master.name) == ["inactive"] * 3, f"{master.name} is held down"


# --- on the masters ---------------------------------------------------------------------------------------


def test_hook_on_masters_gets_facts_of_the_run(hooked: Lab, laptop: Laptop, with_hook: Make, tmp_path: Path) -> None:
    for key, value in VOLUME.items():
        hooked.etcdctl("put", f"{PREFIX}{key}", stdin=value)
    backup = truth.back_up(hooked, tmp_path / "backup.db")
    mine = with_hook({"hook": [HOOK, "two words"], "on": "masters", "undo": [UNDO], "timeout_s": 60})
    shown = laptop.run("plan", "-i", mine, "--snapshot", backup.path, *QUORUM)
    words = " ".join(shown.out.split())
    assert f"{HOOK} 'two words'" in words and "ORCHESTRATOR_SNAPSHOT_SHA256" in words, shown
    assert "pv-1 (ebs.csi.aws.com vol-0a, for shop/data)" in words, shown

    done = laptop.run(*restore(mine, backup))

    assert done.code == 0, done
    assert "for the persistent volumes not counted" in " ".join(done.out.split()), done
    is_restored(hooked, backup)
    (run,) = truth.runs(hooked)
    sha256 = truth.digest(backup.path.read_bytes())
    for master in MASTERS:
        told = hooked.exec(master.name, ["cat", f"{TOLD}/environment"])
        known = dict(line.split("=", 1) for line in told.splitlines())
        taken = known.pop("ORCHESTRATOR_SNAPSHOT_TAKEN_UTC")
        assert taken.startswith("20") and taken.endswith("Z"), "the lab's Nodes renew their leases"
        assert known == {
            "ORCHESTRATOR_KIND": "restore",
            "ORCHESTRATOR_RUN": run,
            "ORCHESTRATOR_CLUSTER": "lab",
            "ORCHESTRATOR_MASTERS": " ".join(it.name for it in MASTERS),
            "ORCHESTRATOR_REVISION": str(backup.revision),
            "ORCHESTRATOR_SNAPSHOT_SHA256": sha256,
            "ORCHESTRATOR_HOST": master.name,
            "ORCHESTRATOR_NODE": master.name,
            "ORCHESTRATOR_MEMBER": master.member,
            "ORCHESTRATOR_DATA": DATA,
            "ORCHESTRATOR_FACTS": f"{STATE}/{run}/plan.json",
        }
        facts = json.loads(hooked.exec(master.name, ["cat", f"{TOLD}/facts"]))
        assert [it["handle"] for it in facts["volumes"] if it["name"] == "pv-1"] == ["vol-0a"]
        seen = hooked.exec(master.name, ["cat", f"{TOLD}/seen"]).split("\n")
        assert seen[:6] == ["1 two words", "0", "/dev/null", "inactive", "inactive", "inactive"]
        assert list(truth.ends(hooked, master.name, run, "volumes.hook").values()) == ["0"]


def test_hooks_on_the_masters_outlive_the_laptop(
    hooked: Lab, laptop: Laptop, other_laptop: Laptop, backup: Backup, with_hook: Make
) -> None:
    """Another laptop waits for their end, and does not run any hook twice."""
    mine = with_hook({"hook": [HOOK, "all"], "on": "masters"})
    with laptop.start(*restore(mine, backup)) as process:
        wait(lambda: all(hooked.succeeds(it.name, ["test", "-e", f"{TOLD}/seen"]) for it in MASTERS), "hooks to run")
        process.kill()
    is_down(hooked)
    truth.fall_silent(hooked)
    resumed = other_laptop.run("resume", "-i", mine)
    assert resumed.code == 0, resumed
    is_restored(hooked, backup)
    (run,) = truth.runs(hooked)
    for master in MASTERS:
        assert list(truth.ends(hooked, master.name, run, "volumes.hook").values()) == ["0"], master.name


def test_a_hook_that_fails_on_one_master_is_undone_by_an_abort(
    hooked: Lab, laptop: Laptop, other_laptop: Laptop, backup: Backup, with_hook: Make
) -> None:
    """The laptop that aborts dies while the hooks undo the volumes: the undo still runs only once."""
    before = truth.holds(hooked, f"{PREFIX}configmaps/")
    mine = with_hook({"hook": [HOOK, "all"], "on": "masters", "undo": [UNDO]})
    hooked.exec(MASTERS[1].name, ["touch", f"{TOLD}-fails"])

    failed = laptop.run(*restore(mine, backup))

    assert failed.code == 10, failed
    assert f"volumes.hook/{MASTERS[1].name}: failed (exit 3): no volume of that name" in failed.error
    assert "`resume` runs it again" in failed.error and "--volumes-done" in failed.error
    is_down(hooked)
    (run,) = truth.runs(hooked)
    with other_laptop.start("abort", "-i", mine, "--confirm", "lab") as process:
        process.until("volumes.undo acting")
        process.kill()
    truth.fall_silent(hooked)
    resumed = laptop.run("resume", "-i", mine)
    assert resumed.code == 0, resumed
    for master in MASTERS:
        undone = hooked.exec(master.name, ["cat", f"{TOLD}/undone"]).splitlines()
        assert undone == [f"abort of {run} on {master.name}"]
    assert truth.holds(hooked, f"{PREFIX}configmaps/") == before
    assert truth.leftovers(hooked) == []


def test_a_hook_that_is_not_there_is_found_before_anything_changes(
    fresh: Lab, laptop: Laptop, backup: Backup, with_hook: Make
) -> None:
    for place, words in (
        ("masters", "is not an executable program on this host"),
        ("laptop", "is not an executable program on this laptop"),
    ):
        refused = laptop.run(*restore(with_hook({"hook": ["/opt/absent"], "on": place}), backup))
        assert refused.code == 3, refused
        assert "volumes-hook" in refused.error and words in refused.error, refused
    assert truth.active(fresh, MASTERS[0].name) == ["active"] * 3


# --- on the laptop ----------------------------------------------------------------------------------------


def on_laptop(tmp_path: Path, *lines: str) -> Path:
    """Make a hook that adds a line to the file `ran` each time, and then runs this command."""
    path = tmp_path / "hook"
    path.write_text("\n".join(("#!/bin/sh", f'echo "$ORCHESTRATOR_FACTS" >>{tmp_path}/ran', *lines, "")))
    path.chmod(0o755)
    return path


def ran(tmp_path: Path) -> list[str]:
    path = tmp_path / "ran"
    return path.read_text().splitlines() if path.exists() else []


def test_a_hook_on_the_laptop_that_fails_once(
    fresh: Lab, laptop: Laptop, other_laptop: Laptop, backup: Backup, with_hook: Make, tmp_path: Path
) -> None:
    again = f"[ $(wc -l <{tmp_path}/ran) -gt 1 ] || {{ echo 'the storage does not answer'; exit 7; }}"
    mine = with_hook({"hook": [str(on_laptop(tmp_path, again))], "on": "laptop"})

    failed = laptop.run(*restore(mine, backup))

    assert failed.code == 10, failed
    assert "failed (exit 7): the storage does not answer" in failed.error
    assert "`resume` runs it again" in failed.error
    is_down(fresh)
    (run,) = truth.runs(fresh)
    for master in MASTERS:
        assert list(truth.ends(fresh, master.name, run, "volumes.hook").values()) == ["7"], "every master knows"
    resumed = other_laptop.run("resume", "-i", mine)
    assert resumed.code == 0, resumed
    is_restored(fresh, backup)
    first, second = (Path(line) for line in ran(tmp_path))
    assert first.is_relative_to(laptop.home) and second.is_relative_to(other_laptop.home)
    for facts in (first, second):
        assert stat.S_IMODE(facts.stat().st_mode) == 0o600
        assert Inventory.model_validate(json.loads(facts.read_text())["inventory"]).cluster == "lab"
    assert "the storage does not answer" in next(first.parent.glob("volumes.hook-1-*.log")).read_text()


def test_a_laptop_that_leaves_its_hook(
    fresh: Lab, laptop: Laptop, other_laptop: Laptop, backup: Backup, with_hook: Make, tmp_path: Path
) -> None:
    """One Ctrl-C waits for the hook's end, and its result counts. Two leave the hook; then the operator must decide."""
    mine = with_hook({"hook": [str(on_laptop(tmp_path, "sleep 4", f"echo >{tmp_path}/ended"))], "on": "laptop"})
    with laptop.start(*restore(mine, backup)) as process:
        wait(lambda: len(ran(tmp_path)) == 1, "the hook to run")
        process.popen.send_signal(signal.SIGINT)
        once = process.end()
    assert once.code == 130, once
    assert (tmp_path / "ended").exists()
    gone_on = laptop.run("resume", "-i", mine)
    assert gone_on.code == 0, gone_on
    assert len(ran(tmp_path)) == 1
    is_restored(fresh, backup)

    fresh.reset()
    (tmp_path / "ended").unlink()
    with laptop.start(*restore(mine, backup)) as process:
        wait(lambda: len(ran(tmp_path)) == 2, "the hook to run again, for another restore")
        for _ in range(2):
            process.popen.send_signal(signal.SIGINT)
            time.sleep(0.5)  # without a pause both count as one
        twice = process.end()
    assert twice.code == 130, twice
    assert not (tmp_path / "ended").exists(), "it was left while it ran"
    the_word_leads_on(fresh, other_laptop, mine, tmp_path)
    is_restored(fresh, backup)


def the_word_leads_on(lab: Lab, laptop: Laptop, mine: Path, tmp_path: Path) -> None:
    truth.fall_silent(lab)
    doubt = laptop.run("resume", "-i", mine)
    assert doubt.code == 10, doubt
    assert "its result is unknown" in doubt.error
    assert "resume with --volumes-done once" in doubt.error
    is_down(lab)
    done: Ended = laptop.run("resume", "-i", mine, "--volumes-done")
    assert done.code == 0, done
    assert (tmp_path / "ended").exists(), "what was left came to its end by itself"
    assert len(ran(tmp_path)) == 2, "once in each of the two runs"


# --- the operator -----------------------------------------------------------------------------------------


def test_a_pause_is_answered_later_from_another_laptop(
    fresh: Lab, laptop: Laptop, other_laptop: Laptop, backup: Backup, pausing: Path
) -> None:
    """That laptop dies after the answer; the hosts have kept it, so no one is asked again."""
    paused = laptop.run(*restore(pausing, backup))
    assert paused.code == 10, paused
    assert paused.next_step.endswith("--volumes-done")
    is_down(fresh)
    unanswered = other_laptop.run("resume", "-i", pausing)
    assert (unanswered.code, unanswered.next_step) == (10, paused.next_step), unanswered
    with other_laptop.start("resume", "-i", pausing, "--volumes-done") as process:
        process.until("start.services acting")
        process.kill()
    truth.fall_silent(fresh)
    resumed = laptop.run("resume", "-i", pausing)
    assert resumed.code == 0, resumed
    is_restored(fresh, backup)
