"""The main job: restore a cluster of some hundred megabytes that has newer writes and lost one master's data."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import truth
from tests.lab.conftest import SNAPSHOTS, small_snapshot
from tests.lab.hosts import MASTERS, WORKERS
from tests.lab.lab import Lab
from tests.lab.laptop import Laptop
from tests.lab.truth import Backup, digest
from tests.snapshots import PREFIX, key_of, known_keys, make_snapshot

KEYS, VALUE_BYTES = 105_000, 3000
LATER = f"{PREFIX}configmaps/namespace-later/"
MOST_ANONYMOUS_KIB = 150_000_000 // 1024
GHOSTS = ("minions/ghost", "masterleases/10.9.9.9")
"""Nodes and API servers that were dead at the backup: nothing renews their leases after the restore."""
LEASES = "/registry/leases/kube-node-lease/"


@pytest.fixture
def large(lab: Lab) -> Iterator[Lab]:
    """The lab with at least 400 MB and 100,000 keys."""
    lab.seed(make_snapshot(SNAPSHOTS, keys=KEYS, value_bytes=VALUE_BYTES))
    yield lab
    lab.seed(small_snapshot())


def test_restore_after_loss(large: Lab, laptop: Laptop, tmp_path: Path) -> None:
    for ghost in GHOSTS:
        large.put(f"{PREFIX}{ghost}", "gone, and in the backup")
    backup = truth.back_up(large, tmp_path / "backup.db")
    assert backup.path.stat().st_size >= 400_000_000
    then = count_configmaps(large)
    move_on(large)
    before = count_configmaps(large)
    large.damage(MASTERS[1].name)
    names, boots = truth.hosts_files(large), truth.boots(large)
    arguments = ("-i", large.inventory, "--snapshot", backup.path, "--override", "quorum-healthy")

    with laptop.start("restore", *arguments, "--confirm", "lab", "--json") as process:
        ended = process.end()

    assert ended.code == 0, ended
    print(f"RssAnon at most {process.most_anonymous_kib / 1000:.0f} MB")
    assert 0 < process.most_anonymous_kib < MOST_ANONYMOUS_KIB
    result = json.loads(ended.out)
    print(f"outage {result['outage_s']:.1f} s, total {result['total_s']:.1f} s")
    expected = result["expected"]
    assert (expected["revision"], expected["hash_kv"]) == (str(backup.revision), str(backup.hash))
    assert expected["cluster_id"] == result["proof"]["cluster_id"], "the stand-in restores with the manifest's token"
    every_member_is_restored(large, backup)
    the_evidence_is_true(large, backup, result["evidence"], before, then)
    every_key_is_back(large)
    workers_came_back(large, boots)
    nothing_is_left(large, names)
    (run,) = truth.runs(large)
    for survivor in (MASTERS[0], MASTERS[2]):
        assert truth.old_data(large, survivor.name, run), f"the copy of the old data on {survivor.name}"


def move_on(lab: Lab) -> None:
    """Change the cluster after the backup; a restore removes these changes."""
    for number in range(20):
        lab.put(f"{LATER}object-{number}", "written after the backup")
        lab.put(key_of(number), "changed after the backup")
    lab.etcdctl("del", key_of(100))


def count_configmaps(lab: Lab) -> int:
    """Count with etcd itself: it counts all keys, whatever the limit. etcdctl has no JSON output for --count-only."""
    return int(lab.etcdctl("get", "--prefix", f"{PREFIX}configmaps/", "--keys-only", "--limit=1")["count"])


def the_evidence_is_true(lab: Lab, backup: Backup, evidence: dict[str, Any], before: int, then: int) -> None:
    members = {f"{member['ID']:x}": member["name"] for member in lab.etcdctl("member", "list")["members"]}
    assert {told["id"]: told["member"] for told in evidence["members"]} == members
    for told in evidence["members"]:
        assert told["id"] == told["id_predicted"]
        assert (told["hash_kv"], told["keys_then"]) == (str(backup.hash), evidence["snapshot_keys"])
        assert told["alarms"] == []
    counts = {row["resource"]: (row["before"], row["snapshot"], row["now"]) for row in evidence["resources"]}
    assert before != then
    assert counts["configmaps"] == (before, then, then)
    assert {told["name"] for told in evidence["stale"]} == {ghost.rpartition("/")[2] for ghost in GHOSTS}
    assert evidence["missing"] == []


def every_member_is_restored(lab: Lab, backup: Backup) -> None:
    at_backup = truth.hashes(lab, backup.revision)
    assert {answer.hash for answer in at_backup} == {backup.hash}
    assert len(at_backup) == 1, "the members differ at the backup's revision"
    assert len(truth.hashes(lab)) == 1, "the members differ since"
    members = lab.etcdctl("member", "list")["members"]
    assert {member["name"] for member in members} == {master.member for master in MASTERS}


def every_key_is_back(lab: Lab) -> None:
    expected = {key: digest(value) for key, value in known_keys(KEYS, VALUE_BYTES)}
    found = {key: value for key, value in truth.holds(lab, PREFIX).items() if "/namespace-" in key}
    assert len(expected) >= 100_000
    assert not set(found) - set(expected), "keys that the restore should have taken away"
    assert not set(expected) - set(found), "keys that the restore should have brought back"
    assert found == expected, "values"


def workers_came_back(lab: Lab, boots: dict[str, str]) -> None:
    now = truth.boots(lab)
    rebooted = {name for name in boots if now[name] != boots[name]}
    assert rebooted == {worker.name for worker in WORKERS}
    leases = lab.range(LEASES)
    deadline = time.monotonic() + 30
    while any(lab.range(LEASES)[LEASES + worker.name] == leases[LEASES + worker.name] for worker in WORKERS):
        assert time.monotonic() < deadline, "a worker's Node is not renewed"
        time.sleep(0.5)


def nothing_is_left(lab: Lab, names: dict[str, str]) -> None:
    assert truth.leftovers(lab) == []
    assert truth.hosts_files(lab) == names, "hosts files"
    for master in MASTERS:
        peers = truth.pod_hosts(lab, master.name)
        assert all(f"{peer.member}.kublr.local" in peers for peer in MASTERS), "names in the etcd pod"
