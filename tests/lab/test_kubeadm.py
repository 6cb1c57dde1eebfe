"""A kubeadm cluster: the manifests of static pods move out of kubelet's folder and back, tier by tier."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import truth
from tests.lab.conftest import renew
from tests.lab.hosts import MASTERS
from tests.lab.kubeadm import MANIFESTS, ON_CONTAINERD, PODS, Kubeadm, snapshot_of
from tests.lab.lab import Lab
from tests.lab.laptop import Laptop
from tests.lab.truth import STATE
from tests.snapshots import PREFIX

pytestmark = pytest.mark.paths

LATER = f"{PREFIX}configmaps/namespace-later/"
KUBLRS = f"{PREFIX}configmaps/namespace-before/kublrs"


@pytest.fixture(scope="module")
def kublrs(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> truth.Backup:
    """A backup of Kublr's lab, before it becomes a kubeadm cluster."""
    lab.put(KUBLRS, "written while Kublr had it")
    return truth.back_up(lab, tmp_path_factory.mktemp("kublr") / "backup.db")


@pytest.fixture(scope="module")
def turned(lab: Lab, kublrs: truth.Backup, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubeadm]:
    cluster = Kubeadm(lab, tmp_path_factory.mktemp("kubeadm") / "inventory.yml")
    cluster.furnish()
    yield cluster
    renew(lab)


@pytest.fixture
def cluster(turned: Kubeadm) -> Kubeadm:
    turned.reset(snapshot_of(turned.lab))
    return turned


@pytest.fixture
def backup(cluster: Kubeadm, laptop: Laptop, tmp_path: Path) -> Path:
    """A backup by the product, from etcd's gateway; afterwards the cluster writes more."""
    ended = laptop.run("backup", "-i", cluster.inventory, "--to", tmp_path / "backups", "--json")
    assert ended.code == 0, ended
    for number in range(5):
        cluster.lab.put(f"{LATER}object-{number}", "written after the backup")
    return Path(json.loads(ended.out)["path"])


def restore(cluster: Kubeadm, backup: Path) -> tuple[str | Path, ...]:
    arguments = ("--snapshot", backup, "--override", "quorum-healthy", "--confirm", "lab")
    return ("restore", "-i", cluster.inventory, *arguments)


def test_restored_after_the_laptop_died_and_a_master_rebooted(
    cluster: Kubeadm, laptop: Laptop, other_laptop: Laptop, backup: Path
) -> None:
    lab = cluster.lab
    shown = laptop.run("plan", *restore(cluster, backup)[1:-2], "--json")
    assert shown.code == 0, shown
    planned = ["sh", "-c", f"find {STATE} -name plan.json | grep ."]
    assert not lab.succeeds(MASTERS[0].name, planned), "a plan leaves nothing on a host"
    with laptop.start(*restore(cluster, backup)) as process:
        process.until("phase 6/12 keep")  # on all masters
        process.kill()
    for master in MASTERS:
        assert cluster.manifests(master) == set()
        assert cluster.pods(master) == set()
    lab.reboot(MASTERS[1].name)
    lab.succeeds(MASTERS[1].name, ["systemctl", "is-system-running", "--wait"])
    assert cluster.pods(MASTERS[1]) == set(), "kubelet is held, and starts nothing"
    truth.fall_silent(lab)

    resumed = other_laptop.run("resume", "-i", cluster.inventory, "--json")

    assert resumed.code == 0, resumed
    result = json.loads(resumed.out)
    assert result["proof"]["cluster_id"] == result["expected"]["cluster_id"]
    assert lab.range(LATER) == {}
    assert len(truth.hashes(lab)) == 1
    for master in MASTERS:
        assert cluster.manifests(master) == set(PODS)
    cluster.wait_healthy()
    assert not [line for line in truth.leftovers(lab) if STATE in line or "systemd" in line]
    finished = laptop.run("finish", "-i", cluster.inventory, "--confirm", "lab")
    assert finished.code == 0, finished
    for master in MASTERS:
        left = lab.exec(
            master.name, ["sh", "-c", f"ls -d {cluster.data(master)}*.kr-* {cluster.data(master)}/.kr-* || true"]
        )
        assert left == ""


def test_abort_after_manifests_were_moved(cluster: Kubeadm, laptop: Laptop, other_laptop: Laptop, backup: Path) -> None:
    """The laptop dies again while the manifests move back."""
    lab = cluster.lab
    before, cluster_id = lab.range(LATER), lab.hashkv(MASTERS[0].name).cluster_id
    with laptop.start(*restore(cluster, backup)) as process:
        process.until("stop.pods done")
        process.kill()
    truth.fall_silent(lab)
    with other_laptop.start("abort", "-i", cluster.inventory, "--confirm", "lab") as process:
        process.until("start.admit acting")
        process.kill()
    truth.fall_silent(lab)
    resumed = laptop.run("resume", "-i", cluster.inventory)
    assert resumed.code == 0, resumed
    cluster.wait_healthy()
    assert (lab.range(LATER), lab.hashkv(MASTERS[0].name).cluster_id) == (before, cluster_id)
    for master in MASTERS:
        assert cluster.manifests(master) == set(PODS)


