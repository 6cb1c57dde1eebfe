"""Runs hooks on the laptop, or records the operator's confirmation of one whose result is unknown.

On a master a hook is an act like any other. On the laptop, markers keep another laptop from running it a second time:
every master gets a begin marker before it begins, and an end marker with its exit status. A begin marker without an
end marker means that the result is unknown: the laptop died or exited, or the hook was cut off. Then only the operator
can continue. If a master cannot get the begin marker, the hook does not run, and the other masters get an end marker.
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
"""The exit status of `env` if it fails itself."""
_TRIES = 3

RunHere = Callable[[LocalHook, str], Awaitable[Outcome]]
"""Runs a hook's program on this laptop; the text is the step's name. If cancelled, it leaves the program running."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """The hooks of one attempt. ``answers`` are the flags with which the operator confirms hooks as done."""

    plan: Plan
    attempt: str
    remotes: Mapping[str, Remote]
    clock: Clock
    run_here: RunHere
    answers: frozenset[str] = frozenset()

    async def run(self, step: Step, hook: LocalHook) -> Outcome:
        """Run a hook on this laptop, between its markers. If it was cut off, there is no end marker."""
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
        """Write the end marker of a hook that the operator confirms as done."""
        if isinstance(step.act, LocalHook):
            return await self._tell(step, step.name, 0)
        return await self.remotes[step.host].act(step.name, self.attempt, Command(("true",)))

    async def _tell(self, step: Step, name: str, code: int) -> Outcome:
        """Write a marker with that name and exit status on every master. The outcome is the first failure, if any."""
        command = Command(("true",) if code == 0 else ("sh", "-c", f"exit {code}"))
        outcomes = await asyncio.gather(
            *(self.remotes[host].act(name, self.attempt, command) for host in self.plan.masters)
        )
        for host, outcome in zip(self.plan.masters, outcomes, strict=True):
            if outcome.exit_code != code:
                return replace(outcome, detail=f"{host}: {outcome.detail}" if host != step.host else outcome.detail)
        return Outcome(Ended.DONE, 0)

    async def _is_ours(self) -> Outcome:
        """Ask whether this is still the newest attempt. While this laptop slept, another may have taken over, the
        operator may have done the hook's work, and the masters may have started."""
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
        """The newest attempt on that host; empty if the host does not say."""
        path = f"{host.paths.state}/{self.plan.run}/attempt"
        try:
            return b"".join([chunk async for chunk in self.remotes[host.name].read(path)]).decode().strip()
        except HostError:
            return ""
