"""etcd as a systemd unit, with API servers on the same hosts or on separate ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import truth
from tests.lab.commands import wait
from tests.lab.conftest import renew
from tests.lab.hosts import MASTERS, WORKERS
from tests.lab.lab import Lab
from tests.lab.laptop import Laptop
from tests.lab.systemd import BY_FILE, DATA, MEMBER, UNITS, WAL, Systemd, snapshot_of
from tests.lab.truth import STATE
from tests.snapshots import PREFIX, tools_of

pytestmark = pytest.mark.paths

LATER = f"{PREFIX}configmaps/namespace-later/"


@pytest.fixture(scope="module")
def turned(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Systemd]:
    cluster = Systemd(lab, tmp_path_factory.mktemp("systemd") / "inventory.yml")
    cluster.furnish()
    yield cluster
    renew(lab)


@pytest.fixture
def cluster(turned: Systemd) -> Systemd:
    turned.reset(snapshot_of(turned.lab))
    return turned


@pytest.fixture
def apart(turned: Systemd) -> Systemd:
    turned.reset(snapshot_of(turned.lab), apart=True)
    return turned


def moves_on(cluster: Systemd, path: Path) -> Path:
    """Take a backup; afterwards the cluster writes more."""
    backup = cluster.back_up(path / "backup.db")
    for number in range(5):
        cluster.lab.put(f"{LATER}object-{number}", "written after the backup")
    return backup


def restore(cluster: Systemd, backup: Path) -> tuple[str | Path, ...]:
    arguments = ("--snapshot", backup, "--override", "quorum-healthy", "--confirm", "lab")
    return ("restore", "-i", cluster.inventory, *arguments)


def log_is_in_its_mount(cluster: Systemd) -> None:
    """Assert that the mount is there, etcd writes to it, and the other files next to the log are still there."""
    lab = cluster.lab
    assert lab.succeeds(BY_FILE.name, ["mountpoint", "-q", WAL])
    assert lab.succeeds(BY_FILE.name, ["test", "-d", f"{WAL}/lost+found"])
    opened = f"ls -l /proc/$(pidof etcd)/fd | grep -c ' {WAL}/[^/]*[.]wal$'"
    assert int(lab.exec(BY_FILE.name, ["sh", "-c", opened])) > 0
    assert not lab.succeeds(BY_FILE.name, ["test", "-e", f"{MEMBER}/wal"])


def is_restored(cluster: Systemd, answer: str) -> None:
    """Assert that every member has the snapshot and nothing newer, and that only the kept data is left of the run."""
    result, lab = json.loads(answer), cluster.lab
    assert result["proof"]["cluster_id"] == result["expected"]["cluster_id"]
    assert lab.range(LATER) == {}
    assert len(truth.hashes(lab)) == 1
    for master in MASTERS:
        assert cluster.active(master, "etcd") == ["active"]
        owners = lab.exec(
            master.name, ["sh", "-c", f"stat -c %U:%G {DATA}/default/member/* {WAL} {WAL}/*.wal 2>/dev/null || true"]
        )
        assert set(owners.split()) == {"etcd:etcd"}
    log_is_in_its_mount(cluster)
    assert not [line for line in truth.leftovers(lab) if STATE in line or "orchestrator" in line]


def test_restored_after_the_laptop_died_and_a_master_rebooted_then_rolled_back(
    cluster: Systemd, laptop: Laptop, other_laptop: Laptop, tmp_path: Path
) -> None:
    lab, backup = cluster.lab, moves_on(cluster, tmp_path)
    before, cluster_id = lab.range(LATER), lab.hashkv(MASTERS[0].name).cluster_id
    shown = laptop.run("plan", *restore(cluster, backup)[1:-2], "--json")
    assert shown.code == 0, shown
    assert not lab.succeeds(MASTERS[0].name, ["test", "-e", STATE])
    with laptop.start(*restore(cluster, backup)) as process:
        process.until("keep.aside done")
        process.kill()
    lab.reboot(BY_FILE.name)
    lab.succeeds(BY_FILE.name, ["systemctl", "is-system-running", "--wait"])
    for master in MASTERS:
        assert set(cluster.active(master, *UNITS)) == {"inactive"}, "held, through a reboot"
    truth.fall_silent(lab)
    resumed = other_laptop.run("resume", "-i", cluster.inventory, "--json")
    assert resumed.code == 0, resumed
    is_restored(cluster, resumed.out)
    for master in MASTERS:
        assert set(cluster.active(master, "kube-scheduler", "kube-apiserver")) == {"active"}
    wait(lambda: all(cluster.is_ready(master) for master in MASTERS), "API server that is ready on every master")

    rolled = laptop.run("rollback", "-i", cluster.inventory, "--confirm", "lab")
    assert rolled.code == 0, rolled
    assert (lab.range(LATER), lab.hashkv(MASTERS[0].name).cluster_id) == (before, cluster_id)
    log_is_in_its_mount(cluster)
    assert all(cluster.active(master, *UNITS) == ["active"] * 3 for master in MASTERS)
    finished = laptop.run("finish", "-i", cluster.inventory, "--confirm", "lab")
    assert finished.code == 0, finished
    for master in MASTERS:
        assert lab.exec(master.name, ["sh", "-c", f"find {DATA} -name '*kr-*'"]) == ""


def test_the_etcd_of_debian_is_restored_by_its_own_tool(
    turned: Systemd, laptop: Laptop, other_laptop: Laptop, tmp_path: Path
) -> None:
    """etcd 3.4.23: its etcdctl restores. During that the laptop dies and a master loses power.

    Another laptop makes it restore again what is not complete.
    """
    lab, tools = turned.lab, tools_of("3.4.23")
    turned.reset(snapshot_of(lab), tools)
    with laptop.start(*restore(turned, moves_on(turned, tmp_path))) as process:
        process.until(f"{BY_FILE.name} stage.restore acting")
        process.kill()
    lab.reboot(BY_FILE.name)
    lab.succeeds(BY_FILE.name, ["systemctl", "is-system-running", "--wait"])
    for master in MASTERS:
        assert set(turned.active(master, *UNITS)) == {"active"}, "nothing was stopped yet"
    truth.fall_silent(lab)
    resumed = other_laptop.run("resume", "-i", turned.inventory, "--json")
    assert resumed.code == 0, resumed
    is_restored(turned, resumed.out)
    finished = laptop.run("finish", "-i", turned.inventory, "--confirm", "lab")
    assert finished.code == 0, finished


def test_api_servers_on_hosts_of_their_own_are_down_with_the_masters(
    apart: Systemd, laptop: Laptop, other_laptop: Laptop, tmp_path: Path
) -> None:
    lab, backup = apart.lab, moves_on(apart, tmp_path)
    cluster_id = lab.hashkv(MASTERS[0].name).cluster_id
    for undone in (True, False):
        with laptop.start(*restore(apart, backup)) as process:
            process.until("commit.place done")
            process.kill()
        lab.reboot(WORKERS[0].name)
        lab.succeeds(WORKERS[0].name, ["systemctl", "is-system-running", "--wait"])
        for host in WORKERS:
            assert set(apart.active(host, "kube-scheduler", "kube-apiserver")) == {"inactive"}, "held with the masters"
        truth.fall_silent(lab)
        if undone:
            aborted = other_laptop.run("abort", "-i", apart.inventory, "--confirm", "lab")
            assert aborted.code == 0, aborted
            assert (len(lab.range(LATER)), lab.hashkv(MASTERS[0].name).cluster_id) == (5, cluster_id)
        else:
            resumed = other_laptop.run("resume", "-i", apart.inventory, "--json")
            assert resumed.code == 0, resumed
            is_restored(apart, resumed.out)
        for host in WORKERS:
            assert apart.active(host, "kube-scheduler", "kube-apiserver") == ["active"] * 2
            assert apart.is_ready(host)


def test_member_with_initial_cluster_state_new_rejoins(cluster: Systemd, laptop: Laptop, other_laptop: Laptop) -> None:
    """Its log has a separate folder. The join is interrupted: the laptop dies, and the master reboots."""
    lab, failed = cluster.lab, BY_FILE
    lab.exec(failed.name, ["sh", "-c", f"systemctl stop kube-apiserver etcd; rm {WAL}/*.wal {MEMBER}/snap/db"])
    before = lab.etcdctl("member", "list")["members"]
    lab.put(f"{LATER}since", "written without it")
    with laptop.start("reinit", failed.name, "-i", cluster.inventory, "--confirm", "lab") as process:
        process.until("commit.join acting")
        process.kill()
    lab.reboot(failed.name)
    lab.succeeds(failed.name, ["systemctl", "is-system-running", "--wait"])
    assert set(cluster.active(failed, *UNITS)) == {"inactive"}, "held, through a reboot"
    truth.fall_silent(lab)

    resumed = other_laptop.run("resume", "-i", cluster.inventory, "--json")

    assert resumed.code == 0, resumed
    assert len(truth.hashes(lab)) == 1
    after = lab.etcdctl("member", "list")["members"]
    ids = [{member["name"]: member["ID"] for member in members} for members in (before, after)]
    assert {name for name in ids[0] if ids[0][name] != ids[1][name]} == {failed.name}
    assert all(cluster.active(master, *UNITS) == ["active"] * 3 for master in MASTERS)
    assert cluster.is_ready(failed)
    etcds = f"find {MEMBER} {WAL} ! -name lost+found ! -path '{WAL}/.kr-*' -exec stat -c %U:%G {{}} +"
    owners = lab.exec(failed.name, ["sh", "-c", etcds])
    assert set(owners.split()) == {"etcd:etcd"}
    log_is_in_its_mount(cluster)
    lab.exec(failed.name, ["systemctl", "restart", "etcd"])  # with its own configuration, as usual
    assert len(truth.hashes(lab)) == 1
    finished = laptop.run("finish", "-i", cluster.inventory, "--confirm", "lab")
    assert finished.code == 0, finished
    assert lab.exec(failed.name, ["sh", "-c", f"find {DATA} {STATE} -name '*kr-*'"]) == ""


def test_an_unlocked_reinit_leaves_no_log_of_its_own(cluster: Systemd, laptop: Laptop, other_laptop: Laptop) -> None:
    """The laptop dies while the member joins, and the master reboots. The old data stays; another run continues."""
    lab, failed = cluster.lab, BY_FILE
    lab.exec(failed.name, ["sh", "-c", f"systemctl stop kube-apiserver etcd; rm {WAL}/*.wal {MEMBER}/snap/db"])
    with laptop.start("reinit", failed.name, "-i", cluster.inventory, "--confirm", "lab") as process:
        process.until("commit.join acting")
        process.kill()
    lab.reboot(failed.name)
    lab.succeeds(failed.name, ["systemctl", "is-system-running", "--wait"])
    truth.fall_silent(lab)
    run = truth.runs(lab, failed.name)[-1]
    staged = f"{WAL}/.kr-{run}.staged"  # whether the join had reached this point or not
    lab.exec(failed.name, ["sh", "-c", f"mkdir -p {staged} && head -c 64000000 /dev/zero >{staged}/0.wal"])
    aside = ["sh", "-c", f"find {DATA} -path '*.kr-{run}*' ! -path '*.staged*' -exec stat -c '%i %s %n' {{}} +"]
    old = lab.exec(failed.name, aside)
    assert old, "the old data was set aside"
    shown = other_laptop.run("unlock", "-i", cluster.inventory, "--dry-run", "-v")
    assert staged in shown.out, shown

    unlocked = other_laptop.run("unlock", "-i", cluster.inventory, "--confirm", "lab")

    assert unlocked.code == 0, unlocked
    assert not lab.succeeds(failed.name, ["test", "-e", staged])
    assert lab.exec(failed.name, aside) == old
    assert set(cluster.active(failed, *UNITS)) == {"inactive"}, "it stays down"
    rejoined = other_laptop.run("reinit", failed.name, "-i", cluster.inventory, "--confirm", "lab", "--json")
    assert rejoined.code == 0, rejoined
    assert len(truth.hashes(lab)) == 1
    log_is_in_its_mount(cluster)
