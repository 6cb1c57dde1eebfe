"""Acts on a simulated host: do what `templates/act.sh` and `templates/host.sh` do with markers and the lock."""

from __future__ import annotations

import asyncio
from asyncio import Lock
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from orchestrator.core.model.outcome import ActRecord, ActState, Command, Ended, Outcome, Settled
from tests.sim.clock import VirtualClock
from tests.sim.disk import Disk

TIMED_OUT = 124
T = TypeVar("T")
Run = Callable[["Call"], Awaitable[int]]


@dataclass(slots=True)
class Call:
    """One run of a program: its arguments, its output, the values of a script, the environment of an act."""

    args: tuple[str, ...]
    state: str = ""
    run: str = ""
    attempt: str = ""
    step: str = ""
    said: list[str] = field(default_factory=list)
    pace: Callable[[], Awaitable[None]] = field(default=lambda: asyncio.sleep(0))
    starts_services: bool = False
    values: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """Return a value of the script. A value that is a list is in ``args``."""
        return self.values[name]

    def say(self, line: str) -> None:
        self.said.append(line)

    async def work(self) -> None:
        """Let time pass between two effects. Here a fault can interrupt an act."""
        await self.pace()

    @property
    def folder(self) -> str:
        return f"{self.state}/{self.run}"


@dataclass(frozen=True, slots=True)
class Misfortune:
    """Mishap of one act on its host: it starts only after a settle, or at its n-th pause it is slow, dies, or finds
    the disk full."""

    after_settle_s: float | None = None
    slow_s: float = 0.0
    slow_at: int = 1
    dies_at: int = 0
    full_at: int = 0


FORTUNE = Misfortune()


class DiedError(Exception):
    """Raised if the process of the act is killed."""


class FullError(Exception):
    """Raised if the disk is full: the act fails, and what it has done so far remains."""


