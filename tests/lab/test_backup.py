"""A backup of the running cluster: from the next master if one fails, complete, and with nothing left on the hosts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.core.snapshots.backups import BackupFacts
from tests.lab import truth
from tests.lab.commands import each, wait
from tests.lab.hosts import DATA, MASTERS
from tests.lab.lab import Lab
from tests.lab.laptop import Laptop

AGENT = "/opt/kublr/bin/kublr"
DATABASE = f"{DATA}/member/snap/db"
PRECIOUS = "/registry/configmaps/default/precious"
TRUE = "what all members hold"
FAILS = f'#!/bin/sh\n[ "$2" != backup ] || {{ echo disk failure; exit 1; }}\nexec {AGENT}.real "$@"\n'


def test_second_backup_with_keep_one_deletes_the_first(fresh: Lab, laptop: Laptop, tmp_path: Path) -> None:
    fresh.put(PRECIOUS, "to be in the backup")
    arguments = ("-i", fresh.inventory, "--to", tmp_path / "backups", "--json")

    first = laptop.run("backup", *arguments)
    second = laptop.run("backup", *arguments, "--keep", "1")

    assert (first.code, second.code) == (0, 0), f"{first}\n{second}"
    told = json.loads(second.out)
    assert told["removed"] == [Path(json.loads(first.out)["path"]).stem]
    saved = Path(told["path"])
    assert sorted(path.name for path in saved.parent.iterdir()) == [saved.name, saved.with_suffix(".json").name]
    facts = BackupFacts.model_validate_json(saved.with_suffix(".json").read_text())
    assert truth.hashes(fresh, facts.snapshot.revision).pop().hash == facts.snapshot.hash_kv
    assert facts.member in {master.member for master in MASTERS}
    assert laptop.run("snapshot", "verify", saved).code == 0
    assert PRECIOUS.encode() in saved.read_bytes()
    no_snapshot_is_left(fresh)


def test_next_master_is_asked_if_one_fails(fresh: Lab, laptop: Laptop, tmp_path: Path) -> None:
    broken = [master.name for master in MASTERS[:2]]
    try:
        for name in broken:
            fresh.exec(name, ["mv", AGENT, f"{AGENT}.real"])
            fresh.exec(name, ["sh", "-c", f"cat >{AGENT} && chmod 755 {AGENT}"], stdin=FAILS.encode())
        made = laptop.run("backup", "-i", fresh.inventory, "--to", tmp_path, "--json")
        assert made.code == 0, made
        told = json.loads(made.out)
        assert told["facts"]["host"] == MASTERS[2].name
        assert all("disk failure" in why for why in told["failed"].values())
        no_snapshot_is_left(fresh)
    finally:
        for name in broken:
            fresh.exec(name, ["mv", f"{AGENT}.real", AGENT])


def test_backup_without_a_quorum_leaves_no_file(fresh: Lab, laptop: Laptop, tmp_path: Path) -> None:
    each(MASTERS[:2], lambda master: fresh.damage(master.name))
    refused = laptop.run("backup", "-i", fresh.inventory, "--to", tmp_path)
    assert refused.code in (1, 3), refused
    assert list(tmp_path.glob("lab-*")) == []


@pytest.mark.paths
def test_a_member_that_differs_is_found_among_all_masters(
    fresh: Lab, laptop: Laptop, other_laptop: Laptop, tmp_path: Path
) -> None:
    """One byte of one member's database differs: etcd keeps serving, and each snapshot alone is valid.

    The kept backup is restored, although the laptop dies, and that member agrees with the others again.
    """
    fresh.put(PRECIOUS, TRUE)
    arguments = ("backup", "-i", fresh.inventory, "--to", tmp_path, "--all-masters", "--json")
    equal = laptop.run(*arguments)
    assert equal.code == 0, equal
    assert json.loads(equal.out)["compared"]["equal"] == [master.name for master in MASTERS]

    odd = MASTERS[1].name
    with stopped(fresh, odd):
        fresh.exec(odd, ["sed", "-i", f"s/{TRUE}/{TRUE.upper()}/", DATABASE])
    found = laptop.run(*arguments)
    assert found.code == 20, found
    told = json.loads(found.out)
    assert list(told["compared"]["differing"]) == [odd]
    assert "HashKV" in found.error
    assert odd in found.error
    assert told["facts"]["host"] != odd, "what the others agree on is kept"
    no_snapshot_is_left(fresh)

    with stopped(fresh, odd):
        missing = laptop.run(*arguments)
    assert missing.code == 20, missing
    assert json.loads(missing.out)["compared"]["missing"] == [odd]
    assert len(list(tmp_path.glob("*.db"))) == 3

    over = ("--override", "quorum-healthy", "--confirm", "lab")
    with laptop.start("restore", "-i", fresh.inventory, "--snapshot", told["path"], *over) as process:
        process.until("commit.schedule acting")
        process.kill()
    truth.fall_silent(fresh)
    resumed = other_laptop.run("resume", "-i", fresh.inventory)
    assert resumed.code == 0, resumed
    assert fresh.range(PRECIOUS, odd) == {PRECIOUS: TRUE.encode()}
    facts = told["facts"]["snapshot"]
    assert {str(it.hash) for it in truth.hashes(fresh, facts["revision"])} == {facts["hash_kv"]}


@contextlib.contextmanager
def stopped(lab: Lab, host: str) -> Iterator[None]:
    """Whether no service of Kublr and no container runs on that host."""
    lab.exec(host, ["systemctl", "stop", "kublr", "kublr-kubelet", "docker.socket", "docker"])
    try:
        wait(lambda: lab.succeeds(host, ["flock", "-n", DATABASE, "true"]), "the end of its etcd")
        yield
    finally:
        lab.exec(host, ["systemctl", "start", "docker", "kublr"])
        lab.wait_healthy()


def no_snapshot_is_left(lab: Lab) -> None:
    for master in MASTERS:
        found = lab.exec(master.name, ["sh", "-c", f"find {truth.STATE} -name '*.db*' 2>/dev/null || true"])
        assert found.strip() == "", master.name
