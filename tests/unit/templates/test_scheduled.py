"""The script of a scheduled backup, as its timer runs it: complete or none, never during a run; the newest stays."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pytest

from orchestrator.adapters.stores.folder import BackupFolder
from orchestrator.adapters.templates import read_templates
from orchestrator.core.hosts.view import ApiServer, MasterView
from orchestrator.core.inventory.declared import Paths
from orchestrator.core.snapshots.backups import FileFacts, ScheduledFacts, read_facts
from orchestrator.core.snapshots.schedules import Terms, wanted
from orchestrator.distros import KUBLR
from tests import snapshots
from tests.unit import builders
from tests.unit.templates.host import FakeHost

SECRET = "bm90aGluZyBidXQgYSBzZWNyZXQga2V5ISE="
ENCRYPTION = f"""resources:
  - resources: [secrets]
    providers:
      - aescbc:
          keys:
            - name: key2
              secret: {SECRET}
            - name: "key1"
              secret: {SECRET}
      - identity: {{}}
"""


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scheduled")
    (member,) = snapshots.members("etcd0")
    with snapshots.running(member, folder / "data"):
        snapshots.put(member, "/registry/pods/a", b"x")
        return snapshots.save(member, folder / "snapshot.db")


def script(host: FakeHost, snapshot: Path, views: Mapping[str, MasterView] | None = None, **terms: int) -> Path:
    """The script as it is on the first master; the agent there copies the snapshot."""
    host.program("kublr", f'cp {snapshot} "$4"')
    cluster = builders.inventory()
    paths = Paths(state=str(host.state), kublr=f"{host.programs}/kublr")
    cluster = cluster.model_copy(
        update={"hosts": tuple(it.model_copy(update={"paths": paths}) for it in cluster.hosts)}
    )
    what = Terms(period_s=3600, on=1, folder=str(host.root / "backups"), **terms)
    texts = wanted(cluster, views or builders.masters(), KUBLR, builders.scripts(), read_templates(), what)["master-1"]
    path = host.root / "backup.sh"
    path.write_text(next(text for name, text in texts.items() if name.endswith(".sh")))
    return path


def run(host: FakeHost, path: Path) -> int:
    return subprocess.run((*host.shell, str(path)), capture_output=True, check=False, timeout=60).returncode


def backups(host: FakeHost) -> list[str]:
    return sorted(path.name for path in (host.root / "backups").glob("*.db"))


def told(host: FakeHost, name: str) -> str:
    path = host.root / "backups" / name
    return path.read_text() if path.exists() else ""


def test_a_backup_is_whole_private_and_told(host: FakeHost, snapshot: Path) -> None:
    assert run(host, script(host, snapshot)) == 0
    (name,) = backups(host)
    path = host.root / "backups" / name
    assert path.read_bytes() == snapshot.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert told(host, ".good").split()[1:] == [str(path.stat().st_size), told(host, ".good").split()[2], path.stem]
    assert told(host, ".last").split()[1] == "good"
    assert not (path.parent / ".work").exists()


@contextlib.contextmanager
def serving(host: FakeHost, api: ApiServer) -> Iterator[tuple[dict[str, MasterView], str]]:
    """A master with a member that answers, and the id of its cluster."""
    (member,) = snapshots.members("etcd0")
    view = builders.masters()["master-1"]
    assert view.member.config is not None
    etcd = replace(view.member.config, peer_url=member.peer_url, address=member.peer_address)
    with snapshots.running(member, host.root / "etcd"):
        cluster_id = snapshots.request(member.peer_port, "GET", "/members").cluster_id
        yield builders.masters() | {"master-1": builders.altered(view, config=etcd, api=api)}, cluster_id


def beside(host: FakeHost) -> ScheduledFacts:
    """Return the facts of the only backup."""
    (path,) = (host.root / "backups").glob("*.json")
    assert path.with_suffix(".db").exists()
    assert path.stat().st_mode & 0o777 == 0o600
    found = read_facts(path.read_bytes())
    assert isinstance(found, ScheduledFacts)
    return found


def test_beside_it_lies_what_a_backup_of_the_laptops_would_have(host: FakeHost, snapshot: Path) -> None:
    """Except facts that need the snapshot's pages. The paths contain characters that break shells and JSON."""
    config, key, absent = (host.root / name for name in ("encryption.yaml", """a 'key' "b" $(c).pub""", "absent"))
    config.write_text(ENCRYPTION)
    key.write_text("public\n")
    api = ApiServer(client_ca=str(absent), service_account_keys=(str(key),), encryption=str(config))
    with serving(host, api) as (views, cluster_id):
        path = script(host, snapshot, views)
        assert run(host, path) == 0
    (name,) = backups(host)
    taken_at = datetime.strptime(name, "prod-1-%Y%m%dt%H%M%Sz.db").strftime("%Y-%m-%dT%H:%M:%SZ")
    assert beside(host) == ScheduledFacts(
        cluster="prod-1",
        taken_at_utc=taken_at,
        host="master-1",
        member="etcd0",
        etcd_version="3.5.1",
        cluster_id=cluster_id,
        shared_files={str(it): sha256(it.read_bytes()).hexdigest() for it in (key, config)},
        encryption_keys=("aescbc key2", "aescbc key1", "identity"),
        snapshot=FileFacts(size_bytes=snapshot.stat().st_size, sha256=sha256(snapshot.read_bytes()).hexdigest()),
    )
    assert SECRET not in path.read_text() + (host.root / "backups" / name).with_suffix(".json").read_text()


