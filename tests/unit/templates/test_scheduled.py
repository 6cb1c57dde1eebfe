"""The script of a scheduled backup, as its timer runs it: whole or none, the newest stays, and never during a run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from orchestrator.adapters.packaged import read_templates
from orchestrator.core.inventory import Paths
from orchestrator.core.schedules import Terms, wanted
from orchestrator.distros.kublr import Kublr
from tests import snapshots
from tests.unit import builders
from tests.unit.templates.host import FakeHost


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scheduled")
    (member,) = snapshots.members("etcd0")
    with snapshots.running(member, folder / "data"):
        snapshots.put(member, "/registry/pods/a", b"x")
        return snapshots.save(member, folder / "snapshot.db")


def script(host: FakeHost, snapshot: Path, **terms: int) -> Path:
    """As it lies on the first master; its agent copies the snapshot."""
    host.program("kublr", f'cp {snapshot} "$4"')
    cluster = builders.inventory()
    paths = Paths(state=str(host.state), kublr=f"{host.programs}/kublr")
    cluster = cluster.model_copy(
        update={"hosts": tuple(it.model_copy(update={"paths": paths}) for it in cluster.hosts)}
    )
    what = Terms(period_s=3600, on=1, folder=str(host.root / "backups"), **terms)
    texts = wanted(cluster, builders.masters(), Kublr(), builders.scripts(), read_templates(), what)["master-1"]
    path = host.root / "backup.sh"
    path.write_text(next(text for name, text in texts.items() if name.endswith(".sh")))
    return path


def run(host: FakeHost, path: Path) -> int:
    return subprocess.run((*host.shell, str(path)), capture_output=True, check=False, timeout=30).returncode


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


def test_a_damaged_one_is_none(host: FakeHost, snapshot: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(snapshot.read_bytes()[:-40] + bytes(40))
    assert run(host, script(host, damaged)) == 1
    assert backups(host) == []
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
    for name in (*old, "prod-10-20200101t000000z.db", "mine.db"):
        (folder / name).write_text("x")
    assert run(host, script(host, snapshot, keep=3)) == 0
    kept = backups(host)
    assert {"prod-10-20200101t000000z.db", "mine.db", *old[1:]} <= set(kept)
    assert old[0] not in kept
    assert len(kept) == 5
    assert run(host, script(host, snapshot, keep_days=30)) == 0
    assert not set(old) & set(backups(host))
    assert {"prod-10-20200101t000000z.db", "mine.db"} <= set(backups(host))


def test_the_last_one_stays_whatever_its_age(host: FakeHost, snapshot: Path) -> None:
    path = script(host, snapshot, keep=1, keep_days=1)
    assert run(host, path) == 0
    assert len(backups(host)) == 1


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
    assert host.act("timer.sh", "remove", "a.timer", theirs, mine).returncode == 3
    assert theirs.exists()
    assert host.act("timer.sh", "remove", "a.timer", mine).returncode == 0
    assert not mine.exists()


def test_two_at_once_are_one(host: FakeHost, snapshot: Path) -> None:
    path = script(host, snapshot)
    host.program("kublr", f'sleep 1; cp {snapshot} "$4"')
    running = [subprocess.Popen((*host.shell, str(path)), stdout=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=30)[0].decode() for process in running]
    assert sorted("another" in text for text in said) == [False, True]
    assert len(backups(host)) == 1
