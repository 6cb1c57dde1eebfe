"""Snapshots that are not on the laptop: one laptop plans, another one carries out the plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.contract.swift import Swift
from tests.lab import truth
from tests.lab.command_lines import overheard
from tests.lab.hosts import MASTERS, WORKERS
from tests.lab.lab import Lab
from tests.lab.laptop import Laptop
from tests.lab.scene import Scene, proof_of
from tests.lab.truth import STATE

pytestmark = pytest.mark.paths

WHERE = "/var/backups/etcd of master 2.db"
LATER = "/registry/configmaps/default/later"


def test_snapshot_on_a_master_is_copied_from_there(scene: Scene, tmp_path: Path) -> None:
    """The restore is interrupted and resumed; the master's own file stays unchanged."""
    lab, odd = scene.lab, MASTERS[1].name
    lab.exec(odd, ["sh", "-c", f"umask 077; cat >'{WHERE}'"], stdin=scene.backup.path.read_bytes())
    source = f"{odd}:{WHERE}"
    inspected = scene.laptop.run("snapshot", "inspect", source, "-i", scene.inventory, "--json")
    assert json.loads(inspected.out)["snapshot"]["hash_kv"] == scene.backup.hash, inspected
    saved = tmp_path / "restore.plan"
    arguments = ("-i", scene.inventory, "--snapshot", source, "--override", "quorum-healthy")
    planned = scene.laptop.run("plan", *arguments, "-o", saved, "-v")
    assert planned.code == 0, planned
    assert "copy.sh" in planned.out
    assert nothing_stays(scene.laptop)

    with scene.other.start("apply", saved, "--confirm", "lab") as process:
        process.until("stage.push done")
        process.kill()
    resumed = scene.resumes()
    assert resumed.code == 0, resumed
    assert nothing_stays(scene.other)
    assert lab.exec(odd, ["stat", "-c", "%s", WHERE]).strip() == str(scene.backup.path.stat().st_size)
    scene.ends_restored()


def test_backup_behind_sftp_is_restored_by_another_laptop(scene: Scene, tmp_path: Path) -> None:
    """`backup` has put it there. The laptop dies once the masters begin to receive it, and resumes."""
    lab = scene.lab
    for laptop in (scene.laptop, scene.other):
        knows_the_way(lab, laptop)
    folder = f"sftp://root@{lab.addresses[WORKERS[0].name]}/var/backups/clusters/lab"
    made = [
        scene.laptop.run("backup", "-i", scene.inventory, "--to", folder, "--keep", "1", "--json") for _ in range(2)
    ]
    assert [it.code for it in made] == [0, 0], made
    first, second = (json.loads(it.out) for it in made)
    assert second["removed"] == [Path(first["path"]).stem]
    assert scene.laptop.run("snapshot", "verify", second["path"]).code == 0
    revision, hash_kv = second["facts"]["snapshot"]["revision"], second["facts"]["snapshot"]["hash_kv"]
    lab.put(LATER, "lost again")

    saved = tmp_path / "restore.plan"
    arguments = ("-i", scene.inventory, "--snapshot", second["path"], "--override", "quorum-healthy")
    assert scene.laptop.run("plan", *arguments, "-o", saved).code == 0
    with scene.other.start("apply", saved, "--confirm", "lab") as process:
        process.until("stage.push done")
        process.kill()
    resumed = scene.resumes()
    assert resumed.code == 0, resumed
    assert {str(it.hash) for it in truth.hashes(lab, revision)} == {hash_kv}
    # The next command that handles a snapshot file here removes what the killed one left.
    assert scene.other.run("snapshot", "verify", second["path"]).code == 0
    assert nothing_stays(scene.laptop)
    assert nothing_stays(scene.other)


def test_backup_in_object_store_is_restored_by_another_laptop(scene: Scene, swift: Swift, tmp_path: Path) -> None:
    """`backup` of the second laptop has put it there, because the first died midway; it dies again in the transfer.

    The credentials of the store stay in the environment of the laptops.
    """
    for laptop in (scene.laptop, scene.other):
        laptop.variables.update(swift.environment)
    with overheard() as lines:
        restored_out_of(f"s3://backups/{tmp_path.name}", scene)
    assert nothing_stays(scene.laptop)
    assert nothing_stays(scene.other)
    homes = (scene.laptop.home, scene.other.home)
    assert [line for line in lines if swift.secret in line] == []
    assert [line for line in lines if "--snapshot s3://" in line], "the laptops were listened to"
    assert [line for line in lines if f"{STATE}/" in line], "and so were the hosts"
    assert truth.secrets_seen(scene.lab, homes, swift.secret) == []
    (scene.other.home / "note").write_text(swift.secret)
    assert len(truth.secrets_seen(scene.lab, homes, swift.secret)) == 1, "it would have been found"


def restored_out_of(place: str, scene: Scene) -> None:
    """Put a backup there and restore from there; the first laptop dies in each."""
    lab, to_store = scene.lab, ("backup", "-i", scene.inventory, "--to", place, "--keep", "1", "--json")
    scene.dies_at(f"bringing it to {place}", *to_store)
    made = scene.other.run(*to_store)
    assert made.code == 0, made
    kept = json.loads(made.out)
    assert kept["path"].startswith(f"{place}/")
    lab.put(LATER, "lost again")

    arguments = ("-i", scene.inventory, "--snapshot", kept["path"], "--override", "quorum-healthy")
    planned = scene.laptop.run("plan", *arguments, "-v", "-o", scene.laptop.home / "restore.plan")
    assert planned.code == 0, planned
    scene.dies_at("stage.push acting", "restore", *arguments, "--confirm", "lab")
    resumed = scene.resumes("--json")
    proof, facts = proof_of(resumed), kept["facts"]["snapshot"]
    assert f"reading {kept['path']}" in resumed.err, "no master had it whole"
    assert proof["hash_kv"] == facts["hash_kv"]
    assert {str(it.hash) for it in truth.hashes(lab, facts["revision"])} == {facts["hash_kv"]}
    assert lab.range(LATER) == {}
    assert truth.leftovers(lab) == []
    # The next command that handles a snapshot file here removes what the killed one left.
    assert scene.laptop.run("snapshot", "verify", kept["path"]).code == 0


def knows_the_way(lab: Lab, laptop: Laptop) -> None:
    folder = laptop.home / ".ssh"
    folder.mkdir(parents=True)
    key, known = lab.folder / "id_ed25519", lab.folder / "known_hosts"
    (folder / "config").write_text(f"Host *\n IdentityFile {key}\n UserKnownHostsFile {known}\n")


def nothing_stays(laptop: Laptop) -> bool:
    return not [path for path in (laptop.home / ".cache").rglob("*") if path.is_file()]
