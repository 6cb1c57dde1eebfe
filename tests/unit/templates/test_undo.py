"""Undo of a run on one host: the script can die between any two lines, and touches only the run's own files."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.templates.host import OTHER_RUN, WITHOUT_APPLETS, Ended, FakeHost, tree

BACK = "20261122t040000z-aaaa"


@pytest.fixture
def back(host: FakeHost) -> FakeHost:
    """The same host as the undo's run sees it; that run holds the services down."""
    undo = replace(host, run=BACK).prepare()
    undo.hold()
    return undo


def kept(host: FakeHost) -> Path:
    """Keep the old data as the restore does, and put a restored member in its place; return the kept copy."""
    path = host.root / f"data.kr-{host.run}"
    host.write_member()
    host.hold()
    ended = host.act("keep/copy.sh", member=host.member, kept=path)
    assert ended.returncode == 0, ended.stdout
    host.hold(BACK)
    shutil.rmtree(host.member)
    host.write_member()
    return path


def swap(back: FakeHost, host: FakeHost) -> int:
    return back.act(
        "commit/swap.sh",
        data=host.root / "data",
        member=host.member,
        kept=host.root / f"data.kr-{host.run}",
        aside=aside(host),
        undone=host.run,
    ).returncode


def unschedule(back: FakeHost, host: FakeHost) -> Ended:
    schedules = host.steps("commit.schedule")
    return back.act("commit/unschedule.sh", data=host.root / "data", undone=host.run, schedules=schedules)


def is_unstarted(back: FakeHost, host: FakeHost) -> Ended:
    return back.look("commit/is_unstarted.sh", run=host.run, starts=host.steps("start."))


def aside(host: FakeHost) -> Path:
    return host.root / f"data.kr-{BACK}"


def is_returned(back: FakeHost, host: FakeHost) -> bool:
    return (
        back.look(
            "commit/is_returned.sh", state=host.state, run=BACK, data=host.root / "data", member=host.member
        ).returncode
        == 0
    )


# --- Swapping -------------------------------------------------------------------------------------------


def test_old_data_comes_back_and_the_restored_is_kept(host: FakeHost, back: FakeHost) -> None:
    path = kept(host)
    old, restored = tree(path), tree(host.member)
    (host.root / "data/restore.db").write_text("armed")
    assert host.look("keep/is_unchanged.sh", state=host.state, run=host.run, kept=path).returncode == 0
    assert not is_returned(back, host)
    assert swap(back, host) == 0
    assert (tree(host.member), tree(aside(host))) == (old, restored)
    assert (host.root / f"data/restore.db.kr-{host.run}").read_text() == "armed"
    assert is_returned(back, host)
    assert swap(back, host) == 0, "again is harmless"
    assert tree(host.member) == old


@pytest.mark.parametrize("renames", [1, 2])
def test_a_swap_that_died_between_its_renames(host: FakeHost, back: FakeHost, renames: int) -> None:
    path = kept(host)
    old, restored = tree(path), tree(host.member)
    host.member.rename(aside(host))
    if renames == 2:
        path.rename(host.member)
    assert swap(back, host) == 0
    assert (tree(host.member), tree(aside(host))) == (old, restored)
    assert is_returned(back, host)


@pytest.mark.parametrize("died", [False, True])
def test_without_old_data_the_volume_is_left_empty(host: FakeHost, back: FakeHost, died: bool) -> None:
    (host.folder / "kept").write_text("none\n")
    host.write_member()
    restored = tree(host.member)
    if died:
        host.member.rename(aside(host))
    assert swap(back, host) == 0
    assert not host.member.exists()
    assert tree(aside(host)) == restored
    assert is_returned(back, host)


def test_no_swap_where_the_run_does_not_hold_the_host(host: FakeHost, back: FakeHost) -> None:
    kept(host)
    back.hold(OTHER_RUN)
    before = tree(host.root / "data")
    assert swap(back, host) == 3
    assert tree(host.root / "data") == before


def test_kept_data_that_was_changed_is_seen(host: FakeHost, back: FakeHost) -> None:
    path = kept(host)
    (path / "wal/0.wal").write_bytes(b"changed")
    ended = back.look("keep/is_unchanged.sh", state=host.state, run=host.run, kept=path)
    assert (ended.returncode, ended.stdout) == (1, f"{path} is no longer what was kept\n")


