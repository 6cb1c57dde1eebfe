"""Asks hosts a probe's question: once, or until the answer is yes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from orchestrator.core.model.outcome import Answer, Verdict
from orchestrator.core.model.plan import Plan, Probe
from orchestrator.core.proof.judges import judge
from orchestrator.engine.stop import Stop
from orchestrator.ports import Clock, Remote


@dataclass(frozen=True, slots=True)
class Looks:
    """The looks of one attempt at a plan."""

    plan: Plan
    remotes: Mapping[str, Remote]
    clock: Clock
    stop: Stop

    async def look(self, probe: Probe) -> Verdict:
        """Run every look of the probe at once, and judge the answers."""
        outputs = await asyncio.gather(
            *(self.remotes[look.host].look(self.plan.command(look.call)) for look in probe.looks)
        )
        return judge(probe, outputs)

    async def poll(self, probe: Probe, seen: Callable[[Verdict], None]) -> Verdict:
        """Look until the answer has been yes for ``dwell_s``, is wrong, or ``wait_s`` is over."""
        deadline = self.clock.monotonic() + probe.wait_s
        since: float | None = None
        while True:
            verdict = await self.look(probe)
            now = self.clock.monotonic()
            since = (since if since is not None else now) if verdict.answer is Answer.YES else None
            if since is not None and now - since >= probe.dwell_s:
                return verdict
            given_up = self.stop.requested or (since is None and now >= deadline)
            if verdict.answer is Answer.WRONG or given_up:
                return verdict
            seen(verdict)
            left_s = probe.poll_s if since is None else probe.dwell_s - (now - since)
            await self.clock.sleep(min(probe.poll_s, left_s))
