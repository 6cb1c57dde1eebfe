"""Faults of the hosts: they die, reboot, freeze, lose the network, fill up, or somebody changes their files."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import truth
from tests.lab.commands import each, wait
from tests.lab.fault_table import BETWEEN, GAPS, record
from tests.lab.hosts import DATA, MASTERS
from tests.lab.lab import Lab
from tests.lab.scene import Scene, case, told
from tests.lab.truth import STATE

pytestmark = pytest.mark.faults

ACTS = {"stop": "down.unit.docker", "keep": "keep.copy", "commit": "commit.schedule", "start": "start.lift"}
VICTIM = MASTERS[1].name
CUT = r"""systemctl restart ssh
for file in /proc/[0-9]*/cmdline; do
    case $(tr '\0' ' ' <"$file" 2>/dev/null) in
    "sshd: "*) pid=${file#/proc/} && kill -9 "${pid%/cmdline}" ;;
    esac
done
true"""
"""Start a new sshd, and end all sessions of the old one."""
KILL_CONTAINERS = """for it in /proc/[0-9]*; do
    read -r name <"$it/comm" || continue
    case $name in etcd | python3 | containerd-shim*) kill -9 "${it#/proc/}" ;; esac
done 2>/dev/null
true"""
"""Kill the processes in the containers, and the shims that would restart them."""
PEERS = tuple(master.name for master in MASTERS if master.name != VICTIM)


def in_the_middle_of_keep(scene: Scene) -> str:
    """Wait until only the victim runs an act that takes seconds, and the barrier waits for it; return the run."""
    (run,) = truth.runs(scene.lab)
    wait(lambda: truth.ends(scene.lab, VICTIM, run, "keep.copy") != {}, "an act that has begun")
    return run


def ended_by_itself(scene: Scene, run: str) -> str:
    """Wait for the end of that act, which nobody watches; return the evidence."""
    (attempt,) = truth.ends(scene.lab, VICTIM, run, "keep.copy")
    wait(lambda: truth.ends(scene.lab, VICTIM, run, "keep.copy") == {attempt: "0"}, "the end of the act")
    return f"keep.copy, attempt {attempt.partition('-')[0]}: begun, no end when cut off; exit 0 without the laptop"


def test_laptop_killed_in_an_act(scene: Scene) -> None:
    name = "laptop killed in an act"
    with case(name):
        scene.loads(VICTIM)
        with scene.starts("keep.copy acting", *scene.restore) as process:
            run = in_the_middle_of_keep(scene)
            process.kill()
            assert "" in truth.ends(scene.lab, VICTIM, run, "keep.copy").values(), "too late: the act has ended"
        shown = ended_by_itself(scene, run)
        resumed = scene.resumes()
        assert resumed.code == 0, resumed
        assert list(truth.ends(scene.lab, VICTIM, run, "keep.copy").values()) == ["0"], "it was not run again"
        record(name, f"resumed: {told(resumed)}", f"{shown}; {scene.ends_restored()}")


def test_acts_outlive_sshd(scene: Scene) -> None:
    name = "acts outlive sshd"
    with case(name):
        scene.loads(VICTIM)
        with scene.starts("keep.copy acting", *scene.restore) as process:
            run = in_the_middle_of_keep(scene)
            for master in MASTERS:
                scene.lab.exec(master.name, ["sh", "-c", CUT])
            assert "" in truth.ends(scene.lab, VICTIM, run, "keep.copy").values(), "too late: the act has ended"
            ended = process.end()
        shown = ended_by_itself(scene, run)
        outcome = told(ended)
        if ended.code == 10:
            outcome += f", resumed: {told(scene.resumes())}"
        record(name, outcome, f"{shown}; {scene.ends_restored()}")


def test_sshd_restarted(scene: Scene) -> None:
    name = "sshd restarted"
    with case(name):
        with scene.starts("keep.copy acting", *scene.restore) as process:
            for master in MASTERS:
                scene.lab.exec(master.name, ["systemctl", "restart", "ssh"])
            ended = process.end()
        assert ended.code == 0, ended
        record(name, f"not noticed: {told(ended)}", scene.ends_restored())


def test_master_dead_at_planning(scene: Scene) -> None:
    name = "master dead at planning"
    with case(name):
        scene.lab.kill(VICTIM)
        refused = scene.laptop.run("plan", "-i", scene.inventory, "--snapshot", scene.backup.path)
        assert refused.code == 4, refused
        assert VICTIM in refused.error
        scene.lab.wake(VICTIM)
        scene.lab.wait_healthy()
        without = [master.name for master in MASTERS if not scene.lab.succeeds(master.name, ["test", "-e", STATE])]
        assert without == [master.name for master in MASTERS]
        evidence = f"no state folder on {', '.join(without)}"
        record(name, told(refused), f"{evidence}; {scene.ends_as_before()}")


def test_master_lost_before(scene: Scene) -> None:
    name = "master lost before"
    with case(name):
        scene.lab.exec(VICTIM, ["sh", "-c", f"systemctl stop kublr kublr-kubelet docker.socket docker; rm -rf {DATA}"])
        scene.lab.kill(VICTIM)
        refused = scene.laptop.run(*scene.restore)
        assert refused.code == 4, refused
        assert "--without HOST" in refused.error
        ended = scene.laptop.run(*scene.restore, "--without", VICTIM, "--destroyed", VICTIM)
        assert ended.code == 0, ended
        assert f"{VICTIM}: never start it on its old disk" in ended.out
        record(name, f"{told(refused)}; with --without: exit 0", scene.ends_restored(without=(VICTIM,)))


def test_master_dies_before_the_start(scene: Scene) -> None:
    name = "master dies before the start"
    with case(name):
        with scene.starts("commit.schedule acting", *scene.restore) as process:
            scene.lab.kill(VICTIM)
            ended = process.end()
        assert ended.code == 10, ended
        for peer in PEERS:
            assert truth.active(scene.lab, peer) == ["inactive"] * 3
        scene.lab.wake(VICTIM)
        scene.is_down(VICTIM)
        resumed = scene.resumes()
        assert resumed.code == 0, resumed
        record(name, f"{told(ended)}; the others stay down; back, resumed: exit 0", scene.ends_restored())


def test_master_lost_for_good(scene: Scene) -> None:
    name = "master lost for good"
    with case(name):
        with scene.starts("commit.schedule acting", *scene.restore) as process:
            scene.lab.kill(VICTIM)
            ended = process.end()
        assert ended.code == 10, ended
        refused = scene.resumes()
        assert refused.code == 4, refused
        unsaid = scene.resumes("--without", VICTIM)
        assert (unsaid.code, unsaid.next_step.endswith(f" --destroyed {VICTIM}")) == (5, True), unsaid
        resumed = scene.resumes("--without", VICTIM, "--destroyed", VICTIM)
        assert resumed.code == 0, resumed
        assert f"{VICTIM}: never start it on its old disk" in resumed.out
        evidence = scene.ends_restored(without=(VICTIM,))
        (run,) = truth.runs(scene.lab)
        early = scene.other.run("finish", "-i", scene.inventory, run, "--confirm", "lab")
        assert early.code == 3, early
        scene.lab.wake(VICTIM)
        scene.is_down(VICTIM)
        record(name, "exit 10; resumed with --without: exit 0; when it boots its hold keeps it down", evidence)


@pytest.mark.parametrize("phase", GAPS)
def test_reboot_in(phase: str, scene: Scene) -> None:
    name = f"reboot in {phase}"
    with case(name):
        scene.dies_at(f"{ACTS[phase]} acting", *scene.restore)
        if phase == "start":  # some masters may already start: all are committed
            scene.lab.reboot(VICTIM)
        else:
            scene.reboots(VICTIM)
        resumed = scene.resumes()
        assert resumed.code == 0, resumed
        how = "comes back with everything down" if phase != "start" else "comes back"
        record(name, f"{how}; resumed: exit 0", scene.ends_restored())


@pytest.mark.parametrize("phase", BETWEEN)
def test_reboot_after(phase: str, scene: Scene) -> None:
    """A reboot between a phase's end and the next one's beginning."""
    name = f"reboot after {phase}"
    with case(name):
        with scene.starts(f"{ACTS[phase]} acting", *scene.restore) as process:
            process.popen.send_signal(signal.SIGINT)
            ended = process.end()
        assert ended.code == 130, ended
        (run,) = truth.runs(scene.lab)
        begun = [truth.ends(scene.lab, master.name, run, ACTS[BETWEEN[phase]]) for master in MASTERS]
        assert begun == [{}] * 3, "the next phase had begun"
        for master in MASTERS:
            scene.reboots(master.name)
        resumed = scene.resumes()
        assert resumed.code == 0, resumed
        record(name, "all three come back with everything down; resumed: exit 0", scene.ends_restored())


@pytest.mark.parametrize("phase", ["keep", "commit"])
def test_power_cut_in(phase: str, scene: Scene) -> None:
    name = f"power cut in {phase}"
    with case(name):
        scene.dies_at(f"{ACTS[phase]} acting", *scene.restore)
        each(MASTERS, lambda master: scene.lab.kill(master.name))
        each(MASTERS, lambda master: scene.lab.wake(master.name))
        for master in MASTERS:
            scene.is_down(master.name)
        resumed = scene.resumes()
        assert resumed.code == 0, resumed
        record(name, "all three come back with everything down; resumed: exit 0", scene.ends_restored())


def test_reboot_in_the_pause(scene: Scene, pausing: Path) -> None:
    name = "reboot in the pause"
    with case(name):
        scene.inventory = pausing
        paused = scene.laptop.run(*scene.restore)
        assert paused.code == 10, paused
        for master in MASTERS:
            scene.reboots(master.name)
        resumed = scene.resumes("--volumes-done")
        assert resumed.code == 0, resumed
        record(name, "all three come back with everything down; resumed: exit 0", scene.ends_restored())


def test_master_paused(scene: Scene) -> None:
    name = "master paused"
    with case(name):
        with scene.starts("keep.copy acting", *scene.restore) as process, scene.lab.paused(VICTIM, 60):
            ended = process.end()
        outcome = told(ended)
        if ended.code == 10:
            outcome += f", resumed: {told(scene.resumes())}"
        record(name, outcome, scene.ends_restored())


def test_cut_off_from_the_laptop(scene: Scene) -> None:
    name = "cut off from the laptop"
    with case(name):
        laptop = f"{scene.lab.subnet}.1"
        with scene.starts("keep.copy acting", *scene.restore) as process:
            scene.in_a_while(VICTIM, 45, f"ip route del blackhole {laptop}")
            scene.lab.exec(VICTIM, ["ip", "route", "add", "blackhole", laptop])
            ended = process.end()
        outcome = told(ended)
        if ended.code == 10:
            outcome += f", resumed: {told(scene.resumes())}"
        record(name, outcome, scene.ends_restored())


def test_cut_off_from_its_peers(scene: Scene) -> None:
    name = "cut off from its peers"
    addresses = [scene.lab.addresses[peer] for peer in PEERS]
    with case(name):
        with scene.starts("stop.hold acting", *scene.restore) as process:
            heal = "; ".join(f"ip route del blackhole {address}" for address in addresses)
            scene.in_a_while(VICTIM, 60, heal)
            for address in addresses:
                scene.lab.exec(VICTIM, ["ip", "route", "add", "blackhole", address])
            ended = process.end()
        assert ended.code == 0, ended
        record(name, f"waits at the proof until it has a quorum: {told(ended)}", scene.ends_restored())


# --- disks ----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def small_disk(lab: Lab, host: str, path: str, mib: int) -> Iterator[None]:
    """Mount a small separate disk on that folder, with the folder's content."""
    stop, start = "systemctl stop kublr kublr-kubelet docker.socket docker", "systemctl start kublr"
    mount = f"mkdir -p {path} /mnt/small && mount -t tmpfs -o size={mib}m tmpfs /mnt/small && cp -a {path}/. /mnt/small"
    lab.exec(host, ["sh", "-c", f"{stop}; {mount} && mount --move /mnt/small {path} || mount --bind /mnt/small {path}"])
    lab.exec(host, ["sh", "-c", start])
    lab.wait_healthy()
    try:
        yield
    finally:
        lab.exec(host, ["sh", "-c", f"{stop}; umount -l {path}; umount -l /mnt/small || true"])


