"""etcd's log in a separate folder, which may be a mount point.

The folder and all other files in it stay; only the log's files move. The tests interrupt the scripts at every rename:
etcd never starts with a mixture of old and restored files.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.adapters.snapshot_file import open_snapshot
from tests import snapshots
from tests.unit.templates.host import RUN, WITHOUT_APPLETS, Ended, FakeHost, tree, volume_values
from tests.unit.templates.way import UNDO, Way

LOG = ("0.tmp", "0000000000000000-0000000000000000.wal", "0000000000000001-0000000000000007.wal")
ONE_SHELL = pytest.mark.parametrize("host", ["dash"], indirect=True)


@pytest.fixture
def way(host: FakeHost, snapshot: Path) -> Way:
    """A member with its log in the root of a disk, as after `mkfs`; the tool is there."""
    way = Way(host, snapshot, wal=host.root / "log")
    assert way.wal
    host.write_member()
    (host.member / "wal/0.wal").unlink()
    (host.member / "wal").rmdir()
    (way.wal / "lost+found").mkdir(parents=True)
    (way.wal / "lost+found/#12").write_text("a file that fsck has found")
    (way.wal / "README").write_text("an operator's")
    for name in LOG:
        (way.wal / name).write_bytes(name.encode())
    way.bring_tool()
    return way


def files(way: Way) -> dict[str, int]:
    """Return the inode of every file of the member and of its log, by path."""
    assert way.wal
    paths = [*way.host.member.rglob("*"), *(path for path in way.wal.iterdir() if not path.name.startswith(".kr-"))]
    return {str(path.relative_to(way.host.root)): path.stat().st_ino for path in paths}


def log(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in folder.iterdir() if path.suffix in (".wal", ".tmp")}


def cut_off(way: Way, act: Callable[[], Ended], rename: int) -> bool:
    """Run the act with an `mv` that fails at that rename and kills its caller; return whether that rename began."""
    count = way.host.root / "renames"
    count.write_text("")
    text = f'echo >>{count}; [ "$(wc -l <{count})" != {rename} ] || {{ kill -9 $PPID; exit 1; }}; exec /bin/mv "$@"'
    way.host.program("mv", text)
    act()
    (way.host.programs / "mv").unlink()
    return len(count.read_text()) >= rename


class Logs:
    """The two logs, before one of them moves."""

    def __init__(self, way: Way) -> None:
        assert way.wal
        self.way, self.folder = way, way.wal
        self.database = (way.host.member / "snap/db").stat().st_ino
        self.old, self.restored = log(way.wal), log(way.wals[2])

    def are_not_mixed(self) -> None:
        """Assert that a member in its place has its complete own log and no file of the other log."""
        database = self.way.host.member / "snap/db"
        if database.exists():
            assert log(self.folder) == (self.old if database.stat().st_ino == self.database else self.restored)


def test_put_in_place_and_taken_back_within_its_folder(way: Way) -> None:
    assert way.wal
    before, inode = files(way), way.wal.stat().st_ino
    way.done()
    assert way.is_placed() and way.is_intact() and not way.is_unplaced()
    assert [path.suffix for path in way.wal.iterdir() if path.name[0] == "0"] == [".wal"]
    assert sorted(log(way.wals[1])) == list(LOG)
    assert way.wal.stat().st_ino == inode
    for _ in range(2):
        ended = way.unplace()
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert way.is_unplaced()
        assert files(way) == before
    assert [path.name for path in way.wal.glob(".kr-*")] == [f".kr-{RUN}.staged"]
    back = FakeHost(way.host.root, way.host.shell, UNDO).prepare()
    assert (
        back.act(
            "release/remove.sh",
            undone=RUN,
            paths=(
                way.wals[2],
                f"{way.wals[2]}.part.tmp",
            ),
        ).returncode
        == 0
    )
    assert sorted(path.name for path in way.wal.iterdir()) == sorted(("README", "lost+found", *LOG))


@WITHOUT_APPLETS
@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize(("act", "rename"), [*(("aside", n) for n in range(1, 6)), ("place", 1), ("place", 2)])
def test_cut_off_anywhere_it_goes_on_and_back(way: Way, act: str, rename: int, back: bool) -> None:
    """The act is interrupted at each rename. It then continues, or an abort, also interrupted, restores everything."""
    before = files(way)
    assert way.restore().returncode == 0
    logs = Logs(way)
    if act == "place":
        assert way.aside().returncode == 0
    assert cut_off(way, getattr(way, act), rename)
    logs.are_not_mixed()
    if back:
        while cut_off(way, way.unplace, 2):  # each time one rename further
            logs.are_not_mixed()
        assert way.is_unplaced() and files(way) == before
    else:
        for rest in (way.aside, way.place, way.place):
            ended = rest()
            assert ended.returncode == 0, ended.stdout + ended.stderr
        assert way.is_placed() and way.is_intact()
        assert log(way.wals[1]) == logs.old


@WITHOUT_APPLETS
def test_a_swap_that_is_cut_off_anywhere_mixes_nothing_and_goes_on(way: Way) -> None:
    assert way.wal
    before = files(way)
    assert way.restore().returncode == 0
    logs = Logs(way)
    way.done()
    (way.wal / "0000000000000001-0000000000000004.wal").write_text("written since the start")
    (way.wal / "1.tmp").write_text("too")
    logs.restored = log(way.wal)
    while cut_off(way, way.swap, 2):  # each time one rename further
        logs.are_not_mixed()
    assert files(way) == before
    assert log(way.wal / f".kr-{UNDO}") == logs.restored
    assert way.swap().returncode == 0
    assert files(way) == before


@ONE_SHELL
@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.4.23", "3.5.1"])
def test_etcd_serves_beside_what_else_lies_there(way: Way, version: str) -> None:
    """etcd logs and ignores files that are not its own: the kept log, files that a rollback set aside, lost+found."""
    assert way.wal
    tools = snapshots.tools_of(version)
    facts = open_snapshot(way.snapshot).facts
    before = files(way)
    way.bring_tool(tools)
    for act in (way.restore, way.aside, way.place):
        ended = act()
        assert ended.returncode == 0, ended.stdout + ended.stderr
    data = way.host.member.parent
    for _ in range(2):
        with snapshots.running(way.member, data, f"--wal-dir={way.wal}", tools=tools):
            assert f'"hash":{facts.hash_kv}' in snapshots.hash_kv(way.member, facts.revision).body
    assert f".kr-{RUN}" in data.with_name("data.log").read_text(), "etcd has seen it and passed over it"
    assert way.is_intact()
    ended = way.swap()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert files(way) == before


def test_a_log_that_is_gone_is_no_obstacle(way: Way) -> None:
    """A missing folder is not an obstacle either: the new folder is then etcd's own."""
    assert way.wal
    for path in way.wal.iterdir():
        path.rename(way.host.root / path.name)
    way.wal.rmdir()
    before = tree(way.host.member)
    way.done()
    assert way.is_placed() and way.is_intact()
    assert way.wal.stat().st_mode & 0o777 == 0o700
    assert not way.wals[1].exists()
    assert way.unplace().returncode == 0
    assert tree(way.host.member) == before
    assert log(way.wal) == {}


