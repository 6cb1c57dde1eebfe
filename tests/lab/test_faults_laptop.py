"""Faults of the laptop: it is killed, interrupted, asleep, loses its terminal or its disk, or a second one runs."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.lab import truth
from tests.lab.commands import wait
from tests.lab.fault_table import PHASES, record
from tests.lab.hosts import DATA, MASTERS
from tests.lab.scene import KNOWN, Scene, case, told
from tests.lab.terminal import Terminal
from tests.lab.truth import STATE

pytestmark = pytest.mark.faults

VICTIM = MASTERS[1].name
STOP_IT = "systemctl stop kublr kublr-kubelet; docker rm -f $(docker ps -aq) >/dev/null"
LOG = "docker logs $(docker ps -aqn1 --filter name=k8s_etcd_) 2>&1 | tail -300"
RUNS_ON = "docker ps --filter name=k8s_etcd_ | grep -q 'Up [1-9][0-9]* s'"

STEPS = {
    "claim": "claim.take", "safeguard": "safeguard.take", "stage": "stage.push", "resolve": "resolve.hosts",
    "stop": "down.unit.docker", "keep": "keep.copy", "commit": "commit.schedule", "start": "start.services",
    "api": "api.proven", "workers": "workers.restart", "release": "release.hold",
}  # fmt: skip


def test_laptop_killed_in_every_phase(scene: Scene, thorough: Path) -> None:
    """One restore: in each phase the laptop is killed, and another continues."""
    scene.inventory = thorough
    command: tuple[str | Path, ...] = scene.restore
    try:
        for phase in PHASES:
            if phase == "volumes":
                with Terminal(scene.laptop, "resume", "-i", scene.inventory) as terminal:
                    terminal.until("Done?")
                    terminal.kill()
                command = ("resume", "-i", scene.inventory, "--volumes-done")
            else:
                scene.dies_at(f"{STEPS[phase]} acting", *command)
                command = ("resume", "-i", scene.inventory)
            if phase == "claim" and len(truth.runs(scene.lab)) == 0:
                command = scene.restore
            truth.fall_silent(scene.lab)
        ended = scene.resumes()
        assert ended.code == 0, ended
        evidence = scene.ends_restored()
    except BaseException as error:
        for phase in PHASES:
            record(f"laptop killed in {phase}", type(error).__name__, "", passed=False)
        raise
    for phase in PHASES:
        record(f"laptop killed in {phase}", "resumed by another attempt", f"{evidence}, for all twelve kills")


def test_signals(scene: Scene) -> None:
    """One restore, interrupted by every signal; each time the last line shows how to continue."""
    resume = ("resume", "-i", scene.inventory)

    def interrupted(words: str, numbers: list[signal.Signals], *arguments: str | Path) -> int:
        with scene.starts(words, *arguments) as process:
            for number in numbers:
                process.popen.send_signal(number)
                time.sleep(0.3)
            ended = process.end()
        assert ended.next_step.startswith("orchestrator resume -i"), ended
        assert ended.err.rstrip().splitlines()[-1].startswith("next: "), ended
        truth.fall_silent(scene.lab)
        return ended.code

    outcomes: dict[str, str] = {}
    with case("SIGHUP"):
        assert interrupted("stop.hold acting", [signal.SIGHUP], *scene.restore) == 129
        outcomes["SIGHUP"] = "exit 129"
    with case("terminal closed"):
        with Terminal(scene.laptop, *resume) as terminal:
            terminal.until("stop")
            assert terminal.close() == 129
        truth.fall_silent(scene.lab)
        outcomes["terminal closed"] = "exit 129"
    (run,) = truth.runs(scene.lab)
    scene.loads(VICTIM)
    with case("Ctrl-C twice"):
        assert interrupted("keep.copy acting", [signal.SIGINT, signal.SIGINT], *resume) == 130
        assert "" in truth.ends(scene.lab, VICTIM, run, "keep.copy").values(), "it waited for the end of the act"
        outcomes["Ctrl-C twice"] = "exit 130 at once, keep.copy still under way"
        wait(lambda: "" not in truth.ends(scene.lab, VICTIM, run, "keep.copy").values(), "the end of the act")
    with case("Ctrl-C"):
        assert interrupted("commit.schedule acting", [signal.SIGINT], *resume) == 130
        ends = [list(truth.ends(scene.lab, master.name, run, "commit.schedule").values()) for master in MASTERS]
        assert [end for end in ends if end not in ([], ["0"])] == []
        outcomes["Ctrl-C"] = "exit 130, what was under way has ended"
    with case("SIGTERM"):
        assert interrupted("start.lift acting", [signal.SIGTERM], *resume) == 143
        outcomes["SIGTERM"] = "exit 143"
    ended = scene.resumes()
    assert ended.code == 0, ended
    evidence = scene.ends_restored()
    for name, outcome in outcomes.items():
        record(name, f"{outcome}; resumed", evidence)


def test_laptops_disk_full(scene: Scene) -> None:
    name = "laptop's disk full"
    state = scene.laptop.home / "state"
    state.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(state)], check=True)
    try:
        with case(name):
            with scene.starts("keep.copy acting", *scene.restore) as process:
                subprocess.run(["dd", "if=/dev/zero", f"of={state}/filler"], check=False, capture_output=True)
                ended = process.end()
            assert ended.code == 10, ended
            assert "No space left" in ended.error and "free some space" in ended.error
            assert ended.next_step.startswith("orchestrator resume -i"), ended
            (state / "filler").unlink()
            truth.fall_silent(scene.lab)
            resumed = scene.laptop.run("resume", "-i", scene.inventory)
            assert resumed.code == 0, resumed
            status = scene.laptop.run("status", "-i", scene.inventory, *truth.runs(scene.lab))
            assert "damaged" not in status.out
            record(name, f"{told(ended)}; room made, resumed: exit 0", scene.ends_restored())
    finally:
        subprocess.run(["umount", "-l", str(state)], check=False)


def test_two_laptops(scene: Scene) -> None:
    name = "two laptops"
    with case(name):
        with scene.starts("keep.copy acting", *scene.restore) as process:
            second = scene.other.run(*scene.restore)
            assert second.code == 11, second
            first = process.end()
        assert first.code == 0, first
        record(name, f"the second: {told(second)}; the first: exit 0", scene.ends_restored())


def test_two_laptops_at_once(scene: Scene) -> None:
    name = "two laptops at once"
    with case(name):
        with scene.laptop.start(*scene.restore) as first, scene.other.start(*scene.restore) as second:
            both = (first, second)
            wait(lambda: any(it.popen.poll() is not None for it in both), "one that is refused")
            loser, winner = both if first.popen.poll() is not None else (second, first)
            refused = loser.end()
            assert refused.code == 11, refused
            winner.until("keep.copy acting")
            winner.kill()
        truth.fall_silent(scene.lab)
        resume = ("resume", "-i", scene.inventory)
        with scene.laptop.start(*resume) as first, scene.other.start(*resume) as second:
            ended = sorted((first.end(), second.end()), key=lambda it: it.code)
        codes = [it.code for it in ended]
        if codes == [11, 11]:  # each fenced the other before the first step
            truth.fall_silent(scene.lab)
            assert scene.resumes().code == 0
        else:
            assert codes == [0, 11], ended
        outcome = f"restore: one goes on, the other {told(refused)}; resume: exits {codes[0]} and {codes[1]}"
        record(name, outcome, scene.ends_restored())


def test_unlock(scene: Scene) -> None:
    name = "unlock"
    with case(name):
        scene.dies_at(f"{MASTERS[0].name} claim.take done", *scene.restore)
        refused = scene.other.run(*scene.restore)
        assert refused.code == 11, refused
        early = scene.other.run("unlock", "-i", scene.inventory, "--confirm", "lab")
        assert early.code == 11, early
        truth.fall_silent(scene.lab)
        freed = scene.other.run("unlock", "-i", scene.inventory, "--confirm", "lab")
        assert freed.code == 0, freed
        assert truth.leftovers(scene.lab) == []
        restored = scene.other.run(*scene.restore)
        assert restored.code == 0, restored
        outcome = f"while its holder may live: exit {early.code}; silent: exit 0; then a restore: exit 0"
        record(name, outcome, scene.ends_restored())


def test_compacted_past_the_proof(scene: Scene) -> None:
    """A master that starts ten minutes later, after the others' API servers have compacted."""
    name = "compacted past the proof"
    with case(name):
        with scene.starts("start.services acting", *scene.restore) as process:
            process.until(f"{VICTIM} start.services done")
            process.kill()
        (run,) = truth.runs(scene.lab)
        scene.lab.wait_healthy()
        witnessed = ["test", "-e", f"{STATE}/{run}/witnessed"]
        wait(lambda: all(scene.lab.succeeds(it.name, witnessed) for it in MASTERS), "the witnesses")
        scene.lab.exec(VICTIM, ["rm", f"{STATE}/{run}/witnessed"])
        newest = max(scene.lab.put(f"/registry/leases/later-{number}", "x") for number in range(3))
        scene.lab.etcdctl("compact", str(newest))
        resumed = scene.resumes()
        assert resumed.code == 0, resumed
        assert f"{VICTIM}, started late, by comparison with the others" in resumed.out
        assert truth.holds(scene.lab, KNOWN) == scene.known
        (shown,) = truth.hashes(scene.lab)
        assert truth.leftovers(scene.lab) == []
        scene.finishes()
        evidence = f"HashKV {shown.hash} at revision {shown.revision} on 3 members, {len(scene.known)} keys"
        record(name, "resumed: exit 0, proven by its equality with the others", evidence)