# --- Abort ----------------------------------------------------------------------------------------------


def test_only_the_runs_own_restore_is_unscheduled(host: FakeHost, back: FakeHost) -> None:
    data = host.root / "data"
    data.mkdir()
    (data / "restore.db").write_text("whose?")
    assert unschedule(back, host).returncode == 3
    assert (data / "restore.db").exists()
    assert back.look("commit/is_untouched.sh", data=data, kept=aside(host)).returncode == 1
    step = host.folder / "steps/commit.schedule/1-a1b2"
    step.mkdir(parents=True)
    (step / "started").write_text("")
    assert unschedule(back, host).returncode == 0
    assert (data / f"restore.db.kr-{host.run}").read_text() == "whose?"
    assert back.look("commit/is_untouched.sh", data=data, kept=aside(host)).returncode == 0


def test_a_start_is_seen(host: FakeHost, back: FakeHost) -> None:
    assert is_unstarted(back, host).returncode == 0
    step = host.folder / "steps/start.lift/1-a1b2"
    step.mkdir(parents=True)
    (step / "started").write_text("")
    assert is_unstarted(back, host).returncode == 1


@pytest.mark.parametrize(
    "died_after", ["nothing", "the first rename", "the copy", "half of the way back", "the way back"]
)
def test_the_old_data_itself_comes_back(host: FakeHost, back: FakeHost, died_after: str) -> None:
    host.write_member()
    host.hold()
    old, inode = tree(host.member), (host.member / "snap/db").stat().st_ino
    path = host.root / f"data.kr-{host.run}"
    copy = host.root / f"data.kr-{host.run}.copy"
    if died_after == "the first rename":
        host.member.rename(path)
        (host.root / f"data.kr-{host.run}.part").mkdir()
    elif died_after != "nothing":
        assert host.act("keep/copy.sh", member=host.member, kept=path).returncode == 0
        assert (host.member / "snap/db").stat().st_ino != inode
    if died_after in ("half of the way back", "the way back"):
        host.member.rename(copy)
    if died_after == "the way back":
        path.rename(host.member)
    host.hold(BACK)
    assert back.act("commit/putback.sh", member=host.member, kept=path, undone=host.run).returncode == 0
    assert tree(host.member) == old
    assert (host.member / "snap/db").stat().st_ino == inode
    assert sorted(host.root.glob("data.kr-*")) == []
    assert back.look("commit/is_untouched.sh", data=host.root / "data", kept=path).returncode == 0


def test_nothing_is_put_back_on_a_host_that_is_not_held(host: FakeHost, back: FakeHost) -> None:
    path = kept(host)
    back.hold(OTHER_RUN)
    before = tree(host.root / "data")
    assert (
        back.look("commit/is_untouched.sh", data=host.root / "data", kept=path).stdout == f"the old data is in {path}\n"
    )
    assert back.act("commit/putback.sh", member=host.member, kept=path, undone=host.run).returncode == 3
    assert tree(host.root / "data") == before
    assert path.exists()


def test_what_was_kept_goes_only_while_data_is_there(host: FakeHost, back: FakeHost) -> None:
    path = kept(host)
    member = host.member.rename(host.root / "elsewhere")
    assert back.act("release/unkeep.sh", member=host.member, kept=path, undone=host.run).returncode == 3
    member.rename(host.member)
    (path / "notes").write_text("an operator's")
    assert back.act("release/unkeep.sh", member=host.member, kept=path, undone=host.run).returncode == 3
    (path / "notes").unlink()
    assert back.act("release/unkeep.sh", member=host.member, kept=path, undone=host.run).returncode == 0
    assert not path.exists()
    assert host.member.exists()


@WITHOUT_APPLETS
def test_a_removal_that_died_goes_on(host: FakeHost, back: FakeHost) -> None:
    path = kept(host)
    host.program("rm", '[ -d "$2" ] || exit 0; find "$2" -type f | head -n 1 | xargs unlink; exit 1')
    assert back.act("release/unkeep.sh", member=host.member, kept=path, undone=host.run).returncode == 1
    (host.programs / "rm").unlink()
    assert back.act("release/unkeep.sh", member=host.member, kept=path, undone=host.run).returncode == 0
    assert sorted(host.root.glob("data.kr-*")) == []
    assert host.member.exists()


