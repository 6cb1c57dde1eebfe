"""One member has lost its data: it joins the others again while they serve."""

from __future__ import annotations

import json
import time

import pytest

from tests.lab import truth
from tests.lab.commands import LabError, wait
from tests.lab.hosts import DATA, MASTERS
from tests.lab.lab import Lab
from tests.lab.laptop import Laptop

FAILED = MASTERS[1].name
SINCE = "/registry/configmaps/default/since"


def write_when_there_is_a_leader(lab: Lab, key: str) -> None:
    """Write a key once there is a leader: the damaged member may have been the leader."""
    deadline = time.monotonic() + 60
    while True:
        try:
            lab.put(key, "written without it")
        except LabError:
            assert time.monotonic() < deadline, "the others find no leader"
        else:
            return


def test_failed_member_rejoins(fresh: Lab, laptop: Laptop) -> None:
    """The laptop dies while the pod follows the command; another attempt sees that it was done, and proves it."""
    fresh.damage(FAILED)
    write_when_there_is_a_leader(fresh, SINCE)
    arguments = ("-i", fresh.inventory, "--confirm", "lab")

    with laptop.start("reinit", FAILED, *arguments) as process:
        process.until("commit.reinit acting")
        process.kill()
    truth.fall_silent(fresh)
    resumed = laptop.run("resume", "-i", fresh.inventory, "--json")

    assert resumed.code == 0, resumed
    result = json.loads(resumed.out)
    (answer,) = truth.hashes(fresh)
    assert result["proof"]["cluster_id"] and int(result["proof"]["revision"]) <= answer.revision
    members = {member["name"] for member in fresh.etcdctl("member", "list")["members"]}
    assert members == {master.member for master in MASTERS}
    assert fresh.range(SINCE)
    assert truth.leftovers(fresh) == []
    healthy = laptop.run("reinit", FAILED, *arguments)
    assert (healthy.code, healthy.error.partition(":")[0]) == (3, "member-healthy"), healthy


@pytest.mark.paths
def test_kublrs_pod_obeys_though_its_master_reboots(fresh: Lab, laptop: Laptop, other_laptop: Laptop) -> None:
    """The laptop dies after the command to discard the pod's data, and that master loses power.

    Another laptop continues, and the other members serve all the time.
    """
    lab, arguments = fresh, (FAILED, "-i", fresh.inventory)
    lab.damage(FAILED)
    write_when_there_is_a_leader(lab, SINCE)
    others = [master.name for master in MASTERS if master.name != FAILED]
    cluster_id, before = lab.hashkv(others[0]).cluster_id, truth.boots(lab)
    shown = laptop.run("reinit", *arguments, "--dry-run")
    assert (shown.code, "reinitialize" in shown.out) == (0, True), shown
    assert not lab.succeeds(FAILED, ["test", "-e", truth.STATE]), "a plan leaves nothing on a host"

    with laptop.start("reinit", *arguments, "--confirm", "lab") as process:
        wait(lambda: lab.succeeds(FAILED, ["test", "-e", f"{DATA}/command"]), "order to the pod")
        process.kill()
    lab.reboot(FAILED)
    lab.put(SINCE, "written while it is away", others[0])
    truth.fall_silent(lab)
    resumed = other_laptop.run("resume", "-i", lab.inventory, "--json")

    assert resumed.code == 0, resumed
    assert json.loads(resumed.out)["proof"]["cluster_id"] == cluster_id
    (answer,) = truth.hashes(lab)
    assert answer.cluster_id == cluster_id
    assert lab.range(SINCE, FAILED) == {SINCE: b"written while it is away"}
    changed = {host for host, boot in truth.boots(lab).items() if boot != before[host]}
    assert changed == {FAILED}, "the others serve all the while"
    assert truth.leftovers(lab) == []
    for master in MASTERS:
        assert lab.exec(master.name, ["sh", "-c", "find /mnt/master-pd -name '*kr-*'"]) == "", master.name
    unneeded = laptop.run("finish", "-i", lab.inventory, "--confirm", "lab")
    assert (unneeded.code, "has nothing left to delete" in unneeded.error) == (3, True), unneeded


def test_reinit_without_a_quorum_is_refused(fresh: Lab, laptop: Laptop) -> None:
    fresh.damage(FAILED)
    fresh.damage(MASTERS[0].name)
    refused = laptop.run("reinit", FAILED, "-i", fresh.inventory, "--confirm", "lab")
    assert (refused.code, refused.error.partition(":")[0]) == (3, "quorum-missing"), refused
