"""Scheduled backups on masters: a timer starts one, and a restore uses it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from orchestrator.core.snapshots.backups import ScheduledFacts, read_facts
from orchestrator.core.snapshots.schedules import calendar, parse_period
from tests.lab import truth
from tests.lab.hosts import MASTERS
from tests.lab.lab import Lab
from tests.lab.laptop import Laptop
from tests.lab.truth import Backup

pytestmark = pytest.mark.paths

LATER = "/registry/configmaps/default/later"
UNITS = (
    "ls /etc/systemd/system/orchestrator-backup-* /etc/systemd/system/timers.target.wants/orchestrator-* 2>/dev/null"
)


def status(lab: Lab, laptop: Laptop) -> list[dict[str, Any]]:
    ended = laptop.run("backup", "status", "-i", lab.inventory, "--json")
    assert ended.code == 0, ended
    found: list[dict[str, Any]] = json.loads(ended.out)["masters"]
    return found


def test_a_scheduled_backup_fires_and_is_restored(
    fresh: Lab, laptop: Laptop, other_laptop: Laptop, backup: Backup
) -> None:
    """The laptop that restores it dies, and another continues."""
    lab, arguments = fresh, ("-i", fresh.inventory, "--every", "1m", "--on", "2", "--folder", "/var/backups/lab")
    assert laptop.run("backup", "status", "-i", lab.inventory, "--nagios").code == 3
    for period in ("1m", "15m", "1h", "6h", "24h", "1d"):
        lab.exec(MASTERS[0].name, ["systemd-analyze", "calendar", calendar(parse_period(period), 30)])
    shown = laptop.run("backup", "schedule", *arguments, "--dry-run")
    assert "+OnCalendar=*-*-* *:00/1:30" in shown.out, shown
    assert not lab.succeeds(MASTERS[0].name, ["sh", "-c", UNITS])
    done = laptop.run("backup", "schedule", *arguments, "--confirm", "lab")
    assert done.code == 0, done
    again = laptop.run("backup", "schedule", *arguments, "--confirm", "lab")
    assert (again.code, "nothing to change" in again.out) == (0, True), again
    assert [lab.succeeds(master.name, ["sh", "-c", UNITS]) for master in MASTERS] == [True, True, False]
    deadline = time.monotonic() + 150
    while sum(it["good_at_s"] is not None for it in status(lab, laptop)) < 2:
        assert time.monotonic() < deadline, status(lab, laptop)
        time.sleep(5)
    nagios = laptop.run("backup", "status", "-i", lab.inventory, "--nagios")
    assert (nagios.code, nagios.out.startswith("ETCD BACKUP OK")) == (0, True), nagios
    ended = laptop.run("backup", "schedule", "-i", lab.inventory, "--remove", "--confirm", "lab")
    assert ended.code == 0, ended
    assert not any(lab.succeeds(master.name, ["sh", "-c", UNITS]) for master in MASTERS)

    (path,) = lab.exec(MASTERS[0].name, ["sh", "-c", "ls /var/backups/lab/*.db | tail -n 1"]).split()
    lab.put(LATER, "written after the backup")
    source = f"{MASTERS[0].name}:{path}"
    whole = laptop.run("snapshot", "verify", source, "-i", lab.inventory)
    assert whole.code == 0, whole
    facts = read_facts(lab.exec(MASTERS[0].name, ["cat", path.replace(".db", ".json")]).encode())
    assert isinstance(facts, ScheduledFacts)
    assert (facts.cluster, facts.host, facts.member) == ("lab", MASTERS[0].name, MASTERS[0].member)
    assert facts.cluster_id == lab.hashkv(MASTERS[0].name).cluster_id
    assert facts.etcd_version
    planned = laptop.run("plan", "-i", lab.inventory, "--snapshot", source, "--override", "quorum-healthy", "--json")
    assert not {"other-facts", "changed-since"} & {it["name"] for it in json.loads(planned.out)["plan"]["findings"]}, (
        planned
    )
    over = ("--override", "quorum-healthy", "--confirm", "lab")
    with other_laptop.start("restore", "-i", lab.inventory, "--snapshot", source, *over) as process:
        process.until("down.unit.docker acting")
        process.kill()
    truth.fall_silent(lab)
    resumed = laptop.run("resume", "-i", lab.inventory)
    assert resumed.code == 0, resumed
    assert lab.range(LATER) == {}
    assert len(truth.hashes(lab)) == 1
    assert backup.path.exists()