def test_nothing_is_removed_that_is_not_named_after_the_run(host: FakeHost, back: FakeHost) -> None:
    mine, other = host.folder / "snapshot.db", host.root / f"data.kr-{OTHER_RUN}"
    for path in (mine, other, host.folder / "safety.db"):
        path.write_text("bytes")
    for path in (other, host.folder / "safety.db", host.member):
        assert back.act("release/remove.sh", undone=host.run, paths=(path,)).returncode == 3
    assert back.act("release/remove.sh", undone=host.run, paths=(mine,)).returncode == 0
    assert not mine.exists()
    assert other.exists()


def test_with_the_snapshot_goes_what_has_arrived_of_it(host: FakeHost, back: FakeHost) -> None:
    for name in ("snapshot.db.part.1-a1b2.0", "snapshot.db.part.2-c3d4.1", "snapshot.db.receiver", "safety.db"):
        (host.folder / name).write_text("bytes")
    assert back.act("release/remove.sh", undone=host.run, paths=(host.folder / "snapshot.db",)).returncode == 0
    assert {path.name for path in host.folder.glob("s*.db*")} == {"safety.db"}


# --- Taking over ----------------------------------------------------------------------------------------


def claim(host: FakeHost, undone: str = "") -> int:
    (host.folder / "plan.json").write_text("{}")
    return host.act("claim/take.sh", laptop="ana@laptop", undone=undone).returncode


def test_a_claim_is_taken_over_from_the_named_run_alone(host: FakeHost, back: FakeHost) -> None:
    (host.folder / "attempt").write_text("3-a1b2\n")
    assert claim(host) == 0
    assert claim(back) == 11
    assert claim(back, OTHER_RUN) == 11
    assert claim(back, host.run) == 0
    assert back.look("claim/is_ours.sh", state=host.state, run=BACK).returncode == 0
    assert (host.folder / "attempt").read_text() == "4-undone\n", "its acts are fenced"
    assert (host.folder / "undone").read_text() == f"{BACK}\n"
    assert host.facts("observe/run.sh", state=host.state, run=host.run)["undone"] == f"{BACK}\n"
    assert claim(host) == 11


def test_the_hold_of_the_run_is_lifted_by_its_name(host: FakeHost, back: FakeHost) -> None:
    host.hold()
    assert back.act("start/lift.sh").returncode == 1
    assert back.act("start/lift.sh", undone=host.run).returncode == 0
    assert not (host.state / "hold").exists()


def test_the_lines_of_the_run_are_taken_out_by_its_name(host: FakeHost, back: FakeHost) -> None:
    hosts = host.root / "hosts"
    hosts.write_text("127.0.0.1 localhost\n")
    assert host.act("resolve/hosts.sh", hosts=hosts, lines="10.0.0.1 etcd0").returncode == 0
    assert back.act("release/hosts.sh", hosts=hosts).returncode == 0
    assert "etcd0" in hosts.read_text()
    assert back.act("release/hosts.sh", hosts=hosts, undone=host.run).returncode == 0
    assert hosts.read_text() == "127.0.0.1 localhost\n"


@WITHOUT_APPLETS
def test_what_a_run_has_left_is_told_with_its_size(host: FakeHost) -> None:
    (host.folder / "snapshot.db").write_bytes(b"x" * 5000)
    data = host.root / "data"
    data.mkdir()
    (data / f"restore.db.kr-{host.run}").write_bytes(b"x")
    (data / f"restore.db.kr-{OTHER_RUN}").write_bytes(b"x")
    facts = host.facts(
        "observe/leftovers.sh", state=host.state, run=host.run, data=data, kept=host.root / f"data.kr-{host.run}"
    )
    assert {line.split("\t")[1] for line in facts["made"].splitlines()} == {
        str(host.folder / "snapshot.db"),
        str(data / f"restore.db.kr-{host.run}"),
    }
    assert facts["kept"] == ""
    assert "released" not in facts
