"""What goes wrong between a laptop and its hosts, and when."""

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
    """What befalls a call: the laptop dies in it, or its host has a mishap."""

    LOST = "lost"  # it never arrived
    DONE = "done"  # it was carried out; nobody heard
    LATE = "late"  # it is still being carried out when the next laptop settles
    AFTER_SETTLE = "late after settle"  # it begins when the next laptop has settled
    DIED = "died"  # it was killed in the middle
    REBOOTS = "host reboots"
    VANISHES = "host vanishes"  # nobody reaches it for a while
    HANGS = "act hangs"  # for a while, or until its time is over
    FULL = "disk is full"  # its act fails in the middle
    SLEEPS = "laptop sleeps"  # its lid is closed before the call, or before an act's answer, and opened again

    @property
    def ends_laptop(self) -> bool:
        return self in CRASHES


CRASHES = (Fate.LOST, Fate.DONE, Fate.LATE, Fate.AFTER_SETTLE, Fate.DIED)


@dataclass(frozen=True, slots=True)
class Fault:
    """One call's fate. ``at`` counts the pauses of the act up to the one in which it dies, or is held up; ``after_s``
    is when, after the settle or after the call, it lands; ``for_s`` how long a host has vanished, an act hangs, or a
    laptop sleeps."""

    fate: Fate
    at: int = 1
    after_s: float = 0.0
    for_s: float = 90.0

    def is_heard_late(self, verb: str) -> bool:
        """Whether the laptop sleeps after it has asked for an act, and not before."""
        return verb == "act" and self.fate is Fate.SLEEPS and self.at == 2


Faults = Mapping[int, Fault]
"""What befalls one laptop's calls, by their number from 0."""


@dataclass(frozen=True, slots=True)
class Called:
    """One call of a verb."""

    verb: str
    host: str
    what: str


OUTSIDE_THE_PLAN = ("stat", "observe/head.sh", "observe/run.sh", "observe/host.sh", "observe/leftovers.sh")
"""Looks that serve no plan: where a resumed run begins, what a run has left, size and sum of a file that is relayed."""


@dataclass(slots=True)
class Line:
    """All of one laptop's calls, counted, and what befalls them."""

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
        """One more call begins; its fault, if it has one. A laptop that has died calls nobody, one that sleeps does so
        before the call; ``awake``: with its next."""
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
        """An act's answer comes; to a laptop that has fallen asleep since it asked, much later."""
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
        """The laptop's process dies; nothing of it goes on."""
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
        """A mishap goes on when the laptop has gone."""
        self._hosts_own.add(task)
        task.add_done_callback(self._hosts_own.discard)

    def shows(self, command: Command) -> bool:
        """Whether the plan shows this command, or no plan can."""
        if (command.words, command.script) in self._shown or command.argv[0] in OUTSIDE_THE_PLAN:
            return True
        if command.argv[:2] == ("sh", "-c") and command.argv[2].startswith("exit "):
            return True  # how a hook on the laptop has ended
        return command.argv == ("true",) or (command.argv[:2] == ("rm", "-f") and command.argv[2].endswith("/alive"))


def commands_of(plan: Plan) -> frozenset[tuple[tuple[str, ...], str]]:
    """Every command line that a plan shows, with the text of its script."""
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