def test_laptop_sleeps(scene: Scene) -> None:
    name = "laptop sleeps"
    with case(name):
        with scene.starts("keep.copy acting", *scene.restore) as process:
            process.popen.send_signal(signal.SIGSTOP)
            resumed = scene.resumes()
            assert resumed.code == 0, resumed
            scene.lab.put("/registry/leases/written-since", "by the restored cluster")
            process.popen.send_signal(signal.SIGCONT)
            woken = process.end()
        assert woken.code == 11, woken
        assert scene.lab.range("/registry/leases/written-since")
        record(name, f"resumed by another: exit 0; when it wakes: {told(woken)}", scene.ends_restored())


def test_old_data_booted(scene: Scene) -> None:
    """The danger that plan and report warn of: a member starts on its old data.

    With the vendor's constant token the new cluster gets the old cluster's id, and nothing prevents such a member
    from joining. The result is luck: it depends on who leads, and whose log is longer.
    """
    name = "old data booted"
    with case(name):
        planned = scene.laptop.run("plan", *scene.restore[1:-2])
        assert planned.code == 0, planned
        ended = scene.laptop.run(*scene.restore)
        assert ended.code == 0, ended
        assert "never start a member on it" in ended.out
        (run,) = truth.runs(scene.lab)
        host = MASTERS[2].name
        scene.lab.exec(host, ["sh", "-c", STOP_IT])
        scene.lab.exec(host, ["sh", "-c", f"mv {DATA}/member /root/restored && cp -a {DATA}.kr-{run} {DATA}/member"])
        scene.lab.exec(host, ["systemctl", "start", "kublr"])
        time.sleep(30)
        log = scene.lab.exec(host, ["sh", "-c", LOG])
        joined = scene.lab.succeeds(host, ["sh", "-c", RUNS_ON]) and "panic" not in log
        others = [master.name for master in MASTERS if master.name != host]
        led = "became leader at term" in log
        scene.lab.exec(host, ["sh", "-c", STOP_IT])
        wait(lambda: scene.lab.succeeds(others[0], ["sh", "-c", RUNS_ON]), "the other members")
        kept = truth.holds(scene.lab, KNOWN) == scene.known
        what = ["it joins" if joined else "it panics", "it leads for a while" if led else "it never leads"]
        what.append("the others kept what was restored" if kept else "the others lost what was restored")
        outcome = f"luck; this time {', '.join(what)}. The report had said never to start it"
        record(name, outcome, f"{len(scene.known)} keys compared; {host} has to be re-initialised")
