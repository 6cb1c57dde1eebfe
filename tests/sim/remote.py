"""The connection of one laptop to a host: ``ports.Remote`` over a simulated host, with faults on the way."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from functools import partial

from orchestrator.core.model.outcome import Command, Ended, Failure, Outcome, Output, Settled
from orchestrator.ports import HostError, Progress, Source
from tests.sim.acts import FORTUNE, Call, Misfortune, Run
from tests.sim.faults import Fate, Fault, Line
from tests.sim.host import STATE, SimHost
from tests.sim.looks import LOOKS
from tests.sim.manual import MANUAL_ACTS, MANUAL_LOOKS
from tests.sim.programs import ACTS, Program, UnknownProgramError, now_s
from tests.sim.undo_acts import UNDO_ACTS
from tests.sim.undo_looks import UNDO_LOOKS
from tests.sim.world import World

PATIENCE_S, HEARTBEAT_S, LATENCY_S = 30.0, 15.0, 0.05
JOIN_S, GRACE_S = 20.0, 60.0
SLOW_S = 100.0
"""Seconds, longer than the silence before a takeover: a late act still runs when the next laptop settles."""


class SimRemote:
    """Implement ``ports.Remote``. ``line`` belongs to the laptop: it counts the calls and injects the faults."""

    def __init__(self, world: World, host: SimHost, line: Line) -> None:
        self._world = world
        self._host = host
        self._line = line
        self._run = ""
        self._heartbeat: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return self._host.name

    # --- the five verbs ---------------------------------------------------------------------------------

    async def look(self, command: Command) -> Output:
        if _ends_laptop(await self._next("look", command.argv[0])):
            await self._line.crash()
        program = _known(command, LOOKS, UNDO_LOOKS, MANUAL_LOOKS)
        self._world.witness.ran(command.words, self._line.shows(command))
        if not await self._answers():
            return Output(None, failure=Failure.UNREACHABLE, detail=f"{self.name} does not answer")
        await asyncio.sleep(LATENCY_S)
        call = Call(command.argv[1:], values=command.values)
        code = await program(self._world, self._host, call)
        return Output(code, "".join(f"{line}\n" for line in call.said).encode())

    async def act(self, step: str, attempt: str, command: Command) -> Outcome:
        place = self._place(attempt, step, command)
        program = partial(_known(command, ACTS, UNDO_ACTS, MANUAL_ACTS), self._world, self._host)
        fault = await self._next("act", step)
        self._world.witness.ran(command.words, self._line.shows(command))
        if fault and fault.fate.ends_laptop:
            if fault.fate is not Fate.LOST and self._host.answers:
                self._host.acts.start(place, command, program, _misfortune(fault))
            await self._line.crash()
        if not await self._answers():
            return Outcome(Ended.LOST, detail=f"{self.name} does not answer")
        await asyncio.sleep(LATENCY_S)
        outcome = await self._start_and_join(place, command, program, _misfortune(fault) if fault else FORTUNE)
        self._world.witness.look()
        await self._line.hears("act", fault)
        return outcome

    async def _start_and_join(self, place: Call, command: Command, program: Run, misfortune: Misfortune) -> Outcome:
        """Start the act and wait for its end. Start it again while it has no outcome: a second start is harmless."""
        give_up_s = now_s() + command.timeout_s + GRACE_S
        while now_s() < give_up_s:
            if not await self._answers():
                return Outcome(Ended.LOST, detail=f"{self.name} does not answer")
            self._host.acts.start(place, command, program, misfortune)
            if outcome := await self._host.acts.join(place, JOIN_S):
                return outcome
        return Outcome(Ended.LOST, detail=f"{place.step} did not end within {GRACE_S:g} s after its time limit")

    async def push(
        self, source: Source, path: str, sha256: str, attempt: str, progress: Progress | None = None
    ) -> Outcome:
        fault = await self._next("push", path.rpartition("/")[2])
        fault = fault if _ends_laptop(fault) else None
        if fault and fault.fate is Fate.LOST:
            await self._line.crash()
        place = self._place(attempt, "", Command(()))
        if not await self._answers():
            return Outcome(Ended.LOST, detail=f"{self.name} does not answer")
        try:
            content = b"".join([chunk async for chunk in source.chunks(0)])
        except HostError as error:
            return Outcome(Ended.FAILED, detail=str(error))
        if self._host.acts.is_fenced(place):
            return Outcome(Ended.FENCED, detail=f"attempt {self._host.acts.newest(self._run)} has taken over this host")
        sha256 = sha256 or hashlib.sha256(content).hexdigest()
        if self._host.disk.is_file(path) and self._host.disk.sha256(path) == sha256:
            if fault:
                await self._line.crash()
            return Outcome(Ended.DONE, 0)
        return await self._send(place, path, content, sha256, fault)

    async def _send(self, place: Call, path: str, content: bytes, sha256: str, fault: Fault | None) -> Outcome:
        disk, part = self._host.disk, f"{path}.part.{place.attempt}.1"
        for older in [it for it in disk.below(path.rpartition("/")[0]) if it.startswith(f"{path}.part.")]:
            disk.move(older, part)
        disk.write(part, content[: len(content) // 2])
        if fault and fault.fate is Fate.DIED:
            await self._line.crash()
        await asyncio.sleep(LATENCY_S)
        disk.write(part, content, synced=False)
        acts, misfortune = self._host.acts, _misfortune(fault) if fault else FORTUNE
        finishing = acts.spawn(acts.finish(place, path, sha256, misfortune))
        if fault:
            await self._line.crash()
        await asyncio.wait({finishing})
        while finishing.cancelled() and await self._answers():
            finishing = acts.spawn(acts.finish(place, path, sha256))
            await asyncio.wait({finishing})
        return Outcome(Ended.LOST, detail=f"{self.name} has gone") if finishing.cancelled() else finishing.result()

    async def read(self, path: str) -> AsyncIterator[bytes]:
        if _ends_laptop(await self._next("read", path.rpartition("/")[2])):
            await self._line.crash()
        if not await self._answers() or not self._host.disk.is_file(path):
            raise HostError(f"{self.name}: cannot read {path}")
        yield self._host.disk.read(path)

    async def settle(self, run: str, attempt: str, wait_s: float) -> Settled:
        fault = await self._next("settle", attempt)
        if fault and fault.fate.ends_laptop:
            if fault.fate is not Fate.LOST and self._host.answers:
                self._host.acts.spawn(self._settle_late(run, attempt, _misfortune(fault)))
            await self._line.crash()
        self._run = run
        if not await self._answers():
            return Settled(failure=Failure.UNREACHABLE, detail=f"{self.name} does not answer")
        settled = await self._host.acts.settle(run, attempt, wait_s)
        if settled.ok:
            self._touch(claimed_only=True)
            self._heartbeat = asyncio.create_task(self._beat(attempt))
            self._line.beats(self._heartbeat)
        return settled

    async def close(self) -> None:
        if self._heartbeat:
            self._heartbeat.cancel()

    # --- helpers of the verbs ---------------------------------------------------------------------------

    def _place(self, attempt: str, step: str, command: Command) -> Call:
        if not self._run:
            raise RuntimeError(f"{self.name}: a step or a push needs a settle first")
        return Call(command.argv[1:], STATE, self._run, attempt, step, values=command.values)

    async def _next(self, verb: str, what: str) -> Fault | None:
        """Begin a call and return its fault. If a reboot or a lost connection is due, start that and return None."""
        fault = await self._line.next(verb, self.name, what)
        if fault is None or fault.fate not in (Fate.REBOOTS, Fate.VANISHES):
            return fault
        self._line.keep(asyncio.create_task(self._befall(fault)))
        return None

    async def _befall(self, fault: Fault) -> None:
        await asyncio.sleep(fault.after_s)
        if fault.fate is Fate.REBOOTS:
            self._host.reboot(now_s())
            return
        self._host.is_reachable = False
        await asyncio.sleep(fault.for_s)
        self._host.is_reachable = True

    async def _answers(self) -> bool:
        """Wait up to ``PATIENCE_S`` seconds for a host that does not answer. Return True if it answers."""
        give_up_s = now_s() + PATIENCE_S
        while not self._host.answers and now_s() < give_up_s:
            await asyncio.sleep(0.5)
        return self._host.answers

    async def _settle_late(self, run: str, attempt: str, misfortune: Misfortune) -> None:
        await asyncio.sleep(misfortune.slow_s)
        if misfortune.after_settle_s is not None:
            await self._host.acts.settled.wait()
        await self._host.acts.settle(run, attempt, PATIENCE_S)

    async def _beat(self, attempt: str) -> None:
        while self._host.acts.newest(self._run) == attempt:
            await asyncio.sleep(HEARTBEAT_S)
            if self._host.answers and not self._line.is_asleep and self._host.acts.newest(self._run) == attempt:
                self._touch(claimed_only=False)

    def _touch(self, *, claimed_only: bool) -> None:
        claim, alive = f"{STATE}/claim", f"{STATE}/alive"
        if claimed_only and f'"run":"{self._run}"' not in self._host.disk.text(claim):
            return
        if claimed_only:
            self._host.disk.write(alive, "")
        if self._host.disk.is_file(alive):
            self._host.alive_at_s = now_s()


def _known(command: Command, *programs: dict[str, Program]) -> Program:
    for known in programs:
        if program := known.get(command.argv[0]):
            return program
    raise UnknownProgramError(" ".join(command.argv))


def _ends_laptop(fault: Fault | None) -> bool:
    return fault is not None and fault.fate.ends_laptop


def _misfortune(fault: Fault) -> Misfortune:
    """Return what the fault of a laptop's call does to the act on the host."""
    match fault.fate:
        case Fate.LATE:
            return Misfortune(slow_s=SLOW_S, slow_at=fault.at)
        case Fate.AFTER_SETTLE:
            return Misfortune(after_settle_s=fault.after_s)
        case Fate.DIED:
            return Misfortune(dies_at=fault.at)
        case Fate.FULL:
            return Misfortune(full_at=fault.at)
        case Fate.HANGS:
            return Misfortune(slow_s=fault.for_s)
    return FORTUNE
