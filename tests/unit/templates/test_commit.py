"""Schedule of the restore, and the safety snapshot before it: the vendor's program acts, the scripts check it."""

from __future__ import annotations

import hashlib

import pytest

from tests.unit.templates.host import OTHER_RUN, RUN, Ended, FakeHost
from tests.unit.templates.test_keep import an_etcd_on

pytestmark = pytest.mark.every_shell

SNAPSHOT = b"all of the cluster" * 1000
SHA256 = hashlib.sha256(SNAPSHOT).hexdigest()


def schedule(host: FakeHost, *, agent: str = 'cp "$4" "$DATA/restore.db"') -> Ended:
    """Schedule the restore; ``agent`` is the shell code that the vendor's `etcd restore --file FILE` runs."""
    data = host.root / "data"
    data.mkdir(exist_ok=True)
    (host.folder / "snapshot.db").write_bytes(SNAPSHOT)
    host.program("kublr", f"DATA={data}\n{agent}")
    return host.act(
        "commit/schedule.sh",
        agent=host.programs / "kublr",
        snapshot=host.folder / "snapshot.db",
        member=host.member,
        data=data,
        sha256=SHA256,
    )


def scheduled(host: FakeHost) -> Ended:
    return host.look("stage/is_received.sh", path=host.root / "data/restore.db", sha256=SHA256)


def test_the_agent_is_told_the_file(host: FakeHost) -> None:
    host.hold()
    assert schedule(host).returncode == 0
    assert host.calls == [f"kublr etcd restore --file {host.folder}/snapshot.db"]
    assert scheduled(host).returncode == 0


def test_what_is_scheduled_already_is_left_alone(host: FakeHost) -> None:
    host.hold()
    schedule(host)
    assert schedule(host, agent="exit 1").returncode == 0
    assert len(host.calls) == 1


def test_another_restore_db_is_kept_under_another_name(host: FakeHost) -> None:
    host.hold()
    (host.root / "data").mkdir()
    (host.root / "data/restore.db").write_bytes(b"half")
    assert schedule(host).returncode == 0
    assert (host.root / f"data/restore.db.kr-{RUN}-1-a1b2").read_bytes() == b"half"
    assert scheduled(host).returncode == 0


def test_nothing_is_scheduled_on_a_host_that_is_not_held(host: FakeHost) -> None:
    for run in (None, OTHER_RUN):
        if run:
            host.hold(run)
        ended = schedule(host)
        assert (ended.returncode, ended.stdout) == (3, "refused: this host is not held\n")
    assert host.calls == []


def test_nothing_is_scheduled_while_an_etcd_runs(host: FakeHost) -> None:
    host.write_member()
    host.hold()
    with an_etcd_on(host.member):
        ended = schedule(host)
    assert (ended.returncode, ended.stdout) == (3, f"refused: an etcd runs on {host.member}\n")
    assert host.calls == []


def test_an_agent_that_fails_or_lies(host: FakeHost) -> None:
    host.hold()
    assert schedule(host, agent="exit 7").returncode == 1
    assert scheduled(host).stdout == f"{host.root}/data/restore.db does not exist\n"
    assert schedule(host, agent='head -c 100 "$4" >"$DATA/restore.db"').returncode == 0
    ended = scheduled(host)
    cut = hashlib.sha256(SNAPSHOT[:100]).hexdigest()
    assert (ended.returncode, ended.stdout) == (1, f"{host.root}/data/restore.db has sha256 {cut}, not {SHA256}\n")


# --- The safety snapshot --------------------------------------------------------------------------------

WHOLE = SNAPSHOT + hashlib.sha256(SNAPSHOT).digest()


def take(host: FakeHost, content: bytes) -> Ended:
    (host.root / "live").write_bytes(content)
    host.program("kublr", f'cp "{host.root}/live" "$4"')
    return host.act("safeguard/take.sh", agent=host.programs / "kublr")


def test_a_whole_safety_snapshot(host: FakeHost) -> None:
    assert take(host, WHOLE).returncode == 0
    safety = host.folder / "safety.db"
    assert safety.read_bytes() == WHOLE
    assert safety.stat().st_mode & 0o077 == 0
    assert host.calls == [f"kublr etcd backup --file {safety}.part"]
    assert take(host, b"").returncode == 0  # taken already
    assert safety.read_bytes() == WHOLE


def test_a_damaged_safety_snapshot_is_none(host: FakeHost) -> None:
    flipped = bytes([WHOLE[0] ^ 1]) + WHOLE[1:]
    for damaged in (flipped, WHOLE[:-1], SNAPSHOT, WHOLE[:20], b""):
        ended = take(host, damaged)
        assert (ended.returncode, ended.stdout) == (
            1,
            "the safety snapshot is damaged: its sha256 trailer does not fit\n",
        )
        assert not (host.folder / "safety.db").exists()
    assert take(host, WHOLE).returncode == 0  # a later attempt may do better


def test_no_safety_snapshot_where_the_agent_fails(host: FakeHost) -> None:
    host.program("kublr", "exit 2")
    assert host.act("safeguard/take.sh", agent=host.programs / "kublr").returncode == 1
    assert not (host.folder / "safety.db").exists()
