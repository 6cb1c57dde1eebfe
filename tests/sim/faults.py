"""What goes wrong between a laptop and its hosts, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from orchestrator.core.model import Command, Plan


class Fate(StrEnum):
    """What befalls a call: the laptop dies in it, or its host has a mishap."""

    LOST = "lost"  # it never arrived
    DONE = "done"  # it was carried out; nobody heard
    LATE = "late"  # it is still being carried out when the next laptop settles
    AFTER_SETTLE = "late after settle"  # it begins when the next laptop has settled
    DIED = "died"  # it was killed in the middle
    REBOOTS = "host reboots"
    VANISHES = "host vanishes"  # nobody reaches it for a while
    HANGS = "act hangs"  # until its time is over

    @property
    def ends_laptop(self) -> bool:
        return self not in MISHAPS


MISHAPS = (Fate.REBOOTS, Fate.VANISHES, Fate.HANGS)


@dataclass(frozen=True, slots=True)
class Fault:
    """One call's fate. ``dies_at`` counts the pauses of the act up to the one in which it dies; ``after_s`` is when,
    after the settle or after the call, it lands; ``for_s`` how long a host has vanished."""

    fate: Fate
    dies_at: int = 2
    after_s: float = 0.0
    for_s: float = 90.0


@dataclass(frozen=True, slots=True)
class Called:
    """One call of a verb."""

    verb: str
    host: str
    what: str


OUTSIDE_THE_PLAN = ("stat", "sum", "runs.sh")
"""Looks that serve no plan: where a resumed run begins, and the size and sum of a file that is relayed."""


@dataclass(slots=True)
class Line:
    """All of one laptop's calls, counted. ``faults`` are by the number of the call, from 0."""

    faults: Mapping[int, Fault] = field(default_factory=dict)
    calls: list[Called] = field(default_factory=list)
    is_gone: bool = False
    _laptop: asyncio.Future[Any] | None = None
    _heartbeats: list[asyncio.Task[None]] = field(default_factory=list)
    _hosts_own: set[asyncio.Task[Any]] = field(default_factory=set)
    _shown: frozenset[tuple[tuple[str, ...], str]] = frozenset()

    def belongs_to(self, laptop: asyncio.Future[Any]) -> None:
        self._laptop = laptop

    def may_run(self, plan: Plan) -> None:
        self._shown = commands_of(plan)

    async def next(self, verb: str, host: str, what: str) -> Fault | None:
        """One more call begins; its fault, if it has one. A laptop that has died calls nobody."""
        if self.is_gone:
            await asyncio.Event().wait()
        self.calls.append(Called(verb, host, what))
        return self.faults.get(len(self.calls) - 1)

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
        """A task that is the host's: it goes on without the laptop."""
        self._hosts_own.add(task)
        task.add_done_callback(self._hosts_own.discard)

    def shows(self, command: Command) -> bool:
        """Whether the plan shows this command, or no plan can."""
        if (command.argv, command.script) in self._shown or command.argv[0] in OUTSIDE_THE_PLAN:
            return True
        return command.argv == ("true",) or (command.argv[:2] == ("rm", "-f") and command.argv[2].endswith("/alive"))


def commands_of(plan: Plan) -> set[tuple[tuple[str, ...], str]]:
    """Every command line that a plan shows, with the text of its script."""
    found = set()
    for phase in plan.phases:
        probes = [phase.requires, phase.barrier, *(step.done_if for step in phase.steps)]
        calls = [look.call for probe in probes if probe for look in probe.looks]
        for step in phase.steps:
            match step.act.kind:
                case "exec" | "script":
                    calls.append(step.act)
                case "reboot":
                    found.add((step.act.argv, ""))
        for call in calls:
            command = plan.command(call)
            found.add((command.argv, command.script))
    return found
