"""`check` and `plan` change nothing on any host: every file and every process is compared, before and after."""

from __future__ import annotations

import time

import pytest

from tests.lab import traces, truth
from tests.lab.commands import each
from tests.lab.hosts import HOSTS, MASTERS
from tests.lab.lab import Lab
from tests.lab.laptop import Laptop
from tests.lab.truth import Backup

PROCESSES_END_WITHIN_S = 5.0


@pytest.fixture
def quiet(fresh: Lab) -> Lab:
    """The lab while nothing writes to etcd by itself."""
    each(MASTERS, lambda host: fresh.switch(host.name, "writes", "off"))
    each(HOSTS, lambda host: fresh.switch(host.name, "lease", "off"))
    revision, deadline = -1, time.monotonic() + 30
    while revision != fresh.hashkv(MASTERS[0].name).revision:
        assert time.monotonic() < deadline, "something still writes"
        revision = fresh.hashkv(MASTERS[0].name).revision
        time.sleep(3)
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