FILL = "dd if=/dev/zero of={0}/filler bs=1M 2>/dev/null; true"


@pytest.mark.parametrize(
    ("name", "path", "mib", "words"),
    [
        ("disk full in stage", STATE, 90, "safeguard.copy done"),
        ("disk full in an act", STATE, 90, "stop.hold acting"),
        ("disk full in keep", str(Path(DATA).parent), 600, "down.unit.docker acting"),
    ],
)
def test_disk_full(name: str, path: str, mib: int, words: str, scene: Scene) -> None:
    with case(name), small_disk(scene.lab, VICTIM, path, mib):
        with scene.starts(words, *scene.restore) as process:
            scene.lab.exec(VICTIM, ["sh", "-c", FILL.format(path)])
            ended = process.end()
        assert ended.code == 10, ended
        assert VICTIM in ended.error
        scene.lab.exec(VICTIM, ["rm", f"{path}/filler"])
        resumed = scene.resumes()
        assert resumed.code == 0, resumed
        record(name, f"{told(ended)}; room made, resumed: exit 0", scene.ends_restored())


# --- somebody interferes --------------------------------------------------------------------------------


def test_snapshot_corrupted(scene: Scene) -> None:
    name = "snapshot corrupted"
    with case(name):
        scene.dies_at("stop.hold acting", *scene.restore)
        (run,) = truth.runs(scene.lab)
        flip = f"printf x | dd of={STATE}/{run}/snapshot.db bs=1 seek=40000 conv=notrunc 2>/dev/null"
        scene.lab.exec(VICTIM, ["sh", "-c", flip])
        resumed = scene.resumes()
        assert resumed.code == 0, resumed
        assert f"{VICTIM} commit.mend acting" in resumed.err
        record(name, "copied again from another master, resumed: exit 0", scene.ends_restored())


