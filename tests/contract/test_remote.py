"""The contract of Remote for every implementation. The acts are real shell; their effects are files on the host."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.adapters.source import FileSource, RemoteSource
from orchestrator.core.model.outcome import ActState, Command, Ended, Failure
from orchestrator.ports import HostError, Remote
from tests.contract.conftest import Site
from tests.unit import builders

NASTY = (
    "two words",
    "it's",
    '"quoted"',
    "$(touch pwned) `id` $HOME ${x}",
    "line\nbreak",
    "tab\tand\\backslash",
    "* ? [a] ~",
    "-n",
    "",
    "; exit 3 & | > < #",
    "!history",
    "grüße 漢字 🙂",
)
FIRST, SECOND, THIRD = "1-aaaa", "2-bbbb", "3-cccc"


def script(text: str, *args: str, timeout_s: float = 20, lets_go: bool = False) -> Command:
    return Command(("test.sh", *args), text, timeout_s=timeout_s, lets_go=lets_go)


def count(path: Path) -> int:
    """Return how many lines an act has written."""
    return len(path.read_text().splitlines()) if path.exists() else 0


async def until(condition: Callable[[], bool], limit_s: float = 15) -> None:
    give_up = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < give_up, "it did not happen in time"
        await asyncio.sleep(0.02)


def started(site: Site, step: str, attempt: str) -> Callable[[], bool]:
    return lambda: bool(list(site.state.glob(f"*/steps/{step}/{attempt}/started")))


def overtake(site: Site, attempt: str) -> None:
    """Write that attempt as the newest one, by a rename, as hosts do: a look at that moment sees no empty file."""
    newest = site.state / "run" / "attempt"
    part = newest.with_name("attempt.test")
    part.write_text(f"{attempt}\n")
    part.replace(newest)


# --- look ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 3, 255])
async def test_look_returns_exit_status_and_output(remote: Remote, code: int) -> None:
    output = await remote.look(script(f"echo out; echo err >&2; exit {code}"))
    assert (output.exit_code, output.stdout, output.stderr) == (code, b"out\n", b"err\n")


async def test_missing_program_exits_127(remote: Remote) -> None:
    assert (await remote.look(Command(("no-such-program",)))).exit_code == 127


async def test_program_ended_by_signal_exits_as_in_shell(remote: Remote) -> None:
    assert (await remote.look(script("kill -9 $$"))).exit_code == 137


async def test_argv_arrives_unchanged(remote: Remote) -> None:
    output = await remote.look(Command(("printf", "%s\\0", *NASTY)))
    assert output.text.split("\0")[:-1] == list(NASTY)


async def test_script_arguments_arrive_unchanged(remote: Remote) -> None:
    output = await remote.look(script("printf '%s\\0' \"$@\"", *NASTY))
    assert output.text.split("\0")[:-1] == list(NASTY)


async def test_script_cannot_read_itself(remote: Remote) -> None:
    long = "# more than a shell reads at once\n" * 3000
    output = await remote.look(script(f"cat; echo one\n{long}cat; echo two # the end"))
    assert output.stdout == b"one\ntwo\n"


async def test_program_has_empty_stdin(remote: Remote) -> None:
    assert (await remote.look(Command(("cat",), timeout_s=5))).stdout == b""


async def test_large_output_arrives_whole(remote: Remote) -> None:
    output = await remote.look(script("head -c 20000000 /dev/zero | tr '\\0' x"))
    assert output.stdout == b"x" * 20_000_000


async def test_binary_output_arrives_unchanged(remote: Remote) -> None:
    output = await remote.look(script("printf '\\377\\000\\001'"))
    assert output.stdout == b"\xff\x00\x01"


async def test_look_that_times_out_ends_on_host(remote: Remote, site: Site) -> None:
    alive = site.folder / "alive"
    output = await remote.look(script('while :; do date >"$1"; sleep 0.1; done', str(alive), timeout_s=1))
    assert (output.exit_code, output.failure) == (None, Failure.TIMEOUT)
    assert "test.sh" in output.detail and "1 s" in output.detail
    assert alive.exists(), "it ran"
    await until(lambda: time.time() - alive.stat().st_mtime > 0.5)


async def test_look_is_repeated_when_connection_breaks(remote: Remote, site: Site) -> None:
    asked = site.folder / "asked"
    looking = asyncio.create_task(remote.look(script('echo >>"$1"; sleep 1; echo answer', str(asked))))
    await until(asked.exists)
    assert site.cut() > 0
    assert (await looking).stdout == b"answer\n"
    assert count(asked) == 2


async def test_many_concurrent_looks(remote: Remote) -> None:
    outputs = await asyncio.gather(*(remote.look(script(f"sleep 0.05; echo {n}")) for n in range(30)))
    assert [output.text for output in outputs] == [f"{n}\n" for n in range(30)]


# --- act -------------------------------------------------------------------------------------------------


async def test_act_returns_its_end(remote: Remote) -> None:
    await remote.settle("run", FIRST, 5)
    done = await remote.act("stop.good", FIRST, script('echo "$STEP $ATTEMPT $RUN"; echo oops >&2'))
    assert (done.ended, done.exit_code, done.log) == (Ended.DONE, 0, f"stop.good {FIRST} run\noops\n")
    failed = await remote.act("stop.bad", FIRST, script("echo why; exit 9"))
    assert (failed.ended, failed.exit_code, failed.log) == (Ended.FAILED, 9, "why\n")


async def test_argv_of_act_arrives_unchanged(remote: Remote) -> None:
    await remote.settle("run", FIRST, 5)
    program = await remote.act("stop.argv", FIRST, Command(("printf", "%s|", *NASTY)))
    text = await remote.act("stop.script", FIRST, script("printf '%s|' \"$@\"; cat", *NASTY))
    assert program.log == text.log == "".join(f"{word}|" for word in NASTY)


async def test_act_requested_many_times_runs_once(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    ran = site.folder / "ran"
    once = script('echo >>"$1"; sleep 0.5; exit 4', str(ran))
    outcomes = await asyncio.gather(*(remote.act("stop.once", FIRST, once) for _ in range(5)))
    assert {(outcome.ended, outcome.exit_code) for outcome in outcomes} == {(Ended.FAILED, 4)}
    assert (await remote.act("stop.once", FIRST, once)).exit_code == 4
    assert count(ran) == 1


async def test_act_survives_its_connection(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    ran = site.folder / "ran"
    acting = asyncio.create_task(remote.act("stop.cut", FIRST, script('echo >>"$1"; sleep 2; echo >>"$1"', str(ran))))
    await until(ran.exists)
    assert site.cut() > 0
    await asyncio.sleep(0.7)
    site.cut()
    assert (await acting).ended is Ended.DONE
    assert count(ran) == 2


async def test_act_longer_than_one_join_is_waited_for(remote: Remote) -> None:
    await remote.settle("run", FIRST, 5)
    outcome = await remote.act("stop.slow", FIRST, script("sleep 1.5; echo end"))
    assert (outcome.ended, outcome.log) == (Ended.DONE, "end\n")


async def test_act_that_times_out_is_ended(remote: Remote) -> None:
    await remote.settle("run", FIRST, 5)
    outcome = await remote.act("stop.hang", FIRST, script("sleep 60", timeout_s=1))
    assert (outcome.ended, outcome.exit_code) == (Ended.FAILED, 124)
    assert "timed out" in outcome.detail


async def test_only_end_of_long_log_is_returned(remote: Remote) -> None:
    await remote.settle("run", FIRST, 5)
    outcome = await remote.act("stop.chat", FIRST, script("seq 100000; echo log; echo ended 7"))
    assert outcome.ended is Ended.DONE
    assert outcome.log.endswith("\n100000\nlog\nended 7\n")
    assert len(outcome.log) <= 4096


async def test_killed_act_has_died(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    assert (await remote.act("stop.good", FIRST, script("true"))).ended is Ended.DONE
    ran = site.folder / "ran"
    acting = asyncio.create_task(remote.act("stop.died", FIRST, script('echo >>"$1"; sleep 1.5', str(ran))))
    await until(ran.exists)
    begun = time.monotonic()
    site.kill_wrapper("stop.died", FIRST)
    assert (await acting).ended is Ended.DIED
    assert time.monotonic() - begun > 1, "what the wrapper left behind was still at work"
    records = {record.step: record for record in (await remote.settle("run", SECOND, 5)).records}
    assert records["stop.died"].state is ActState.DIED
    assert (records["stop.good"].state, records["stop.good"].exit_code) == (ActState.ENDED, 0)


async def test_died_act_runs_again_only_in_later_attempt(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    ran = site.folder / "ran"
    once = script('echo >>"$1"; sleep 1', str(ran))
    acting = asyncio.create_task(remote.act("stop.died", FIRST, once))
    await until(ran.exists)
    site.kill_wrapper("stop.died", FIRST)
    assert (await acting).ended is Ended.DIED
    assert (await remote.act("stop.died", FIRST, once)).ended is Ended.DIED
    assert count(ran) == 1
    await remote.settle("run", SECOND, 5)
    assert (await remote.act("stop.died", SECOND, once)).ended is Ended.DONE
    assert count(ran) == 2


async def test_daemon_holds_lock_unless_its_act_lets_go(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    daemon = 'sleep 60 & echo "$!" >"$1"'
    let_go, kept = site.folder / "let-go", site.folder / "kept"
    assert (await remote.act("start.a", FIRST, script(daemon, str(let_go), lets_go=True))).ended is Ended.DONE
    assert (await remote.settle("run", FIRST, 1)).ok
    assert (await remote.act("start.b", FIRST, script(daemon, str(kept)))).ended is Ended.DONE
    busy = await remote.settle("run", FIRST, 1)
    assert busy.busy_with and not busy.ok
    for pid in (let_go, kept):
        os.kill(int(pid.read_text()), signal.SIGKILL)  # raises if the daemon died with its act


async def test_act_without_settle_raises(remote: Remote) -> None:
    with pytest.raises(RuntimeError, match="settle"):
        await remote.act("stop.x", FIRST, script("true"))


async def test_act_that_cannot_be_recorded_does_not_run(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    (site.state / "run" / "steps" / "stop.x").write_text("in the way")
    outcome = await remote.act("stop.x", FIRST, script("true"))
    assert outcome.ended is Ended.FAILED
    assert "stop.x" in outcome.detail


# --- settle and fence ------------------------------------------------------------------------------------


async def test_settle_waits_for_act_of_vanished_laptop(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    free = site.folder / "free"
    wait = script('until [ -e "$1" ]; do sleep 0.05; done; exit 6', str(free), timeout_s=60)
    acting = asyncio.create_task(remote.act("stop.slow", FIRST, wait))
    await until(started(site, "stop.slow", FIRST))
    acting.cancel()
    other = await site.laptop()
    busy = await other.settle("run", SECOND, 1)
    assert busy.busy_with == f"stop.slow/{FIRST}"
    settling = asyncio.create_task(other.settle("run", SECOND, 30))
    await asyncio.sleep(0.3)
    assert not settling.done()
    free.touch()
    settled = await settling
    assert settled.ok
    assert [(record.attempt, record.state, record.exit_code) for record in settled.records] == [(1, ActState.ENDED, 6)]


async def test_older_attempt_is_fenced(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    other = await site.laptop()
    assert (await other.settle("run", SECOND, 5)).ok
    ran = site.folder / "ran"
    outcome = await remote.act("stop.late", FIRST, script('echo >>"$1"', str(ran)))
    assert outcome.ended is Ended.FENCED and SECOND in outcome.detail
    (site.folder / "source").write_bytes(b"x" * 100)
    path = site.state / "run" / "snapshot.db"
    pushed = await remote.push(FileSource(site.folder / "source"), str(path), "", FIRST)
    assert pushed.ended is Ended.FENCED
    assert (await remote.settle("run", FIRST, 5)).fenced_by == SECOND
    await asyncio.sleep(0.3)
    assert not ran.exists() and not path.exists()


async def test_push_is_fenced_without_earlier_verb(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    overtake(site, SECOND)
    (site.folder / "source").write_bytes(b"x" * 100)
    path = site.state / "run" / "snapshot.db"
    outcome = await remote.push(FileSource(site.folder / "source"), str(path), "", FIRST)
    assert outcome.ended is Ended.FENCED and SECOND in outcome.detail
    assert list(path.parent.glob("snapshot.db*")) == []


async def test_push_fenced_before_its_end_leaves_no_file(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    source = Trap(site.folder / "source", 4_000_000, lambda: overtake(site, SECOND))
    path = site.state / "run" / "snapshot.db"
    assert (await remote.push(source, str(path), "", FIRST)).ended is Ended.FENCED
    assert not path.exists()


async def test_act_waiting_for_lock_is_fenced(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    ran = site.folder / "ran"
    with (site.state / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        acting = asyncio.create_task(remote.act("stop.wait", FIRST, script('echo >>"$1"', str(ran))))
        await until(lambda: bool(list(site.state.glob("run/steps/stop.wait/*/run"))))
        await asyncio.sleep(0.3)
        overtake(site, SECOND)
    outcome = await acting
    assert outcome.ended is Ended.FENCED and SECOND in outcome.detail
    await asyncio.sleep(0.2)
    assert not ran.exists()


async def test_second_laptop_with_same_number_is_fenced(remote: Remote, site: Site) -> None:
    assert (await remote.settle("run", FIRST, 5)).ok
    other = await site.laptop()
    assert (await other.settle("run", "1-zzzz", 5)).fenced_by == FIRST
    assert (await other.act("stop.x", "1-zzzz", script("true"))).ended is Ended.FENCED


async def test_settle_can_be_repeated(remote: Remote) -> None:
    assert (await remote.settle("run", FIRST, 5)).ok
    assert (await remote.act("stop.x", FIRST, script("true"))).ended is Ended.DONE
    again = await remote.settle("run", FIRST, 5)
    assert again.ok and len(again.records) == 1


async def test_failed_settle_gives_reason(remote: Remote, site: Site) -> None:
    site.state.write_text("a file in the way")
    settled = await remote.settle("run", FIRST, 5)
    assert not settled.ok and str(site.state) in settled.detail


async def first_beat(site: Site) -> Path:
    """Return the file whose mtime is the heartbeat, after one beat. A claim creates it."""
    alive = site.state / "alive"
    alive.touch()
    await next_beat(alive)
    return alive


async def next_beat(alive: Path) -> None:
    os.utime(alive, (0, 0))
    await until(lambda: alive.stat().st_mtime > 0)


async def is_silent(alive: Path) -> bool:
    os.utime(alive, (0, 0))
    await asyncio.sleep(0.6)
    return alive.stat().st_mtime == 0


async def test_heartbeat_beats_until_fenced(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    alive = await first_beat(site)
    await next_beat(alive)
    overtake(site, THIRD)
    await asyncio.sleep(0.6)
    assert await is_silent(alive)
    outcome = await remote.act("stop.x", FIRST, script("true"))
    assert outcome.ended is Ended.FENCED and THIRD in outcome.detail


async def test_heartbeat_continues_over_new_connection(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    alive = await first_beat(site)
    assert site.cut() > 0
    await asyncio.sleep(0.1)
    await next_beat(alive)


async def test_heartbeat_does_not_recreate_its_file(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    alive = await first_beat(site)
    alive.unlink()
    await asyncio.sleep(0.6)
    assert not alive.exists()


async def test_closed_remote_stops_heartbeat(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    alive = await first_beat(site)
    await remote.close()
    await asyncio.sleep(0.4)
    assert await is_silent(alive)


# --- push and read ---------------------------------------------------------------------------------------


class Trap(FileSource):
    """A file of that size that triggers an event in the middle of its first reading."""

    def __init__(
        self, path: Path, size_bytes: int, spring: Callable[[], object], free: asyncio.Event | None = None
    ) -> None:
        path.write_bytes(os.urandom(size_bytes))
        super().__init__(path)
        self.offsets: list[int] = []
        self._spring: Callable[[], object] | None = spring
        self._free = free

    async def chunks(self, offset: int) -> AsyncIterator[bytes]:
        self.offsets.append(offset)
        sent = offset
        async for chunk in super().chunks(offset):
            if sent >= self.size_bytes // 2 and self._spring is not None:
                await asyncio.sleep(0.2)  # lets bytes in flight arrive
                self._spring()
                self._spring = None
                if self._free is not None:
                    await self._free.wait()
            yield chunk
            sent += len(chunk)


def parts(path: Path) -> list[Path]:
    return [other for other in path.parent.glob(f"{path.name}*") if other != path]


async def test_push_copies_file(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    (site.folder / "source").write_bytes(os.urandom(3_000_001))
    source, path, moved = FileSource(site.folder / "source"), site.state / "run" / "a b's.db", list[int]()
    outcome = await remote.push(source, str(path), "", FIRST, moved.append)
    assert outcome.ended is Ended.DONE
    assert path.read_bytes() == (site.folder / "source").read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert moved[-1] == 3_000_001 and moved == sorted(moved)
    assert parts(path) == []
    assert (await remote.push(source, str(path), "", FIRST, moved.append)).ended is Ended.DONE
    assert moved[-1] == 3_000_001, "a file that is there is not sent again"


async def test_push_of_empty_file(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    (site.folder / "source").touch()
    path = site.state / "run" / "empty"
    assert (await remote.push(FileSource(site.folder / "source"), str(path), "", FIRST)).ended is Ended.DONE
    assert path.read_bytes() == b""


async def test_cut_push_resumes(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    source = Trap(site.folder / "source", 12_000_000, site.cut)
    path = site.state / "run" / "snapshot.db"
    assert (await remote.push(source, str(path), "", FIRST)).ended is Ended.DONE
    assert path.read_bytes() == (site.folder / "source").read_bytes()
    assert len(source.offsets) == 2 and source.offsets[1] > 2_000_000
    assert parts(path) == []


async def test_later_attempt_resumes_older_part(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    path = site.state / "run" / "snapshot.db"
    gone = asyncio.Event()
    source = Trap(site.folder / "source", 12_000_000, gone.set)
    pushing = asyncio.create_task(remote.push(source, str(path), "", FIRST))
    await gone.wait()
    pushing.cancel()
    other = await site.laptop()
    await other.settle("run", SECOND, 5)
    assert (await other.push(source, str(path), "", SECOND)).ended is Ended.DONE
    assert path.read_bytes() == (site.folder / "source").read_bytes()
    assert source.offsets[1] > 2_000_000
    assert parts(path) == []


async def test_stale_receiver_does_not_harm_later_push(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    path = site.state / "run" / "snapshot.db"
    stuck, free = asyncio.Event(), asyncio.Event()
    slow = Trap(site.folder / "slow", 4_000_000, stuck.set, free)
    pushing = asyncio.create_task(remote.push(slow, str(path), "", FIRST))
    await stuck.wait()
    other = await site.laptop()
    await other.settle("run", SECOND, 5)
    (site.folder / "source").write_bytes(os.urandom(4_000_000))
    assert (await other.push(FileSource(site.folder / "source"), str(path), "", SECOND)).ended is Ended.DONE
    free.set()
    assert (await pushing).ended is Ended.FENCED
    assert path.read_bytes() == (site.folder / "source").read_bytes()
    assert parts(path) == []


async def test_damaged_part_is_sent_again(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    path = site.state / "run" / "snapshot.db"
    path.with_name(f"{path.name}.part.1-old.1").write_bytes(b"not what was sent")
    source = Trap(site.folder / "source", 1_000_000, lambda: None)
    assert (await remote.push(source, str(path), "", FIRST)).ended is Ended.DONE
    assert source.offsets == [0]
    assert path.read_bytes() == (site.folder / "source").read_bytes()
    assert parts(path) == []


async def test_wrong_sha256_leaves_no_file(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    (site.folder / "source").write_bytes(b"wrong" * 1000)
    path, expected = site.state / "run" / "snapshot.db", hashlib.sha256(b"right").hexdigest()
    outcome = await remote.push(FileSource(site.folder / "source"), str(path), expected, FIRST)
    assert outcome.ended is Ended.FAILED
    assert hashlib.sha256(b"wrong" * 1000).hexdigest() in outcome.detail
    assert not path.exists() and parts(path) == []


async def test_push_into_missing_folder_fails(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    (site.folder / "source").write_bytes(b"x")
    path = site.folder / "no" / "folder" / "file"
    outcome = await remote.push(FileSource(site.folder / "source"), str(path), "", FIRST)
    assert outcome.ended is Ended.FAILED and "folder" in outcome.detail


async def test_full_disk_is_reported(remote: Remote, site: Site, small_disk: Path) -> None:
    await remote.settle("run", FIRST, 5)
    (site.folder / "source").write_bytes(os.urandom(5_000_000))
    outcome = await remote.push(FileSource(site.folder / "source"), str(small_disk / "file"), "", FIRST)
    assert outcome.ended is Ended.FAILED and "the disk is full" in outcome.detail
    assert list(small_disk.iterdir()) == [], "a live etcd may need the room"


async def test_disk_full_from_the_start_is_reported(site: Site, small_disk: Path) -> None:
    site.state.symlink_to(small_disk)
    remote = await site.laptop()
    await remote.settle("run", FIRST, 5)
    (small_disk / "run" / "reserve").unlink()
    subprocess.run(["dd", "if=/dev/zero", f"of={small_disk / 'big'}"], check=False, capture_output=True)
    (site.folder / "source").write_bytes(b"x" * 9000)
    pushed = await remote.push(FileSource(site.folder / "source"), str(small_disk / "file"), "", FIRST)
    assert pushed.ended is Ended.FAILED and "the disk is full" in pushed.detail
    acted = await remote.act("keep.copy", FIRST, script("true"))
    assert acted.ended is Ended.FAILED and "No space left on device" in acted.detail


async def test_act_that_fills_disk_records_its_end(site: Site, small_disk: Path) -> None:
    site.state.symlink_to(small_disk)
    remote = await site.laptop()
    await remote.settle("run", FIRST, 5)
    fill = script('head -c 9000000 /dev/zero >"$1"; echo full; exit 5', str(small_disk / "big"))
    outcome = await remote.act("keep.copy", FIRST, fill)
    assert (outcome.ended, outcome.exit_code) == (Ended.FAILED, 5)


async def test_act_without_room_for_its_end_has_died(site: Site, small_disk: Path) -> None:
    site.state.symlink_to(small_disk)
    remote = await site.laptop()
    await remote.settle("run", FIRST, 5)
    fill = script('rm -f "$STATE/$RUN/reserve"; head -c 9000000 /dev/zero >"$1"; true', str(small_disk / "big"))
    outcome = await remote.act("keep.copy", FIRST, fill)
    assert outcome.ended is Ended.DIED
    (small_disk / "big").unlink()
    settled = await (await site.laptop()).settle("run", SECOND, 5)
    assert [(record.step, record.state) for record in settled.records] == [("keep.copy", ActState.DIED)]


async def test_read_returns_file_content(remote: Remote, site: Site) -> None:
    data = os.urandom(2_000_003)
    (site.folder / "it's here").write_bytes(data)
    assert b"".join([chunk async for chunk in remote.read(str(site.folder / "it's here"))]) == data


async def test_read_of_missing_file_raises(remote: Remote, site: Site) -> None:
    with pytest.raises(HostError, match="nothing-here"):
        [chunk async for chunk in remote.read(str(site.folder / "nothing-here"))]


async def test_cut_read_raises(remote: Remote, site: Site) -> None:
    (site.folder / "big").write_bytes(bytes(50_000_000))
    reading = remote.read(str(site.folder / "big"))
    await anext(reading)
    site.cut()
    with pytest.raises(HostError, match="big"):
        [chunk async for chunk in reading]


async def test_push_of_other_hosts_file(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    data = os.urandom(1_500_000)
    (site.folder / "theirs").write_bytes(data)
    source = RemoteSource(
        await site.laptop(), str(site.folder / "theirs"), len(data), builders.scripts()["observe/head.sh"]
    )
    path = site.state / "run" / "safety.db"
    path.with_name("safety.db.part.1-old.1").write_bytes(data[:700_000])
    assert (await remote.push(source, str(path), "", FIRST)).ended is Ended.DONE
    assert path.read_bytes() == data


async def test_failing_source_fails_push(remote: Remote, site: Site) -> None:
    await remote.settle("run", FIRST, 5)
    source = RemoteSource(await site.laptop(), str(site.folder / "missing"), 10, builders.scripts()["observe/head.sh"])
    outcome = await remote.push(source, str(site.state / "run" / "safety.db"), "0" * 64, FIRST)
    assert outcome.ended is Ended.FAILED and "missing" in outcome.detail


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of 4 MB; needs root."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
