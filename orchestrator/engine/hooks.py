"""Hooks: the operator's own programs, and his word for one of which nobody knows what it has done.

On a master a hook is an act like any other. On the laptop it is run so that no other laptop runs it a second time:
every master is told that it begins before it begins, and how it ended when it has ended. Told of the one and not of
the other, nobody knows what it has done: its laptop died, or left it, or it was cut off. Then only the operator goes
on. A master that cannot be told keeps it from beginning, which the others are told as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from orchestrator.core.inventory.inventory import Host
from orchestrator.core.model.hooks import BEGUN, LocalHook
from orchestrator.core.model.outcome import Command, Ended, Outcome
from orchestrator.core.model.plan import Plan, Step
from orchestrator.core.runs.markers import was_cut_off
from orchestrator.core.timeouts import FENCE_LOOK_S
from orchestrator.ports import Clock, HostError, Remote

_DID_NOT_RUN = 125
"""As `env` ends where it fails itself."""
_TRIES = 3

RunHere = Callable[[LocalHook, str], Awaitable[Outcome]]
"""Runs a hook's program on this laptop; the text is the step's name. Cancelled, it leaves the program alone."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """Those of one attempt. ``answers`` are the flags with which the operator has given his word."""

    plan: Plan
    attempt: str
    remotes: Mapping[str, Remote]
    clock: Clock
    run_here: RunHere
    answers: frozenset[str] = frozenset()

    async def run(self, step: Step, hook: LocalHook) -> Outcome:
        """On this laptop. Nothing is told of its end where it was cut off."""
        begun = await self._tell(step, step.name + BEGUN, 0)
        if begun.ended is Ended.DONE:
            begun = await self._is_ours()
        if begun.ended is not Ended.DONE:
            await self._tell(step, step.name, _DID_NOT_RUN)
            return begun
        outcome = await self.run_here(hook, step.name)
        if outcome.exit_code is None or was_cut_off(outcome.exit_code):
            return replace(outcome, ended=Ended.DIED)
        told = await self._tell(step, step.name, outcome.exit_code)
        if told.ended is Ended.DONE:
            return outcome
        return replace(
            told, detail=f"it ended with exit status {outcome.exit_code}, but this could not be recorded: {told.detail}"
        )

    async def made_good(self, step: Step) -> Outcome:
        """The operator's word stands for its end."""
        if isinstance(step.act, LocalHook):
            return await self._tell(step, step.name, 0)
        return await self.remotes[step.host].act(step.name, self.attempt, Command(("true",)))

    async def _tell(self, step: Step, name: str, code: int) -> Outcome:
        """Every master gets a marker of that name and exit status; the first that does not is the outcome."""
        command = Command(("true",) if code == 0 else ("sh", "-c", f"exit {code}"))
        outcomes = await asyncio.gather(
            *(self.remotes[host].act(name, self.attempt, command) for host in self.plan.masters)
        )
        for host, outcome in zip(self.plan.masters, outcomes, strict=True):
            if outcome.exit_code != code:
                return replace(outcome, detail=f"{host}: {outcome.detail}" if host != step.host else outcome.detail)
        return Outcome(Ended.DONE, 0)

    async def _is_ours(self) -> Outcome:
        """Whether this is still the newest attempt, and was a moment ago. A laptop that slept meanwhile may have been
        given up by now, what the hook does made good, and the masters started."""
        for _ in range(_TRIES):
            asked_at_s = self.clock.time()
            newest = await asyncio.gather(*(self._newest(host) for host in self.plan.inventory.masters))
            for host, found in zip(self.plan.masters, newest, strict=True):
                if found != self.attempt:
                    ended = Ended.FENCED if found else Ended.LOST
                    return Outcome(ended, detail=f"{host}: attempt {found or 'unknown'} is the newest there")
            if self.clock.time() - asked_at_s < FENCE_LOOK_S:
                return Outcome(Ended.DONE, 0)
        return Outcome(Ended.LOST, detail="the masters answer too slowly: another laptop may have taken over")

    async def _newest(self, host: Host) -> str:
        """Empty where the host does not say."""
        path = f"{host.paths.state}/{self.plan.run}/attempt"
        try:
            return b"".join([chunk async for chunk in self.remotes[host.name].read(path)]).decode().strip()
        except HostError:
            return ""
