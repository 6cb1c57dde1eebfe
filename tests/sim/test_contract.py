"""Check that a simulated host keeps the contract of a real one: every story here runs on both."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import pytest

from orchestrator.adapters.source import BytesSource
from orchestrator.core.model.outcome import ActState, Command, Ended
from orchestrator.ports import HostError, Remote
from tests.contract.conftest import SshSite, ssh_site
from tests.contract.sshd import Sshd
from tests.sim import programs
from tests.sim.acts import Call
from tests.sim.clock import play
from tests.sim.cluster import make_world
from tests.sim.faults import Line
from tests.sim.host import STATE, SimHost
from tests.sim.remote import SimRemote
from tests.sim.world import World

RUN, FIRST, SECOND = "run", "1-aaaa", "2-bbbb"
CONTENT = b"0123456789" * 1000


class Place(Protocol):
    """One host, and what a story needs in addition to the verbs."""

    @property
    def folder(self) -> str: ...

    async def laptop(self) -> Remote: ...

    def write(self, path: str, content: bytes) -> None: ...

    def read(self, path: str) -> bytes | None: ...

    def kill(self, step: str, attempt: str) -> None: ...


class RealPlace:
    """A host behind a real sshd."""

    def __init__(self, site: SshSite) -> None:
        self._site = site
        self.folder = f"{site.state}/{RUN}"

    async def laptop(self) -> Remote:
        return await self._site.laptop()

    def write(self, path: str, content: bytes) -> None:
        Path(path).write_bytes(content)

    def read(self, path: str) -> bytes | None:
        return Path(path).read_bytes() if Path(path).exists() else None

    def kill(self, step: str, attempt: str) -> None:
        self._site.kill_wrapper(step, attempt)


class SimPlace:
    """The simulated master-1."""

    folder = f"{STATE}/{RUN}"

    def __init__(self) -> None:
        self._world = make_world()
        self._host = self._world.masters[0]

    async def laptop(self) -> Remote:
        return SimRemote(self._world, self._host, Line())

    def write(self, path: str, content: bytes) -> None:
        self._host.disk.write(path, content)

    def read(self, path: str) -> bytes | None:
        return self._host.disk.read(path) if self._host.disk.is_file(path) else None

    def kill(self, step: str, attempt: str) -> None:
        self._host.acts.kill(Call((), run=RUN, attempt=attempt, step=step))


SLOW = Command(("slow.sh",), "sleep 1.5; exit 6", timeout_s=20)
FAILING = Command(("failing.sh",), "echo why; exit 9", timeout_s=20)


def remove(path: str) -> Command:
    return Command(("rm", "-f", path), timeout_s=20)


# --- the stories ------------------------------------------------------------------------------------------


async def a_look_tells_the_exit_status(place: Place) -> None:
    remote = await place.laptop()
    await remote.settle(RUN, FIRST, 5)
    place.write(f"{place.folder}/file", b"x")
    assert (await remote.look(Command(("test", "-s", f"{place.folder}/file")))).exit_code == 0
    assert (await remote.look(Command(("test", "-s", f"{place.folder}/none")))).exit_code == 1
    assert (await remote.look(Command(("stat", "-c", "%s", f"{place.folder}/file")))).stdout == b"1\n"


async def an_act_tells_how_it_ended(place: Place) -> None:
    remote = await place.laptop()
    await remote.settle(RUN, FIRST, 5)
    assert (await remote.act("stop.good", FIRST, Command(("true",)))).ended is Ended.DONE
    failed = await remote.act("stop.bad", FIRST, FAILING)
    assert (failed.ended, failed.exit_code, failed.log.strip()) == (Ended.FAILED, 9, "why")
    records = {it.step: it for it in (await remote.settle(RUN, FIRST, 5)).records}
    assert [(records[step].state, records[step].exit_code) for step in ("stop.good", "stop.bad")] == [
        (ActState.ENDED, 0),
        (ActState.ENDED, 9),
    ]


async def an_act_runs_once_per_attempt(place: Place) -> None:
    remote = await place.laptop()
    await remote.settle(RUN, FIRST, 5)
    path = f"{place.folder}/file"
    for content in (b"one", b"two"):
        place.write(path, content)
        assert (await remote.act("stop.once", FIRST, remove(path))).ended is Ended.DONE
    assert place.read(path) == b"two"
    await remote.settle(RUN, SECOND, 5)
    assert (await remote.act("stop.once", SECOND, remove(path))).ended is Ended.DONE
    assert place.read(path) is None


async def an_act_without_a_settle_is_our_own_mistake(place: Place) -> None:
    with pytest.raises(RuntimeError, match="settle"):
        await (await place.laptop()).act("stop.x", FIRST, Command(("true",)))


async def settle_waits_for_an_act_of_a_laptop_that_has_gone(place: Place) -> None:
    remote, other = await place.laptop(), await place.laptop()
    await remote.settle(RUN, FIRST, 5)
    acting = asyncio.create_task(remote.act("stop.slow", FIRST, SLOW))
    await asyncio.sleep(0.8)
    acting.cancel()
    assert (await other.settle(RUN, SECOND, 0)).busy_with == f"stop.slow/{FIRST}"
    settled = await other.settle(RUN, SECOND, 5)
    assert [(it.attempt, it.state, it.exit_code) for it in settled.records] == [(1, ActState.ENDED, 6)]


async def an_older_attempt_can_do_nothing_more(place: Place) -> None:
    remote, other = await place.laptop(), await place.laptop()
    await remote.settle(RUN, FIRST, 5)
    assert (await other.settle(RUN, SECOND, 5)).ok
    path = f"{place.folder}/file"
    place.write(path, b"x")
    assert (await remote.act("stop.late", FIRST, remove(path))).ended is Ended.FENCED
    assert (await remote.push(BytesSource(CONTENT), f"{place.folder}/pushed", "", FIRST)).ended is Ended.FENCED
    assert (await remote.settle(RUN, FIRST, 5)).fenced_by == SECOND
    assert (place.read(path), place.read(f"{place.folder}/pushed")) == (b"x", None)


async def a_second_laptop_with_the_same_number_is_fenced(place: Place) -> None:
    remote, other = await place.laptop(), await place.laptop()
    assert (await remote.settle(RUN, FIRST, 5)).ok
    assert (await remote.settle(RUN, FIRST, 5)).ok
    assert (await other.settle(RUN, "1-zzzz", 5)).fenced_by == FIRST
    assert (await other.act("stop.x", "1-zzzz", Command(("true",)))).ended is Ended.FENCED


async def an_act_that_was_killed_runs_again_only_in_a_later_attempt(place: Place) -> None:
    remote = await place.laptop()
    await remote.settle(RUN, FIRST, 5)
    acting = asyncio.create_task(remote.act("stop.slow", FIRST, SLOW))
    await asyncio.sleep(0.8)
    place.kill("stop.slow", FIRST)
    assert (await acting).ended is Ended.DIED
    assert (await remote.act("stop.slow", FIRST, SLOW)).ended is Ended.DIED
    settled = await remote.settle(RUN, SECOND, 5)
    assert [it.state for it in settled.records] == [ActState.DIED]
    assert (await remote.act("stop.slow", SECOND, SLOW)).exit_code == 6


async def a_push_brings_the_file_or_none(place: Place) -> None:
    remote = await place.laptop()
    await remote.settle(RUN, FIRST, 5)
    path, sha256 = f"{place.folder}/snapshot.db", hashlib.sha256(CONTENT).hexdigest()
    wrong = await remote.push(BytesSource(b"other"), path, sha256, FIRST)
    assert wrong.ended is Ended.FAILED and hashlib.sha256(b"other").hexdigest() in wrong.detail
    assert place.read(path) is None
    for _ in range(2):
        assert (await remote.push(BytesSource(CONTENT), path, sha256, FIRST)).ended is Ended.DONE
        assert place.read(path) == CONTENT
    assert b"".join([chunk async for chunk in remote.read(path)]) == CONTENT
    with pytest.raises(HostError, match="nothing"):
        [chunk async for chunk in remote.read(f"{place.folder}/nothing")]


STORIES: list[Callable[[Place], Awaitable[None]]] = [
    a_look_tells_the_exit_status,
    an_act_tells_how_it_ended,
    an_act_runs_once_per_attempt,
    an_act_without_a_settle_is_our_own_mistake,
    settle_waits_for_an_act_of_a_laptop_that_has_gone,
    an_older_attempt_can_do_nothing_more,
    a_second_laptop_with_the_same_number_is_fenced,
    an_act_that_was_killed_runs_again_only_in_a_later_attempt,
    a_push_brings_the_file_or_none,
]


@pytest.mark.parametrize("story", STORIES)
async def test_story_on_a_real_host(story: Callable[[Place], Awaitable[None]], sshd: Sshd, tmp_path: Path) -> None:
    async with ssh_site(sshd, tmp_path) as site:
        await story(RealPlace(site))


@pytest.mark.parametrize("story", STORIES)
def test_story_on_a_simulated_host(story: Callable[[Place], Awaitable[None]], monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(world: World, host: SimHost, call: Call) -> int:
        await asyncio.sleep(1.5)
        return 6

    async def failing(world: World, host: SimHost, call: Call) -> int:
        call.say("why")
        return 9

    monkeypatch.setitem(programs.ACTS, "slow.sh", slow)
    monkeypatch.setitem(programs.ACTS, "failing.sh", failing)

    async def told() -> None:
        await story(SimPlace())

    play(told())
