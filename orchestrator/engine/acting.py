"""Carries out one step: on its host, on the laptop, or by asking the operator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from orchestrator.core.model.hooks import LocalHook
from orchestrator.core.model.outcome import Command, Outcome
from orchestrator.core.model.plan import Pause, Plan, Push, Reboot, Step
from orchestrator.core.runs.progress import resume
from orchestrator.engine.hooks import Hooks
from orchestrator.engine.transfer import Transfers
from orchestrator.errors import HaltedError
from orchestrator.ports import Remote, Reporter, Source


@dataclass(frozen=True, slots=True)
class Acting:
    """The acts of one attempt at a plan; its fields are the coordinator's."""

    plan: Plan
    attempt: str
    remotes: Mapping[str, Remote]
    reporter: Reporter
    open_source: Callable[[Push], Awaitable[Source]]
    ask: Callable[[Pause], Awaitable[bool]]
    hooks: Hooks
    transfers: Transfers | None

    async def act(self, step: Step) -> Outcome:
        """Raises HaltedError if the operator does not confirm a pause."""
        remote = self.remotes[step.host]
        match step.act:
            case Push() as push:
                if self.transfers:
                    return await self._transfer(step.host, push, self.transfers)
                source = await self.open_source(push)
                total = source.size_bytes
                return await remote.push(
                    source,
                    push.path,
                    push.sha256,
                    self.attempt,
                    lambda moved: self.reporter.moved(step.host, moved, total),
                )
            case Pause() as pause:
                if not await self.ask(pause):
                    raise HaltedError(pause.question, resume(self.plan.run, pause.answer_flag))
            case LocalHook() as hook:
                return await self.hooks.run(step, hook)
        return await remote.act(step.name, self.attempt, self.command(step))

    async def _transfer(self, host: str, push: Push, transfers: Transfers) -> Outcome:
        def moved(done_bytes: int, total_bytes: int) -> None:
            self.reporter.moved(host, done_bytes, total_bytes)

        return await transfers.bring(host, push, lambda: self.open_source(push), moved)

    def command(self, step: Step) -> Command:
        """The command that runs on the host, and whose marker records that the step has ended."""
        match step.act:
            case Push() | Pause() | LocalHook():
                return Command(("true",))  # what the operator did has no command: the marker records its end
            case Reboot(argv=argv, timeout_s=timeout_s):
                return Command(argv, timeout_s=timeout_s)
            case call:
                return self.plan.command(call)