def test_a_backup_of_kublrs_is_restored_on_kubeadms_masters(
    cluster: Kubeadm, kublrs: truth.Backup, laptop: Laptop, other_laptop: Laptop
) -> None:
    """The backup is of another cluster with other member names, so the operator must confirm that, once.

    The laptop dies when that data is in place, and another continues.
    """
    refused = laptop.run(*restore(cluster, kublrs.path))
    assert (refused.code, refused.error.partition(":")[0]) == (3, "other-cluster"), refused
    with laptop.start(*restore(cluster, kublrs.path), "--override", "other-cluster") as process:
        process.until("commit.place done")
        process.kill()
    for master in MASTERS:
        assert cluster.pods(master) == set(), "nothing starts by itself"
    truth.fall_silent(cluster.lab)
    resumed = other_laptop.run("resume", "-i", cluster.inventory, "--json")
    assert resumed.code == 0, resumed
    result = json.loads(resumed.out)
    assert (int(result["expected"]["revision"]), int(result["proof"]["hash_kv"])) == (kublrs.revision, kublrs.hash)
    assert set(cluster.lab.range(KUBLRS)) == {KUBLRS}


def test_copy_of_manifest_blocks_the_plan(cluster: Kubeadm, laptop: Laptop, backup: Path) -> None:
    copy = f"{MANIFESTS}/etcd.yaml.bak"
    cluster.lab.exec(
        MASTERS[2].name, ["sh", "-c", f"sed 's/name: etcd$/name: etcd-bak/' {MANIFESTS}/etcd.yaml >{copy}"]
    )
    refused = laptop.run("plan", "-i", cluster.inventory, "--snapshot", backup, "--override", "quorum-healthy")
    assert refused.code == 3, refused
    assert copy in refused.error


def test_member_whose_manifest_lists_only_itself_rejoins(
    cluster: Kubeadm, laptop: Laptop, other_laptop: Laptop
) -> None:
    """The first master: with an empty folder its own manifest would make a new cluster.

    The laptop dies once the others have removed the member.
    """
    lab, failed = cluster.lab, MASTERS[0]
    cluster_id = lab.hashkv(MASTERS[1].name).cluster_id
    lab.exec(failed.name, ["sh", "-c", f"rm -rf {cluster.data(failed)}/member; docker ps -q | xargs docker kill"])
    with laptop.start("reinit", failed.name, "-i", cluster.inventory, "--confirm", "lab") as process:
        process.until("commit.members done")
        process.kill()
    truth.fall_silent(lab)
    unlocked = laptop.run("unlock", "-i", cluster.inventory, "--confirm", "lab")
    assert unlocked.code == 0, unlocked
    assert cluster.manifests(failed) == set(), "it stays down"
    again = other_laptop.run("reinit", failed.name, "-i", cluster.inventory, "--confirm", "lab", "--json")
    assert again.code == 0, again
    assert json.loads(again.out)["proof"]["cluster_id"] == cluster_id
    assert len(truth.hashes(lab)) == 1
    for master in MASTERS:
        assert cluster.manifests(master) == set(PODS)
    cluster.wait_healthy()
    assert not [line for line in truth.leftovers(lab) if STATE in line or "systemd" in line]


def test_a_member_whose_pod_runs_on_containerd_rejoins(cluster: Kubeadm, laptop: Laptop, other_laptop: Laptop) -> None:
    """etcd's program is from an image that only containerd has. The laptop dies while the member joins."""
    lab, failed = cluster.lab, ON_CONTAINERD
    lab.exec(failed.name, ["sh", "-c", f"rm -rf {cluster.data(failed)}/member; pkill -x etcd"])
    with laptop.start("reinit", failed.name, "-i", cluster.inventory, "--confirm", "lab") as process:
        process.until("commit.join acting")
        process.kill()
    truth.fall_silent(lab)
    rejoined = other_laptop.run("resume", "-i", cluster.inventory)
    assert rejoined.code == 0, rejoined
    assert len(truth.hashes(lab)) == 1
    cluster.wait_healthy()
    finished = laptop.run("finish", "-i", cluster.inventory, "--confirm", "lab")
    assert finished.code == 0, finished
    assert not lab.succeeds(failed.name, ["sh", "-c", f"ls -d {cluster.data(failed)}*kr-* {STATE}/*/etcd 2>/dev/null"])
