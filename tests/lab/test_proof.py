"""A healthy cluster proves nothing: the program checks, on each member, what the vendor's agent did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.lab import truth
from tests.lab.commands import each, wait
from tests.lab.hosts import DATA, MASTERS
from tests.lab.lab import Lab
from tests.lab.laptop import Laptop
from tests.lab.truth import Backup

LATER = "/registry/configmaps/default/later"


def test_ignored_restore_is_unproven(fresh: Lab, laptop: Laptop, backup: Backup) -> None:
    """One master starts on its old data, as if there were no restore.db."""
    sinner = MASTERS[1].name
    fresh.put(LATER, "written after the backup")
    fresh.switch(sinner, "restore", "ignored")
    arguments = ("-i", fresh.inventory, "--snapshot", backup.path, "--override", "quorum-healthy")

    ended = laptop.run("restore", *arguments, "--confirm", "lab")

    print(ended.error, ended.next_step, sep="\n")
    assert ended.code == 20, ended
    assert sinner in ended.error
    assert "it ignored the restore" in ended.error
    assert ended.next_step.startswith("orchestrator ")
    (run,) = truth.runs(fresh)
    for master in MASTERS:
        assert truth.old_data(fresh, master.name, run), f"the old data of {master.name}"
        assert run in fresh.exec(master.name, ["cat", f"{truth.STATE}/claim"]), "still held by the run"
    assert truth.active(fresh, sinner) == ["active"] * 3, "the services are left as they are"

    fresh.switch(sinner, "restore", "ok")  # no pod restarts: the member keeps its old data
    resumed = laptop.run("resume", "-i", fresh.inventory)
    assert resumed.code == 20, resumed
    assert "it ignored the restore" in resumed.error


def test_leftover_restore_db(fresh: Lab, laptop: Laptop, backup: Backup, inventory: Callable[..., Path]) -> None:
    """A leftover restore.db would restore again at each start of the pod, and lose newer writes."""
    each(MASTERS, lambda master: fresh.switch(master.name, "restore_db", "left"))
    without_workers = inventory(lambda document: document["policies"]["workers"].update(restart="none"))
    plan = laptop.home.with_name("saved.plan")
    planned = laptop.run(
        "plan", "-i", without_workers, "--snapshot", backup.path, "--override", "quorum-healthy", "-o", plan
    )
    assert planned.code == 0, planned

    applied = laptop.run("apply", plan, "-i", without_workers, "--confirm", "lab")

    assert applied.code == 0, applied
    (run,) = truth.runs(fresh)
    for master in MASTERS:
        left = fresh.exec(master.name, ["sh", "-c", f"cd {DATA} && ls -d restore.db*"]).split()
        assert left == [f"restore.db.kr-{run}"], master.name
    assert truth.leftovers(fresh) == []

    fresh.put(LATER, "acknowledged")
    each(MASTERS, lambda master: restart_etcd(fresh, master.name))
    wait(fresh.is_healthy, "a healthy cluster after each etcd pod was started again")
    assert fresh.range(LATER) == {LATER: b"acknowledged"}

    again = laptop.run("apply", plan, "-i", without_workers, "--confirm", "lab")
    assert again.code == 5, again
    assert "used" in again.error


def restart_etcd(lab: Lab, host: str) -> None:
    """Stop the pod's container; the kubelet makes a new one."""
    old = lab.exec(host, ["docker", "ps", "-q", "--filter", "name=k8s_etcd_"]).strip()
    lab.exec(host, ["docker", "stop", "-t", "10", old])
    wait(lambda: lab.exec(host, ["docker", "ps", "-q", "--filter", "name=k8s_etcd_"]).strip() not in ("", old), "pod")
