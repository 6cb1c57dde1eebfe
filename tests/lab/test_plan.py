"""`check` and `plan` change nothing on any host: a comparison of every file and every process, before and after.

The cost that the plan shows is also true, key by key.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes_objects import node_bytes, object_bytes, volume_bytes
from tests.lab import traces, truth
from tests.lab.commands import each
from tests.lab.hosts import HOSTS, MASTERS
from tests.lab.lab import Lab
from tests.lab.laptop import Laptop
from tests.lab.truth import Backup
from tests.snapshots import PREFIX

PROCESSES_END_WITHIN_S = 5.0


@pytest.fixture
def quiet(fresh: Lab) -> Lab:
    """The lab while no stand-in writes to etcd."""
    each(MASTERS, lambda host: fresh.switch(host.name, "writes", "off"))
    each(HOSTS, lambda host: fresh.switch(host.name, "lease", "off"))
    revision, deadline = -1, time.monotonic() + 30
    while revision != fresh.hashkv(MASTERS[0].name).revision:
        assert time.monotonic() < deadline, "something still writes"
        revision = fresh.hashkv(MASTERS[0].name).revision
        time.sleep(2.5)  # the stand-ins write every second, and every two seconds
    return fresh


def test_plan_writes_nothing(quiet: Lab, laptop: Laptop, backup: Backup) -> None:
    print("not compared:", *traces.EXCEPTIONS, sep="\n  ")
    arguments = ("-i", quiet.inventory, "--snapshot", backup.path, "--override", "quorum-healthy")
    before, etcd, members = traces.look(quiet), truth.hashes(quiet), quiet.etcdctl("member", "list")["members"]

    checked = laptop.run("check", *arguments)
    planned = laptop.run("plan", *arguments, "-vv", "-o", laptop.home / "saved.plan")
    time.sleep(PROCESSES_END_WITHIN_S)

    assert (checked.code, planned.code) == (0, 0), f"{checked}\n{planned}"
    after = traces.look(quiet)
    assert before.changed_files(after) == []
    assert before.new_processes(after) == []
    assert truth.hashes(quiet) == etcd, "etcd's revision, hash and cluster id"
    assert quiet.etcdctl("member", "list")["members"] == members
    for host in HOSTS:
        assert not quiet.succeeds(host.name, ["test", "-e", truth.STATE]), host.name
    the_comparison_sees_what_is_planted(quiet, after)


def the_comparison_sees_what_is_planted(lab: Lab, before: traces.Traces) -> None:
    victim = MASTERS[1].name
    lab.exec(victim, ["sh", "-c", "touch /etc/x && setsid sleep 30 >/dev/null 2>&1 &"])
    after = traces.look(lab, names=[victim])
    lab.exec(victim, ["rm", "/etc/x"])
    assert before.changed_files(after) == [f"{victim}: /etc/x"]
    assert f"{victim}: sleep 30" in before.new_processes(after)


CREATED, CHANGED, DELETED = "created", "changed", "deleted"
BEFORE = {
    "configmaps/shop/flags": b"off",
    "configmaps/shop/untouched": b"as it was",
    "configmaps/web/theme": b"dark",
    "secrets/shop/password": b"k8s:enc:aescbc:v1:key1:\x00",
    "persistentvolumes/pv-old": volume_bytes("pv-old", "ebs.csi.aws.com", "vol-0a", ("shop", "data")),
    "example.com/widgets/shop/blue": b'{"kind":"Widget"}',
}
AFTER = {
    "configmaps/shop/flags": b"on",
    "configmaps/web/theme": None,
    "configmaps/new/one": b"written after the backup",
    "secrets/shop/password": b"k8s:enc:aescbc:v1:key2:\x00",
    "persistentvolumes/pv-old": None,
    "persistentvolumes/pv-new": volume_bytes("pv-new", "ebs.csi.aws.com", "vol-0b", ("shop", "more")),
    "minions/worker-9": node_bytes("worker-9", True, datetime.now(UTC)),
    "example.com/widgets/shop/blue": None,
    "example.com/widgets/shop/green": b'{"kind":"Widget"}',
}
"""Keys that the cluster writes after its backup; None deletes a key."""


def test_plan_tells_what_the_restore_costs(quiet: Lab, laptop: Laptop, tmp_path: Path) -> None:
    write(quiet, BEFORE)
    backup = truth.back_up(quiet, tmp_path / "backup.db")
    then = truth.holds(quiet, PREFIX)
    write(quiet, AFTER)
    now = truth.holds(quiet, PREFIX)

    arguments = ("-i", quiet.inventory, "--snapshot", backup.path, "--override", "quorum-healthy")
    planned = laptop.run("plan", *arguments, "--diff", "--json")

    assert planned.code == 0, planned
    document = json.loads(planned.out)
    assert told(document["cost"]["resources"]) == {
        CREATED: {object_of(key) for key in now.keys() - then.keys()},
        CHANGED: {object_of(key) for key in now.keys() & then.keys() if now[key] != then[key]},
        DELETED: {object_of(key) for key in then.keys() - now.keys()},
    }
    assert document["cost"]["one_history"]
    assert document["cost"]["live_keys"] >= len(now)
    assert document["cost"]["returning_volumes"] == ["pv-old (ebs.csi.aws.com vol-0a)"]
    assert len(now.keys() - then.keys()) == 4


def test_another_clusters_backup_is_refused(quiet: Lab, laptop: Laptop, tmp_path: Path) -> None:
    """All clusters of one installer have the same member names; only the UID of kube-system differs."""
    write(quiet, {"namespaces/kube-system": object_bytes("v1", "Namespace", "", "kube-system", "uid-of-another")})
    backup = truth.back_up(quiet, tmp_path / "backup.db")
    write(quiet, {"namespaces/kube-system": object_bytes("v1", "Namespace", "", "kube-system", "uid-of-this")})
    arguments = ("-i", quiet.inventory, "--snapshot", backup.path, "--override", "quorum-healthy")

    refused = laptop.run("plan", *arguments)
    overridden = laptop.run("plan", *arguments, "--override", "other-cluster")

    assert refused.code == 3, refused
    assert "other-cluster" in refused.err and "uid-of-another" in refused.err, refused
    assert overridden.code == 0, overridden


def write(lab: Lab, values: dict[str, bytes | None] | dict[str, bytes]) -> None:
    for key, value in values.items():
        if value is None:
            lab.etcdctl("del", f"{PREFIX}{key}")
        else:
            lab.etcdctl("put", f"{PREFIX}{key}", stdin=value)


def object_of(key: str) -> str:
    """Translate `/registry/minions/worker-9` -> `nodes worker-9`, for the resources that this test writes."""
    resource, _, name = key.removeprefix(PREFIX).replace("example.com/widgets", "widgets.example.com").partition("/")
    return f"{resource.replace('minions', 'nodes')} {name}"


def told(resources: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Return the objects that the plan names; each total is the number of its names."""
    found: dict[str, set[str]] = {CREATED: set(), CHANGED: set(), DELETED: set()}
    for row in resources:
        for change, objects in found.items():
            assert row[change]["total"] == len(row[change]["names"])
            objects |= {f"{row['resource']} {name}" for name in row[change]["names"]}
    return found
