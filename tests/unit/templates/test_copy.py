"""A snapshot that is already on a master: the copy is complete or missing; the file itself stays unchanged."""

from __future__ import annotations

import hashlib

from tests.unit.templates.host import Ended, FakeHost, tree

SNAPSHOT = b"all of the cluster" * 1000
SHA256 = hashlib.sha256(SNAPSHOT).hexdigest()


def copy(host: FakeHost, sha256: str = SHA256) -> Ended:
    folder = host.root / "back ups"
    folder.mkdir(exist_ok=True)
    (folder / "etcd.db").write_bytes(SNAPSHOT)
    return host.act("stage/copy.sh", source=folder / "etcd.db", path=host.folder / "snapshot.db", sha256=sha256)


def test_it_is_copied_for_its_owners_eyes_only(host: FakeHost) -> None:
    assert copy(host).returncode == 0
    assert (host.folder / "snapshot.db").read_bytes() == SNAPSHOT
    assert (host.folder / "snapshot.db").stat().st_mode & 0o777 == 0o600
    assert host.look("stage/is_received.sh", path=host.folder / "snapshot.db", sha256=SHA256).returncode == 0
    assert [it.name for it in host.folder.glob("snapshot*")] == ["snapshot.db"]


def test_a_damaged_copy_and_what_a_crash_left_are_replaced(host: FakeHost) -> None:
    (host.folder / "snapshot.db").write_bytes(b"half")
    (host.folder / "snapshot.db.part.copy").write_bytes(b"half")
    assert copy(host).returncode == 0
    assert (host.folder / "snapshot.db").read_bytes() == SNAPSHOT


def test_another_file_than_the_plans_is_refused(host: FakeHost) -> None:
    ended = copy(host, "0" * 64)
    assert ended.returncode == 1
    assert "has changed since the plan was made" in ended.stdout
    assert not list(host.folder.glob("snapshot*"))
    assert "back ups/etcd.db" in tree(host.root)


def test_a_file_that_is_gone_is_told(host: FakeHost) -> None:
    ended = host.act("stage/copy.sh", source=host.root / "none.db", path=host.folder / "snapshot.db", sha256=SHA256)
    assert ended.returncode == 1
    assert "none.db" in ended.stderr + ended.stdout
    assert not list(host.folder.glob("snapshot*"))