def test_a_disk_that_is_not_mounted_again_is_seen(way: Way) -> None:
    """After a reboot midway another folder is in that place, and the old data does not count as complete."""
    assert way.wal
    disk = way.host.root / "disk"

    def without_it(act: Callable[[], Ended]) -> None:
        assert way.wal
        way.wal.rename(disk)
        way.wal.mkdir()
        assert act().returncode == 3
        way.wal.rmdir()
        disk.rename(way.wal)

    before = files(way)
    assert way.restore().returncode == 0
    without_it(way.aside)
    assert files(way) == before, "nothing was set aside"
    assert way.aside().returncode == 0
    without_it(way.place)
    assert not way.host.member.exists()
    assert way.place().returncode == 0
    without_it(way.unplace)
    without_it(way.swap)
    assert not way.host.member.exists()
    way.host.hold()
    assert way.unplace().returncode == 0
    assert files(way) == before


def test_nothing_is_put_beside_another_log(way: Way) -> None:
    assert way.wal
    assert way.restore().returncode == 0
    assert way.aside().returncode == 0
    (way.wal / "0000000000000000-0000000000000000.wal").write_text("whose?")
    assert way.place().returncode == 3
    assert not way.is_placed()
    assert not way.host.member.exists()


def test_a_log_without_data_is_refused(way: Way) -> None:
    assert way.restore().returncode == 0
    way.host.member.rename(way.host.root / "elsewhere")
    ended = way.aside()
    assert ended.returncode == 3
    assert "but no data" in ended.stdout


def test_the_kept_log_goes_with_the_old_data(way: Way) -> None:
    assert way.wal
    way.done()
    changed = way.wals[1] / LOG[1]
    content, keep = changed.read_bytes(), changed.stat()
    changed.write_bytes(b"changed")
    unkeep = {"member": way.host.member, "kept": way.kept, "undone": RUN, "kept_wal": way.wals[1]}
    assert way.host.act("release/unkeep.sh", **unkeep).returncode == 3
    changed.write_bytes(content)
    os.utime(changed, ns=(keep.st_atime_ns, keep.st_mtime_ns))
    assert way.host.act("release/unkeep.sh", **unkeep).returncode == 0
    assert not way.wals[1].exists() and not way.kept.exists()
    assert way.is_placed() and (way.wal / "README").exists()


@ONE_SHELL
def test_its_disk_is_looked_at_even_where_it_is_gone(way: Way) -> None:
    assert way.wal
    host, nowhere = way.host, "http://127.0.0.1:1"
    where = volume_values(host.member.parent, host.member, nowhere, nowhere)
    for wal in (way.wal, way.wal / "gone"):
        facts = host.facts("observe/volume.sh", wal=wal, **where)
        assert facts["wal_disk"].split()[-1] == facts["data_disk"].split()[-1]
    assert facts["wal_disk"]
    assert "wal_disk" not in {name for name, text in host.facts("observe/volume.sh", **where).items() if text.strip()}