def test_what_cannot_be_had_is_left_out(host: FakeHost, snapshot: Path) -> None:
    """The member does not answer, and there is no API server's manifest."""
    assert run(host, script(host, snapshot)) == 0
    found = beside(host)
    assert (found.etcd_version, found.cluster_id, found.shared_files, found.encryption_keys) == ("", "", {}, ())
    assert found.snapshot.size_bytes == snapshot.stat().st_size


def test_a_backup_without_facts_is_a_backup(host: FakeHost, snapshot: Path) -> None:
    path = script(host, snapshot)
    host.program("kublr", f'cp {snapshot} "$4"; mkdir "$STATE/facts"')
    assert run(host, path) == 0
    assert len(backups(host)) == 1
    assert list((host.root / "backups").glob("*.json")) == []
    assert told(host, ".last").split()[1] == "good"


def test_a_folder_of_them_that_was_copied_is_one_of_good_backups(host: FakeHost, snapshot: Path) -> None:
    assert run(host, script(host, snapshot)) == 0
    found = asyncio.run(BackupFolder(host.root / "backups").backups("prod-1"))
    assert [it.good for it in found] == [True]
    assert [f"{it.name}.db" for it in found] == backups(host)


def test_a_damaged_one_is_none(host: FakeHost, snapshot: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(snapshot.read_bytes()[:-40] + bytes(40))
    assert run(host, script(host, damaged)) == 1
    assert backups(host) == []
    assert list((host.root / "backups").glob("*.json")) == []
    assert "failed the safety snapshot is damaged" in told(host, ".last")
    assert told(host, ".good") == ""


@pytest.mark.parametrize("name", ["claim", "hold"])
def test_none_is_taken_while_a_run_holds_the_host(host: FakeHost, snapshot: Path, name: str) -> None:
    (host.state / name).write_text("x")
    assert run(host, script(host, snapshot)) == 0
    assert backups(host) == []
    assert "skipped" in told(host, ".last")


def test_too_many_and_too_old_ones_go_and_other_files_stay(host: FakeHost, snapshot: Path) -> None:
    folder = host.root / "backups"
    folder.mkdir()
    old = ["prod-1-20200101t000000z.db", "prod-1-20210101t000000z.db", "prod-1-20220101t000000z.db"]
    others = ("prod-10-20200101t000000z.db", "prod-10-20200101t000000z.json", "mine.db", "mine.json")
    for name in (*old, *(name.replace(".db", ".json") for name in old[:2]), *others):
        (folder / name).write_text("x")
    assert run(host, script(host, snapshot, keep=3)) == 0
    assert not (folder / old[0]).with_suffix(".json").exists()
    assert (folder / old[1]).with_suffix(".json").exists()
    kept = backups(host)
    assert {"prod-10-20200101t000000z.db", "mine.db", *old[1:]} <= set(kept)
    assert old[0] not in kept
    assert len(kept) == 5
    assert run(host, script(host, snapshot, keep_days=30)) == 0
    assert not set(old) & set(backups(host))
    assert set(others) <= {path.name for path in folder.iterdir()}
    assert sorted(path.stem for path in folder.glob("*.json")) == sorted(Path(name).stem for name in backups(host))


def test_the_last_one_stays_whatever_its_age(host: FakeHost, snapshot: Path) -> None:
    path = script(host, snapshot, keep=1, keep_days=1)
    assert run(host, path) == 0
    assert len(backups(host)) == 1
    assert beside(host).snapshot.size_bytes == snapshot.stat().st_size


def test_the_one_just_made_stays_though_a_clock_was_set_back(host: FakeHost, snapshot: Path) -> None:
    folder = host.root / "backups"
    folder.mkdir()
    (folder / "prod-1-20990101t000000z.db").write_text("x")
    assert run(host, script(host, snapshot, keep=1)) == 0
    assert f"{told(host, '.good').split()[3]}.db" in backups(host)


def test_a_run_that_comes_in_between_makes_it_none(host: FakeHost, snapshot: Path) -> None:
    path = script(host, snapshot)
    host.program("kublr", f'cp {snapshot} "$4"; touch {host.state}/claim')
    assert run(host, path) == 0
    assert backups(host) == []
    assert "skipped" in told(host, ".last")


def test_only_what_is_ours_is_removed(host: FakeHost, snapshot: Path) -> None:
    mine, theirs = script(host, snapshot), host.root / "other.timer"
    theirs.write_text("[Timer]\n")
    host.program("systemctl", "exit 0")
    assert (
        host.act(
            "commit/end-timer.sh",
            timer="a.timer",
            files=(
                theirs,
                mine,
            ),
        ).returncode
        == 3
    )
    assert theirs.exists()
    assert host.act("commit/end-timer.sh", timer="a.timer", files=(mine,)).returncode == 0
    assert not mine.exists()


def test_two_at_once_are_one(host: FakeHost, snapshot: Path) -> None:
    path = script(host, snapshot)
    host.program("kublr", f'sleep 1; cp {snapshot} "$4"')
    running = [subprocess.Popen((*host.shell, str(path)), stdout=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=30)[0].decode() for process in running]
    assert sorted("another" in text for text in said) == [False, True]
    assert len(backups(host)) == 1