def test_restore_db_replaced(scene: Scene, pausing: Path) -> None:
    name = "restore.db replaced"
    with case(name):
        scene.inventory = pausing
        assert scene.laptop.run(*scene.restore).code == 10
        scene.lab.exec(VICTIM, ["sh", "-c", f"echo another >{DATA}/restore.db"])
        (run,) = truth.runs(scene.lab)
        resumed = scene.resumes("--volumes-done")
        assert resumed.code == 0, resumed
        aside = f"{DATA}/restore.db.kr-{run}-*"
        assert scene.lab.exec(VICTIM, ["sh", "-c", f"cat {aside}"]) == "another\n", "whose it is nobody knows: it stays"
        evidence = scene.ends_restored()
        assert scene.lab.exec(VICTIM, ["sh", "-c", f"cat {aside}"]) == "another\n", "also after finish"
        record(name, "it is renamed, the right one scheduled again, resumed: exit 0", evidence)


def test_docker_hangs(scene: Scene) -> None:
    name = "docker hangs"
    with case(name):
        with scene.starts("stop.hold acting", *scene.restore) as process:
            scene.in_a_while(VICTIM, 25, "kill -CONT $(cat /run/docker.pid)")
            scene.lab.exec(VICTIM, ["sh", "-c", "kill -STOP $(cat /run/docker.pid)"])
            ended = process.end()
        assert ended.code == 0, ended
        record(name, f"waits for it: {told(ended)}", scene.ends_restored())


