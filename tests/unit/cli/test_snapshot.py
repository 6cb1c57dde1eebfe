"""`snapshot verify` and `snapshot inspect` as a user types them: exit codes, what is printed, and the JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import snapshots
from tests.kubernetes_objects import lease_bytes, node_bytes

MOMENT = "2026-11-20T03:10:07+00:00"


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def orchestrator(*words: str | Path) -> Ended:
    argv = [sys.executable, "-m", "orchestrator", "snapshot", *map(str, words)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    return Ended(done.returncode, done.stdout, done.stderr)


def document(*words: str | Path) -> Any:
    ended = orchestrator(*words, "--json", "--quiet")
    assert ended.code == 0, ended
    assert ended.err == ""
    return json.loads(ended.out)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two Nodes, a lease, and a few objects."""
    from datetime import datetime

    folder = tmp_path_factory.mktemp("kubernetes")
    at = datetime.fromisoformat(MOMENT)
    (member,) = snapshots.members("etcd0")
    with snapshots.running(member, folder / "data"):
        for name in ("node-a", "node-b"):
            snapshots.put(member, f"/registry/minions/{name}", node_bytes(name, True, at))
        snapshots.put(member, "/registry/leases/kube-node-lease/node-a", lease_bytes("node-a", "node-a", at))
        for number in range(3):
            snapshots.put(member, f"/registry/configmaps/default/map-{number}", b"k8s\0")
        return snapshots.save(member, folder / "backup.db")


def test_a_whole_file(path: Path) -> None:
    ended = orchestrator("verify", path)
    assert ended.code == 0
    assert ended.out.splitlines()[0].split() == ["result", "intact"]
    found = document("verify", path)
    assert (found["is_whole"], found["trailer"], found["damages"]) == (True, "fits", [])


def test_a_damaged_file_says_what_is_next(path: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    damaged.write_bytes(data)
    ended = orchestrator("verify", damaged)
    assert ended.code == 3
    assert "NOT intact: do not restore it" in ended.out
    assert ended.err.splitlines()[-1].startswith(f"error: {damaged} is damaged or incomplete: take another backup")
    refused = orchestrator("inspect", damaged)
    assert refused.code == 3
    assert "was altered" in refused.err


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for command in ("verify", "inspect"):
        ended = orchestrator(command, tmp_path / "absent.db")
        assert ended.code == 64
        assert f"next: ls -l {tmp_path}/absent.db" in ended.err


def test_inspect_tells_what_etcd_and_kubernetes_have_in_it(path: Path) -> None:
    ended = orchestrator("inspect", path)
    assert ended.code == 0
    status = snapshots.status(path)
    assert f"{status['hash']:x}, as `etcdutl snapshot status` prints it" in ended.out
    assert "2: node-a, node-b" in ended.out
    assert "2026-11-20 03:10:07 UTC" in ended.out
    assert any(line.split() == ["3", "configmaps", "default", "3"] for line in ended.out.splitlines())


def test_inspect_as_json(path: Path) -> None:
    urls = "etcd0=http://10.0.0.1:2380,etcd1=http://10.0.0.2:2380"
    found = document("inspect", path, "--initial-cluster", urls, "--token", "fresh", "--bump-revision", "1000")
    status = snapshots.status(path)
    assert (found["format"], found["kind"]) == (1, "snapshot")
    assert found["details"]["status_hash"] == status["hash"]
    assert found["snapshot"]["total_entries"] == status["totalKey"]
    assert found["contents"]["newest_renewal_utc"] == MOMENT
    assert sorted(found["ids"]["members"]) == ["etcd0", "etcd1"]
    assert found["bump"]["revision"] == found["snapshot"]["last_entry_revision"] + 1000


def test_a_wrong_initial_cluster(path: Path) -> None:
    ended = orchestrator("inspect", path, "--initial-cluster", "etcd0")
    assert ended.code == 64
    assert "is not NAME=URL" in ended.err


def test_without_the_extra_an_object_store_is_refused_with_the_way_to_get_it() -> None:
    text = "import sys; sys.modules['obstore'] = None; from orchestrator.cli.main import main; main()"
    argv = [sys.executable, "-c", text, "snapshot", "verify", "s3://bucket/x.db"]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ended.returncode == 64
    assert "not installed: obstore" in ended.stderr
    assert ended.stderr.splitlines()[-1] == "next: pipx inject orchestrator obstore"
    assert "pip install obstore" in ended.stderr


def test_a_file_on_a_master_needs_the_inventory() -> None:
    argv = [sys.executable, "-m", "orchestrator", "snapshot", "verify", "master-1:/backup.db"]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ended.returncode == 64
    assert "name the inventory with -i" in ended.stderr