class Acts:
    """The acts of one host, its lock and its markers. ``boot`` shows if an act that started can still be running."""

    def __init__(self, disk: Disk, state: str, begins: Callable[[Call], None]) -> None:
        self.disk = disk
        self._begins = begins
        self.state = state
        self.lock = Lock()
        self.boot = 1
        self.settled = asyncio.Event()
        self._running: dict[str, asyncio.Task[Any] | None] = {}
        self._processes: set[asyncio.Task[Any]] = set()
        self.inside = ""

    def spawn(self, process: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a process of this host. It continues without the laptop and ends at a power cut."""
        task = asyncio.create_task(process)
        self._processes.add(task)
        task.add_done_callback(self._processes.discard)
        return task

    # --- the verbs, as host.sh has them -----------------------------------------------------------------

    async def settle(self, run: str, attempt: str, wait_s: float) -> Settled:
        give_up_s = VirtualClock().monotonic() + wait_s
        while self.lock.locked():
            if VirtualClock().monotonic() >= give_up_s:
                return Settled(busy_with=self.inside or "unknown")
            await asyncio.sleep(0.5)
        lock = self.lock
        await lock.acquire()
        try:
            newest = self.newest(run) or "0"
            if newest != attempt:
                if _number(newest) >= _number(attempt):
                    return Settled(fenced_by=newest)
                self.put(f"{self.state}/{run}/attempt", f"{attempt}\n")
            return Settled(self.records(run))
        finally:
            lock.release()
            self.settled.set()
            self.settled = asyncio.Event()

    def start(self, place: Call, command: Command, program: Run, misfortune: Misfortune = FORTUNE) -> None:
        """Give an act to the host. A second call for the same act changes nothing."""
        marker = self.marker(place)
        if self.newest(place.run) != place.attempt or self.has_begun(marker):
            return
        self.disk.write(f"{marker}/run", " ".join(command.words))
        self.spawn(self._wrapper(place, command, program, misfortune))

    async def join(self, place: Call, wait_s: float) -> Outcome | None:
        """Wait for the end of an act. Return None if it has not ended after ``wait_s`` seconds."""
        marker = self.marker(place)
        give_up_s = VirtualClock().monotonic() + wait_s
        while (left_s := give_up_s - VirtualClock().monotonic()) > 0:
            match self._state(marker):
                case ActState.ENDED, int(code):
                    return _outcome(code, self.disk.text(f"{marker}/log"))
                case ActState.DIED, _ if not self.lock.locked():
                    return Outcome(Ended.DIED, detail="it began but did not end, and no longer runs")
                case ActState.WAITING, _ if self.newest(place.run) != place.attempt:
                    return self._fenced(place)
            if task := self._running.get(marker):
                await asyncio.wait({task}, timeout=left_s)
            else:
                await asyncio.sleep(0.1)
        return None

    # --- one act, as act.sh runs it ---------------------------------------------------------------------

    async def _wrapper(self, place: Call, command: Command, program: Run, misfortune: Misfortune) -> None:
        marker = self.marker(place)
        await self._befall(misfortune)
        lock, leaks = self.lock, False
        await lock.acquire()
        try:
            if self.is_fenced(place) or self.has_begun(marker):
                return
            self.inside = f"{place.step}/{place.attempt}"
            self._running[marker] = asyncio.current_task()
            self.put(f"{marker}/started", f"{self.boot} {int(VirtualClock().time())}")
            self._begins(place)
            place.pace = _pacer(misfortune)
            code = await self._within(command.timeout_s, program, place)
            leaks = place.starts_services and not command.lets_go
            self.put(f"{marker}/log", "\n".join(place.said))
            self.put(f"{marker}/exit", str(code))
        except DiedError:
            return
        finally:
            self.inside = ""
            self._running.pop(marker, None)
            if not leaks:  # a service that inherited the lock still holds it
                lock.release()

    async def _befall(self, misfortune: Misfortune) -> None:
        if misfortune.after_settle_s is not None:
            await self.settled.wait()
            await asyncio.sleep(misfortune.after_settle_s)

    async def finish(self, place: Call, path: str, sha256: str, misfortune: Misfortune = FORTUNE) -> Outcome:
        """Rename the part file of a push to its final name. This holds the lock, but it is not an act: no marker."""
        part = f"{path}.part.{place.attempt}.1"
        await self._befall(misfortune)
        lock = self.lock
        await lock.acquire()
        try:
            if self.is_fenced(place):
                return self._fenced(place)
            try:
                await _pacer(misfortune)()
            except FullError:
                self.disk.remove(part)
                return Outcome(Ended.FAILED, 1, detail="No space left on device")
            if not self.disk.is_file(part):
                return Outcome(Ended.FAILED, 1, detail=f"{part} is gone")
            self.disk.sync(part)
            self.disk.move(part, path)
            if (found := self.disk.sha256(path)) == sha256:
                return Outcome(Ended.DONE, 0)
            self.disk.remove(path)
            return Outcome(Ended.FAILED, detail=f"the file that arrived has sha256 {found}")
        finally:
            lock.release()

    async def _within(self, timeout_s: float, program: Run, place: Call) -> int:
        try:
            async with asyncio.timeout(timeout_s):
                await place.work()
                return await program(place)
        except TimeoutError:
            return TIMED_OUT
        except FullError:
            place.say("No space left on device")
            return 1

    def is_fenced(self, place: Call) -> bool:
        """Return True if the attempt is not the newest. Such an attempt may not change anything."""
        return self.newest(place.run) != place.attempt

    def _fenced(self, place: Call) -> Outcome:
        return Outcome(Ended.FENCED, detail=f"attempt {self.newest(place.run)} has taken over this host")

    def has_begun(self, marker: str) -> bool:
        """Return True if the act has started. An act runs once per attempt, even if it is requested again."""
        return self.disk.is_file(f"{marker}/started")

    def kill(self, place: Call) -> None:
        """Send SIGKILL to the process of one act."""
        if task := self._running.get(self.marker(place)):
            task.cancel()

    def power_off(self) -> None:
        """End all processes. Markers and attempts remain on the disk."""
        for task in self._processes:
            task.cancel()
        self.lock = Lock()
        self.boot += 1

    def put(self, path: str, content: str) -> None:
        """Write a file atomically: to another name, then fsync, then rename."""
        self.disk.write(path, content, synced=False)
        self.disk.sync(path)

    # --- markers ----------------------------------------------------------------------------------------

    def marker(self, place: Call) -> str:
        return f"{self.state}/{place.run}/steps/{place.step}/{place.attempt}"

    def newest(self, run: str) -> str:
        return self.disk.text(f"{self.state}/{run}/attempt")

    def records(self, run: str) -> tuple[ActRecord, ...]:
        """Return the state of every attempt at every step, from the markers."""
        root = f"{self.state}/{run}/steps/"
        markers = dict.fromkeys(path.rpartition("/")[0] for path in self.disk.below(root.rstrip("/")))
        found = []
        for marker in markers:
            step, attempt = marker.removeprefix(root).split("/")
            state, code = self._state(marker)
            found.append(ActRecord(step, _number(attempt), state, code))
        return tuple(found)

    def _state(self, marker: str) -> tuple[ActState, int | None]:
        if self.disk.text(f"{marker}/exit"):
            return ActState.ENDED, int(self.disk.text(f"{marker}/exit"))
        if not self.disk.is_file(f"{marker}/started"):
            return ActState.WAITING, None
        boot = self.disk.text(f"{marker}/started").partition(" ")[0]
        runs = marker in self._running and boot == str(self.boot)
        return (ActState.RUNNING if runs else ActState.DIED), None


def _number(attempt: str) -> int:
    return int(attempt.partition("-")[0])


def _outcome(code: int, log: str) -> Outcome:
    if code == 0:
        return Outcome(Ended.DONE, 0, log)
    return Outcome(Ended.FAILED, code, log, f"exit status {code}")


def _pacer(misfortune: Misfortune) -> Callable[[], Awaitable[None]]:
    """Return the pause between effects: 0.2 s. A misfortune makes one pause longer, or ends the act at one pause."""
    count = 0

    async def pace() -> None:
        nonlocal count
        count += 1
        if count == misfortune.dies_at:
            raise DiedError
        if count == misfortune.full_at:
            raise FullError
        await asyncio.sleep(0.2 + (misfortune.slow_s if count == misfortune.slow_at else 0.0))

    return pace