def test_dockerd_killed(scene: Scene) -> None:
    name = "dockerd killed"
    with case(name):
        with scene.starts("stop.hold acting", *scene.restore) as process:
            process.until(f"{VICTIM} stop.hold done")
            scene.lab.exec(VICTIM, ["sh", "-c", "kill -KILL $(cat /run/docker.pid)"])
            ended = process.end()
        if ended.code == 0:  # docker's unit and its containers had already stopped
            record(name, f"they end with docker's unit: {told(ended)}", scene.ends_restored())
            return
        assert ended.code == 10, ended
        assert f"{VICTIM}: an etcd still has {DATA}/member/snap/db open" in ended.error
        scene.lab.exec(VICTIM, ["sh", "-c", KILL_CONTAINERS])
        resumed = scene.resumes()
        assert resumed.code == 0, resumed
        record(name, f"{told(ended)}; they were killed by hand, resumed: exit 0", scene.ends_restored())


def test_crash_loop(scene: Scene) -> None:
    name = "crash loop"
    ruin = f"dd if=/dev/zero of={DATA}/member/snap/db bs=4096 count=2 conv=notrunc 2>/dev/null"  # both meta pages
    with case(name):
        for master in MASTERS:
            stop = "systemctl stop kublr kublr-kubelet; docker ps -q --filter name=k8s_etcd_ | xargs -r docker rm -f"
            scene.lab.exec(master.name, ["sh", "-c", f"{stop}; {ruin}; systemctl start kublr"])
        arguments = [word for word in scene.restore if word not in ("--override", "quorum-healthy")]
        ended = scene.laptop.run(*arguments)
        assert ended.code == 0, ended
        record(name, "no override asked for: exit 0", scene.ends_restored())
