"""The manual strategy's scripts, with etcd's real tools: stage next to the old data, put in place, undo."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from orchestrator.adapters.snapshot_file import open_snapshot
from orchestrator.core.hosts.etcd_tools import ToolPlace, parse_tools
from orchestrator.etcd.details import bumped
from orchestrator.etcd.ids import predict_ids
from orchestrator.etcd.members import parse_hash_kv
from orchestrator.etcd.snapshot import SnapshotFacts
from tests import snapshots
from tests.unit.templates.host import RUN, WITHOUT_APPLETS, Ended, FakeHost, tree, volume_values
from tests.unit.templates.way import TOKEN, Way

ONE_SHELL = pytest.mark.parametrize("host", ["dash"], indirect=True)


@pytest.fixture(scope="module")
def facts(snapshot: Path) -> SnapshotFacts:
    return open_snapshot(snapshot).facts


@ONE_SHELL
@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.4.23", "3.5.1", "3.5.16"])
def test_what_is_placed_serves_the_snapshot_under_the_foretold_id(
    host: FakeHost, snapshot: Path, facts: SnapshotFacts, version: str
) -> None:
    way, tools = Way(host, snapshot), snapshots.tools_of(version)
    host.write_member()
    way.bring_tool(tools)
    restored = way.restore()
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert way.is_staged()
    assert not way.is_placed()
    assert way.aside().returncode == 0
    assert way.place().returncode == 0
    assert way.is_placed()
    with snapshots.running(way.member, host.member.parent, tools=tools):
        answer = snapshots.hash_kv(way.member, facts.revision)
    ids = predict_ids({"etcd0": (way.member.peer_url,), "etcd1": ("http://10.0.0.2:2380",)}, TOKEN)
    assert answer.cluster_id == ids.cluster
    assert f'"hash":{facts.hash_kv}' in answer.body


@ONE_SHELL
@pytest.mark.slow
@pytest.mark.parametrize("server", ["3.5.1", "3.5.16"])
def test_bumped_restores_answer_the_predicted_hash_each_time(
    host: FakeHost, snapshot: Path, tmp_path: Path, server: str
) -> None:
    """Two restores from one file, the second with a larger bump, and one from a snapshot of bumped data."""
    tool = snapshots.tools_of("3.5.16")
    again = tmp_path / "again.db"
    for path, amount in ((snapshot, 10**9), (snapshot, 2 * 10**9), (again, 10**9)):
        predicted = bumped(open_snapshot(path).keys, amount)
        for folder in (host.member, host.state / RUN / "staged"):
            remove(folder)
        way = Way(host, path)
        way.bring_tool(tool)
        restored = way.restore(bump=amount)
        assert restored.returncode == 0, restored.stdout + restored.stderr
        assert way.is_staged()
        data = tmp_path / f"data-{predicted.revision}"
        way.staged.rename(data)
        with snapshots.running(way.member, data, "--force-new-cluster", tools=snapshots.tools_of(server)):
            said = parse_hash_kv(snapshots.hash_kv(way.member, 0).body)
            snapshots.put(way.member, "/registry/pods/new", b"x")
            if path == snapshot and amount == 10**9:
                snapshots.save(way.member, again)
        assert (said.revision, said.compacted_revision) == (predicted.revision, predicted.revision)
        assert said.hash_kv == predicted.hash_kv


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def test_a_tree_is_staged_whole_or_not_at_all(host: FakeHost, snapshot: Path) -> None:
    way = Way(host, snapshot)
    way.bring_tool()
    assert not way.is_staged()
    half = Path(f"{way.staged}.part/member/snap")  # left by an act that died
    half.mkdir(parents=True)
    (half / "db").write_bytes(b"half")
    assert way.restore().returncode == 0
    assert way.is_staged()
    assert not half.exists()
    before = tree(way.staged)
    assert way.restore().returncode == 0
    assert tree(way.staged) == before, "restored once"
    (way.staged / "member/snap/db").write_bytes(b"short")
    assert not way.is_staged()


def test_a_damaged_snapshot_stages_nothing(host: FakeHost, snapshot: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    content = bytearray(snapshot.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    way = Way(host, damaged)
    way.bring_tool()
    ended = way.restore()
    assert ended.returncode == 1
    assert "could not restore" in ended.stdout
    assert not list(host.member.parent.iterdir())


def test_the_old_data_is_renamed_and_not_copied(host: FakeHost, snapshot: Path) -> None:
    way = Way(host, snapshot)
    host.write_member()
    before = {path.relative_to(host.member): path.stat().st_ino for path in host.member.rglob("*")}
    assert way.aside().returncode == 0
    assert {path.relative_to(way.kept): path.stat().st_ino for path in way.kept.rglob("*")} == before
    assert not host.member.exists()
    assert way.is_intact()
    listed = (host.folder / "kept").read_text()
    assert all(f" {path.stat().st_ino} " in listed for path in way.kept.rglob("*") if path.is_file())
    assert way.aside().returncode == 0
    (way.kept / "snap/db").write_bytes(b"changed")
    assert not way.is_intact()


@WITHOUT_APPLETS
def test_nothing_is_moved_under_an_etcd_or_without_the_hold(host: FakeHost, snapshot: Path) -> None:
    way = Way(host, snapshot)
    host.write_member()
    with (host.member / "snap/db").open("rb+") as database:
        fcntl.flock(database, fcntl.LOCK_EX)
        assert way.aside().returncode == 3
    (host.state / "hold").unlink()
    assert way.aside().returncode == 3
    assert way.place().returncode == 3
    assert host.member.exists()


def test_nothing_is_put_where_something_lies(host: FakeHost, snapshot: Path) -> None:
    way = Way(host, snapshot)
    way.bring_tool()
    assert way.restore().returncode == 0
    assert way.aside().returncode == 0  # there was no old data
    assert (host.folder / "kept").read_text() == "none\n"
    host.write_member()
    assert way.place().returncode == 3
    assert not way.is_placed()


def test_before_the_start_all_is_put_back_as_it_was(host: FakeHost, snapshot: Path) -> None:
    way = Way(host, snapshot)
    host.write_member()
    before = {path: path.stat().st_ino for path in host.member.rglob("*")}
    assert way.is_unplaced()
    way.done()
    assert way.is_placed()
    assert not way.is_unplaced()
    assert way.is_intact()
    assert len(list((host.member / "wal").glob("*.wal"))) == 1
    for _ in range(2):
        ended = way.unplace()
        assert ended.returncode == 0, ended.stdout
        assert way.is_unplaced()
        assert {path: path.stat().st_ino for path in host.member.rglob("*")} == before


def test_a_data_folder_that_is_a_mount_point_keeps_all_of_it_within(host: FakeHost, snapshot: Path) -> None:
    way = Way(host, snapshot)
    way.kept = host.member.parent / f".kr-{RUN}"
    host.write_member()
    (host.member.parent / "lost+found").mkdir()
    before, around = tree(host.member), sorted(path.name for path in host.root.iterdir())
    way.done()
    assert way.is_placed() and way.is_intact()
    assert sorted(path.name for path in host.root.iterdir()) == around, "nothing lies beside it"
    assert way.unplace().returncode == 0 and way.is_unplaced()
    assert tree(host.member) == before


@WITHOUT_APPLETS
def test_the_restored_data_gets_the_old_ones_owner_mode_and_label(host: FakeHost, snapshot: Path) -> None:
    host.program("chcon", "exit 0")
    way = Way(host, snapshot)
    way.bring_tool()
    label = "system_u:object_r:container_file_t:s0:c1,c2"
    assert way.restore(owner=f"{os.getuid()}:{os.getgid()} 750 {label}").returncode == 0
    assert (way.staged / "member").stat().st_mode & 0o777 == 0o750
    assert host.calls == [f"chcon -R {label} {way.staged}.part/member"]


@WITHOUT_APPLETS
def test_files_are_known_where_find_is_busyboxs(host: FakeHost, snapshot: Path) -> None:
    """Busybox's find runs its own stat for -exec, which prints no birth time; unplace uses the host's stat."""
    host.program("find", 'exec busybox find "$@"')
    way = Way(host, snapshot)
    host.write_member()
    before = tree(host.member)
    way.done()
    assert " W " not in (host.folder / "staged").read_text() + (host.folder / "kept").read_text()
    assert way.unplace().returncode == 0 and way.is_unplaced()
    assert tree(host.member) == before


def test_a_master_without_old_data_has_none_again(host: FakeHost, snapshot: Path) -> None:
    way = Way(host, snapshot)
    host.member.mkdir()
    way.done()
    assert not way.is_unplaced()
    assert way.unplace().returncode == 0
    assert way.is_unplaced()
    assert host.member.is_dir()
    assert not list(host.member.iterdir())


def test_what_was_only_renamed_is_removed_by_its_stats(host: FakeHost, snapshot: Path) -> None:
    way = Way(host, snapshot)
    host.write_member()
    way.done()
    database = way.kept / "snap/db"
    content, last_change_ns = database.read_bytes(), database.stat().st_mtime_ns
    database.write_bytes(b"changed")
    assert host.act("release/unkeep.sh", member=host.member, kept=way.kept, undone=RUN).returncode == 3
    assert way.kept.exists()
    database.write_bytes(content)
    os.utime(database, ns=(last_change_ns, last_change_ns))
    assert host.act("release/unkeep.sh", member=host.member, kept=way.kept, undone=RUN).returncode == 0
    assert not way.kept.exists()


@pytest.mark.slow
@ONE_SHELL
def test_a_restore_gives_way_to_a_live_etcd_that_loses_its_leader(
    host: FakeHost, snapshot: Path, tmp_path: Path
) -> None:
    way = Way(host, snapshot)
    way.tool.write_text("#!/bin/sh\nexec sleep 60\n")
    (live,) = snapshots.members("live")
    began = time.monotonic()
    with snapshots.running(live, tmp_path / "live"):
        snapshots.call(live, "maintenance/status", {})
        ended: list[Ended] = []
        restoring = threading.Thread(target=lambda: ended.append(way.restore(live)))
        restoring.start()
        time.sleep(2)
        assert restoring.is_alive()
    restoring.join()
    assert ended[0].returncode == 1
    assert "lost its leader" in ended[0].stdout
    assert time.monotonic() - began < 45
    assert not list(host.member.parent.iterdir())


@ONE_SHELL
def test_the_tool_is_found_beside_the_etcd_that_runs_and_copied(host: FakeHost, snapshot: Path, tmp_path: Path) -> None:
    way = Way(host, snapshot)
    with snapshots.running(way.member, host.member.parent):
        url = way.member.peer_url
        where = volume_values(host.member.parent, host.member, url, way.member.client_url)
        facts = host.facts("observe/volume.sh", **where)
        assert int(facts["database_bytes"]) == (host.member / "snap/db").stat().st_size
    tools = parse_tools(facts["tools"])
    assert [(tool.place, tool.version) for tool in tools] == [(ToolPlace.HOST, "3.5.1")] * 2
    assert [Path(tool.path).name for tool in tools] == ["etcdutl", "etcdctl"]
    assert facts["owner"].split()[:2] == [f"{os.getuid()}:{os.getgid()}", "700"]
    path = tools[0].path
    assert (
        host.act(
            "stage/tool.sh", place="host", path=path, version="3.5.0", member=host.member, copy=way.tool
        ).returncode
        == 1
    ), "another version"
    assert not way.tool.exists()
    assert (
        host.act(
            "stage/tool.sh", place="host", path=path, version="3.5.1", member=host.member, copy=way.tool
        ).returncode
        == 0
    )
    assert way.tool.read_bytes() == Path(path).read_bytes()
