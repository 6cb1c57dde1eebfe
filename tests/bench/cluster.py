"""The cluster that every contender restores: the lab, its logins, one large snapshot, and how to reset it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from tests.lab.commands import each, run
from tests.lab.hosts import DATA, MASTERS
from tests.lab.lab import REPOSITORY, Lab
from tests.snapshots import make_snapshot, status

SNAPSHOTS = REPOSITORY / ".lab" / "snapshots"
STAGED = "/root/snapshot.db"
KEYS, VALUE_BYTES = 100_000, 3900  # two pages of bbolt hold two such values: 412 MB


@dataclass(frozen=True, slots=True)
class Login:
    """How the inventory logs in to a master. ``become`` is the command prefix that makes it root."""

    user: str
    address: str
    become: str
    password: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """The lab, with what each of its members must show after it is restored from ``snapshot``."""

    lab: Lab
    inventory: Path
    logins: dict[str, Login]
    snapshot: Path
    sha256: str
    revision: int
    hash_kv: int

    @property
    def password_file(self) -> Path:
        return self.lab.folder / "sudo-password"

    @property
    def ssh_options(self) -> tuple[str, ...]:
        return (
            "-F", "none", "-i", str(self.lab.folder / "id_ed25519"), "-o", "IdentitiesOnly=yes",
            "-o", f"UserKnownHostsFile={self.lab.folder / 'known_hosts'}",
        )  # fmt: skip

    def reset(self) -> None:
        """Put the same data and files on every master, all of it written to the disk."""
        self.lab.reset()
        os.sync()

    def expecting_present_data(self) -> Cluster:
        """Return the cluster with its present data as the expected data, instead of the snapshot's."""
        now = self.lab.hashkv(MASTERS[0].name)
        return replace(self, revision=now.revision, hash_kv=now.hash)


def seed_cluster(lab: Lab) -> Cluster:
    """Return the lab with much data, and a backup of it that is already on every master."""
    lab.seed(make_snapshot(SNAPSHOTS, keys=KEYS, value_bytes=VALUE_BYTES))
    snapshot = lab.backup(MASTERS[0].name, lab.folder / "backup.db")
    each(MASTERS, lambda host: run(["docker", "cp", str(snapshot), f"{lab.container(host.name)}:{STAGED}"]))
    revision = int(status(snapshot)["revision"])
    with snapshot.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    inventory = yaml.safe_load(lab.inventory.read_text())
    return Cluster(
        lab=lab,
        inventory=_masters_only(lab, inventory),
        logins=_logins(lab, inventory["masters"]["hosts"]),
        snapshot=snapshot,
        sha256=sha256,
        revision=revision,
        # etcd's own answer, from before the restore and without the product.
        hash_kv=lab.hashkv(MASTERS[0].name, revision).hash,
    )


def _masters_only(lab: Lab, inventory: dict[str, Any]) -> Path:
    """Write an inventory without workers, which are not part of the outage and would only prolong the rounds."""
    masters = {key: value for key, value in inventory.items() if key != "workers"}
    masters["policies"] = {"volumes": "none"}
    masters["defaults"] = {
        "key": str(lab.folder / "id_ed25519"),
        "known_hosts": [str(lab.folder / "known_hosts")],
        "config": "none",
    }
    path = lab.folder / "masters.yml"
    path.write_text(yaml.safe_dump(masters))
    return path


def _logins(lab: Lab, hosts: dict[str, dict[str, str]]) -> dict[str, Login]:
    password = (lab.folder / "sudo-password").read_text().strip()
    logins = {}
    for name, settings in hosts.items():
        wants_password = settings.get("sudo") == "password"
        become = "" if settings["user"] == "root" else "sudo -k -S -p '' " if wants_password else "sudo -n "
        logins[name] = Login(settings["user"], settings["address"], become, password if wants_password else "")
    return logins


def old_copy() -> str:
    """Return the path at which people keep the old data when they restore by hand."""
    return f"{DATA}.before"
