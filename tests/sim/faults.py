"""Faults between a laptop and its hosts: what fails, and at which call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from orchestrator.core.model.hooks import Hook
from orchestrator.core.model.outcome import Command
from orchestrator.core.model.plan import Exec, Plan, Reboot, Script


class Fate(StrEnum):
    """The fate of a call: the laptop dies during it, or the host or the laptop has a mishap."""

    LOST = "lost"  # the call never reaches the host
    DONE = "done"  # the host runs it; no laptop gets the answer
    LATE = "late"  # it still runs when the next laptop settles
    AFTER_SETTLE = "late after settle"  # it begins after the next laptop has settled
    DIED = "died"  # it is killed before it ends
    REBOOTS = "host reboots"
    VANISHES = "host vanishes"  # the host is unreachable for some time
    HANGS = "act hangs"  # for some time, or until its time limit
    FULL = "disk is full"  # the act fails before it ends
    SLEEPS = "laptop sleeps"  # from before the call, or from before an act's answer, for some time

    @property
    def ends_laptop(self) -> bool:
        return self in CRASHES


CRASHES = (Fate.LOST, Fate.DONE, Fate.LATE, Fate.AFTER_SETTLE, Fate.DIED)


@dataclass(frozen=True, slots=True)
class Fault:
    """The fate of one call, and when it happens.

    ``at``: the number of the act's pause in which it dies or is delayed. ``after_s``: seconds from the settle or the
    call until the fault has its effect. ``for_s``: seconds for which a host is unreachable, an act hangs or a laptop
    sleeps.
    """

    fate: Fate
    at: int = 1
    after_s: float = 0.0
    for_s: float = 90.0

    def is_heard_late(self, verb: str) -> bool:
        """Return True if the laptop sleeps after it has requested an act, not before."""
        return verb == "act" and self.fate is Fate.SLEEPS and self.at == 2


Faults = Mapping[int, Fault]
"""The faults of one laptop, by the number of the call, from 0."""


@dataclass(frozen=True, slots=True)
class Called:
    """One call of a verb."""

    verb: str
    host: str
    what: str


OUTSIDE_THE_PLAN = ("stat", "observe/head.sh", "observe/run.sh", "observe/host.sh", "observe/leftovers.sh")
"""Looks that are in no plan: the state of a run, the files it has left, the size and the sum of a relayed file."""


@dataclass(slots=True)
class Line:
    """All calls of one laptop in order, and their faults."""

    faults: Faults = field(default_factory=dict)
    calls: list[Called] = field(default_factory=list)
    is_gone: bool = False
    sleeps_until_s: float = 0.0
    _laptop: asyncio.Future[Any] | None = None
    _heartbeats: list[asyncio.Task[None]] = field(default_factory=list)
    _hosts_own: set[asyncio.Task[Any]] = field(default_factory=set)
    _shown: frozenset[tuple[tuple[str, ...], str]] = frozenset()

    def belongs_to(self, laptop: asyncio.Future[Any]) -> None:
        self._laptop = laptop

    def may_run(self, plan: Plan) -> None:
        self._shown = commands_of(plan)

    async def next(self, verb: str, host: str, what: str, *, awake: bool = False) -> Fault | None:
        """Begin a call and return its fault, if it has one.

        A dead laptop never calls. A laptop that falls asleep sleeps before the call; with ``awake``, before its next
        one.
        """
        if self.is_gone:
            await asyncio.Event().wait()
        self.calls.append(Called(verb, host, what))
        fault = self.faults.get(len(self.calls) - 1)
        if fault and fault.fate is Fate.SLEEPS and not fault.is_heard_late(verb):
            self.sleeps_until_s = self.now_s() + fault.for_s
        if not awake:
            await self._wake()
        return fault

    async def hears(self, verb: str, fault: Fault | None) -> None:
        """Receive the answer of an act. A laptop that has fallen asleep since its request receives it much later."""
        if fault and fault.is_heard_late(verb):
            self.sleeps_until_s = self.now_s() + fault.for_s
            await self._wake()

    async def _wake(self) -> None:
        while self.is_asleep:
            await asyncio.sleep(self.sleeps_until_s - self.now_s())

    @staticmethod
    def now_s() -> float:
        return asyncio.get_running_loop().time()

    @property
    def is_asleep(self) -> bool:
        return self.now_s() < self.sleeps_until_s

    async def crash(self) -> None:
        """End the laptop's process with all its tasks."""
        self.hang_up()
        if self._laptop:
            self._laptop.cancel()
        await asyncio.Event().wait()

    def hang_up(self) -> None:
        self.is_gone = True
        for task in self._heartbeats:
            task.cancel()

    def beats(self, task: asyncio.Task[None]) -> None:
        self._heartbeats.append(task)

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Keep a task that continues after the laptop dies."""
        self._hosts_own.add(task)
        task.add_done_callback(self._hosts_own.discard)

    def shows(self, command: Command) -> bool:
        """Return True if the plan shows this command, or if the command never appears in a plan."""
        if (command.words, command.script) in self._shown or command.argv[0] in OUTSIDE_THE_PLAN:
            return True
        if command.argv[:2] == ("sh", "-c") and command.argv[2].startswith("exit "):
            return True  # records the exit status of a hook on the laptop
        return command.argv == ("true",) or (command.argv[:2] == ("rm", "-f") and command.argv[2].endswith("/alive"))


def commands_of(plan: Plan) -> frozenset[tuple[tuple[str, ...], str]]:
    """Return every command line that a plan shows, with the text of its script."""
    found: set[tuple[tuple[str, ...], str]] = set()
    for phase in plan.phases:
        probes = [phase.requires, phase.barrier]
        probes += [probe for step in phase.steps for probe in (step.requires, step.done_if)]
        calls: list[Exec | Script | Hook] = [look.call for probe in probes if probe for look in probe.looks]
        for step in phase.steps:
            match step.act:
                case Exec() | Script() | Hook():
                    calls.append(step.act)
                case Reboot(argv=argv):
                    found.add((argv, ""))
        for call in calls:
            command = plan.command(call)
            found.add((command.words, command.script))
    return frozenset(found)
