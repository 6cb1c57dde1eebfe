"""Settle and fence: wait until older acts have ended, and keep older attempts from acting."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from orchestrator.core.model.outcome import ActRecord
from orchestrator.core.model.plan import Plan
from orchestrator.core.runs.markers import fenced, is_later
from orchestrator.core.runs.progress import resume
from orchestrator.core.timeouts import FENCE_LOOK_S, SETTLE_WAIT_S
from orchestrator.errors import HaltedError, LockedError, OrchestratorError, UnreachableError, ours
from orchestrator.ports import Remote


@dataclass(slots=True)
class Fence:
    """The fence of one attempt. ``records`` are the markers of each host that is settled."""

    plan: Plan
    attempt: str
    remotes: Mapping[str, Remote]
    records: dict[str, list[ActRecord]] = field(default_factory=dict)

    async def settle(self, hosts: Iterable[str]) -> dict[str, OrchestratorError]:
        """Wait for older acts, fence older attempts and read the markers. Returns the errors by host."""
        names = [name for name in hosts if name not in self.records]
        answers = await asyncio.gather(
            *(self.remotes[name].settle(self.plan.run, self.attempt, SETTLE_WAIT_S) for name in names)
        )
        failed: dict[str, OrchestratorError] = {}
        for name, settled in zip(names, answers, strict=True):
            if settled.ok:
                self.records[name] = list(settled.records)
            elif settled.fenced_by:
                failed[name] = self.fenced_by(name, settled.fenced_by)
            elif settled.busy_with:
                text = f"{name}: the step {settled.busy_with} is still running"
                failed[name] = HaltedError(text, resume(self.plan.run))
            else:
                failed[name] = UnreachableError(f"{name}: {settled.failure}: {settled.detail}", resume(self.plan.run))
        return failed

    async def refuse_fenced(self) -> None:
        """Raises LockedError if a later attempt has taken over: then that attempt judges what failed."""

        async def newest(name: str, state: str) -> str:
            chunks = [chunk async for chunk in self.remotes[name].read(f"{state}/{self.plan.run}/attempt")]
            return b"".join(chunks).decode().strip()

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FENCE_LOOK_S):
                hosts = self.plan.inventory.masters
                found = await asyncio.gather(
                    *(newest(host.name, host.paths.state) for host in hosts), return_exceptions=True
                )
                for host, attempt in zip(hosts, found, strict=True):
                    if isinstance(attempt, str) and is_later(attempt, self.attempt):
                        raise self.fenced_by(host.name, attempt)

    def fenced_by(self, host: str, newer: str) -> LockedError:
        """The error of an attempt that a newer one has fenced on that host."""
        return self.locked(f"{host}: {fenced(newer)}")

    def locked(self, text: str) -> LockedError:
        return LockedError(text, ours("status", self.plan.run))
