"""The copy of the old data: complete, once, never while an etcd runs; and the list that the proof uses."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.core.proof.restored import old_files
from tests.unit.templates.host import ABSENT, OTHER_RUN, RUN, WITHOUT_APPLETS, Ended, FakeHost, peer_values, tree

pytestmark = pytest.mark.every_shell


@contextmanager
def an_etcd_on(member: Path) -> Iterator[None]:
    """Lock a database as etcd does: bbolt has an exclusive flock(2) on an open file (bbolt 1.3, bolt_unix.go)."""
    with (member / "snap/db").open("rb+") as database:
        fcntl.flock(database, fcntl.LOCK_EX)
        yield


def kept(host: FakeHost) -> Path:
    return host.root / f"data.kr-{RUN}"


def keep(host: FakeHost) -> Ended:
    return host.act("keep/copy.sh", member=host.member, kept=kept(host))


def is_kept(host: FakeHost) -> bool:
    return host.look("keep/is_set_aside.sh", state=host.state, run=RUN, kept=kept(host)).returncode == 0


def test_old_data_is_kept_and_replaced_by_copy(host: FakeHost) -> None:
    host.write_member()
    host.hold()
    (host.member / "snap").chmod(0o700)
    before, inode = tree(host.member), (host.member / "snap/db").stat().st_ino
    assert not is_kept(host)
    assert keep(host).returncode == 0
    assert tree(kept(host)) == before == tree(host.member)
    assert (kept(host) / "snap/db").stat().st_ino == inode
    assert is_kept(host)
    assert not list(host.root.glob("*.part"))


def test_list_names_every_file_of_copy(host: FakeHost) -> None:
    host.write_member()
    host.hold()
    keep(host)
    listed = (host.folder / "kept").read_text()
    found = {line.split(" ", 4)[4]: line.split(" ", 4)[:4] for line in listed.splitlines()}
    files = {str(path): path.stat() for path in host.member.rglob("*") if path.is_file()}
    assert found.keys() == files.keys()
    for path, stat in files.items():
        device, inode, _, size = found[path]
        assert (int(device), int(inode), int(size)) == (stat.st_dev, stat.st_ino, stat.st_size)
    assert set(old_files(listed, listed)) == {f"{host.member}/snap/db", f"{host.member}/wal/0.wal"}


def test_sums_match_files(host: FakeHost) -> None:
    host.write_member()
    host.hold()
    keep(host)
    database = hashlib.sha256((host.member / "snap/db").read_bytes()).hexdigest()
    assert f"{database}  ./snap/db" in (host.folder / "kept.sums").read_text().splitlines()


def test_keeping_again_changes_nothing(host: FakeHost) -> None:
    host.write_member()
    host.hold()
    keep(host)
    before = tree(kept(host)), tree(host.folder)
    (host.member / "snap/db").write_bytes(b"new")
    assert keep(host).returncode == 0
    assert (tree(kept(host)), tree(host.folder)) == before


def test_interrupted_copy_starts_again(host: FakeHost) -> None:
    host.write_member()
    host.hold()
    host.member.rename(kept(host))
    part = host.root / f"data.kr-{RUN}.part"
    (part / "snap").mkdir(parents=True)
    (part / "snap/db").write_bytes(b"half")
    assert keep(host).returncode == 0
    assert tree(kept(host)) == tree(host.member)
    assert not part.exists()


def test_repeated_act_writes_list_after_interrupted_one(host: FakeHost) -> None:
    host.write_member()
    host.hold()
    keep(host)
    listed = (host.folder / "kept").read_text()
    (host.folder / "kept").unlink()
    assert keep(host).returncode == 0
    assert sorted((host.folder / "kept").read_text().splitlines()) == sorted(listed.splitlines())


@WITHOUT_APPLETS
def test_old_data_is_put_back_if_copy_fails(host: FakeHost) -> None:
    host.write_member()
    host.hold()
    before = tree(host.member)
    host.program("cp", '/bin/cp "$@"; exit 1')  # as if the disk is full
    ended = keep(host)
    assert (ended.returncode, ended.stdout) == (1, "the old data cannot be copied; it is back in its place\n")
    assert tree(host.member) == before
    assert sorted(host.root.glob("data.kr-*")) == []
    assert not is_kept(host)


def test_data_with_symbolic_links_is_not_set_aside(host: FakeHost) -> None:
    host.write_member()
    host.hold()
    (host.member / "wal").rename(host.root / "wal")
    (host.member / "wal").symlink_to(host.root / "wal")
    ended = keep(host)
    assert (ended.returncode, ended.stdout) == (3, f"refused: there are symbolic links in {host.member}\n")
    assert not kept(host).exists()


@WITHOUT_APPLETS
def test_truncated_list_is_rejected(host: FakeHost) -> None:
    host.write_member()
    host.hold()
    host.program("stat", "exit 1")  # as if the disk is full
    assert keep(host).returncode == 1
    assert not is_kept(host)


def test_nothing_is_copied_without_hold(host: FakeHost) -> None:
    host.write_member()
    for run in (None, OTHER_RUN):
        if run:
            host.hold(run)
        ended = keep(host)
        assert (ended.returncode, ended.stdout) == (3, "refused: this host is not held\n")
    assert not kept(host).exists()


def test_nothing_is_copied_while_etcd_runs(host: FakeHost) -> None:
    host.write_member()
    host.hold()
    with an_etcd_on(host.member):
        ended = keep(host)
    assert (ended.returncode, ended.stdout) == (3, f"refused: an etcd runs on {host.member}\n")
    assert not kept(host).exists()
    assert keep(host).returncode == 0


def test_a_master_whose_data_is_gone(host: FakeHost) -> None:
    host.hold()
    assert keep(host).returncode == 0
    assert (host.folder / "kept").read_text() == "none\n"
    assert is_kept(host)


def test_a_master_whose_data_folder_is_empty(host: FakeHost) -> None:
    (host.member / "snap").mkdir(parents=True)
    host.hold()
    ended = keep(host)
    assert ended.returncode == 0, ended.stdout
    assert (host.folder / "kept").read_text() == "none\n"
    assert is_kept(host)


def test_missing_kept_copy_is_reported(host: FakeHost) -> None:
    host.write_member()
    host.hold()
    keep(host)
    kept(host).rename(host.root / "elsewhere")
    ended = host.look("keep/is_set_aside.sh", state=host.state, run=RUN, kept=kept(host))
    assert (ended.returncode, ended.stdout) == (1, f"{kept(host)} is gone\n")


def disarm(host: FakeHost) -> int:
    return host.act("start/disarm.sh", data=host.root / "data", **peer_values("https://127.0.0.1:1", ABSENT)).returncode


def test_left_behind_restore_db_is_renamed(host: FakeHost) -> None:
    data = host.root / "data"
    data.mkdir()
    assert disarm(host) == 0
    (data / "restore.db").write_bytes(b"snapshot")
    host.program("curl", "echo HTTP/1.0 200 OK")
    assert disarm(host) == 0
    assert [path.name for path in data.iterdir()] == [f"restore.db.kr-{RUN}"]
    assert (data / f"restore.db.kr-{RUN}").read_bytes() == b"snapshot"


def test_restore_db_stays_while_no_member_serves(host: FakeHost) -> None:
    """A host that has rebooted may be reading restore.db."""
    data = host.root / "data"
    data.mkdir()
    (data / "restore.db").write_bytes(b"snapshot")
    host.program("curl", "exit 7")
    assert disarm(host) == 3
    assert [path.name for path in data.iterdir()] == ["restore.db"]
