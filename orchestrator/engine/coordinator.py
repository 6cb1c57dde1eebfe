"""Carries out a plan: settle, then phase by phase its steps and its barrier. The only loop.

Pure functions decide: what is done follows from the markers on the hosts (`core.runs.progress`), the answer to a look
from the judges (`core.proof.judges`), and the next step from the plan.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.core.model.hooks import Hook, LocalHook
from orchestrator.core.model.outcome import Answer, Ended, Outcome, Verdict
from orchestrator.core.model.plan import Order, Pause, Phase, PhaseName, Plan, Probe, Push, Reboot, Step
from orchestrator.core.model.step_name import StepName, step_name
from orchestrator.core.runs.phases import open_phase
from orchestrator.core.runs.progress import (
    Before,
    batches,
    by_host,
    failure_of,
    is_made_good,
    judge_past,
    records_of,
    refusal,
    resume,
    shut,
)
from orchestrator.core.runs.result import Result, StepEnd
from orchestrator.core.text import one_per_line
from orchestrator.core.timeouts import STAGGER_S
from orchestrator.engine.acting import Acting
from orchestrator.engine.fence import Fence
from orchestrator.engine.hooks import Hooks
from orchestrator.engine.looks import Looks
from orchestrator.engine.side_by_side import side_by_side
from orchestrator.engine.stop import Stop
from orchestrator.engine.transfer import Transfers
from orchestrator.errors import HaltedError, InterruptedRunError, LockedError, OrchestratorError
from orchestrator.ports import Clock, Journal, Remote, Reporter, Source

HOOK_LINES = 20
"""The number of last lines that are shown of a hook that did not succeed."""

GIVE_BACK: str = StepName.CLAIM_GIVE_BACK


@dataclass(slots=True)
class Coordinator:
    """One attempt at a plan. ``plan_source`` is its canonical JSON, ``open_source`` opens the source of a push,
    ``ask`` asks the operator, if one is present, and ``hooks`` runs the operator's own programs. ``transfers`` copies
    one file to several hosts; without it the laptop pushes to each host separately."""

    plan: Plan
    attempt: str
    remotes: Mapping[str, Remote]
    clock: Clock
    journal: Journal
    reporter: Reporter
    plan_source: Source
    open_source: Callable[[Push], Awaitable[Source]]
    ask: Callable[[Pause], Awaitable[bool]]
    hooks: Hooks
    transfers: Transfers | None = None
    stop: Stop = field(default_factory=Stop)
    result: Result = field(default_factory=Result)
    _looks: Looks = field(init=False)
    _fence: Fence = field(init=False)
    _acting: Acting = field(init=False)
    _time_has_passed: bool = False

    def __post_init__(self) -> None:
        self._looks = Looks(self.plan, self.remotes, self.clock, self.stop)
        self._fence = Fence(self.plan, self.attempt, self.remotes)
        self._acting = Acting(
            plan=self.plan,
            attempt=self.attempt,
            remotes=self.remotes,
            reporter=self.reporter,
            open_source=self.open_source,
            ask=self.ask,
            hooks=self.hooks,
            transfers=self.transfers,
        )

    async def run(self) -> Result:
        """Carry the plan out, from the state that its hosts' markers show. Raises OrchestratorError."""
        try:
            return await self._run()
        except (LockedError, InterruptedRunError):
            raise
        except OrchestratorError:
            await self._fence.refuse_fenced()
            raise

    async def _run(self) -> Result:
        self.stop.gracefully = True
        self.reporter.begin(tuple(phase.name for phase in self.plan.phases))
        self.reporter.note("waiting until no older step is running on the masters")
        stopped = [host.name for host in self.plan.inventory.stopped]
        for error in (await self._fence.settle(stopped)).values():
            raise error
        await self._bring_plan()
        records = [record for host in stopped for record in self._fence.records[host]]
        self._time_has_passed = bool(records or self.plan.undoes)  # an undo continues from the state of another run
        for phase in self.plan.phases[open_phase(self.plan, records) :]:
            await self._phase(phase)
        return self.result

    async def _bring_plan(self) -> None:
        """Push the plan to the hosts before the first claim, because another laptop must find it there."""
        sha256 = self.plan.sha256
        for host in self.plan.inventory.masters:
            path = f"{host.paths.state}/{self.plan.run}/plan.json"
            outcome = await self.remotes[host.name].push(self.plan_source, path, sha256, self.attempt)
            if outcome.ended is not Ended.DONE:
                text = f"claim: {host.name}: cannot write the plan: {outcome.detail}"
                raise HaltedError(text, resume(self.plan.run))

    # --- phases ---------------------------------------------------------------------------------------

    async def _phase(self, phase: Phase) -> None:
        self._check_stop()
        self._log("phase", phase=phase.name)
        self.reporter.phase(phase.name, phase.title, tuple(dict.fromkeys(step.host for step in phase.steps)))
        if phase.note:
            self.reporter.note(phase.note)
        if phase.requires and self._time_has_passed:
            verdict = await self._looks.look(phase.requires)
            if verdict.answer is not Answer.YES:
                reasons = [f"{host}: {reason}" for host, reason in verdict.reasons.items()]
                text = one_per_line(f"{phase.name}: the result of earlier phases has changed", reasons)
                raise HaltedError(text, resume(self.plan.run))
        began_s = self.clock.monotonic()
        if phase.order is Order.ROLLING:
            await self._roll(phase)
        else:
            await self._steps(phase)
        if phase.name is PhaseName.VOLUMES and phase.steps:  # the operator's time is not outage
            self.result.paused_s += self.clock.monotonic() - began_s
            self._time_has_passed = True
        self._check_stop()
        if phase.barrier:
            await self._barrier(phase, phase.barrier)
        if phase.name in (PhaseName.START, PhaseName.API):
            self.result.up_at_s = self.clock.monotonic()

    async def _steps(self, phase: Phase) -> None:
        if phase.order is Order.SEQUENCE:
            ends = await self._chain(phase.steps)
        else:
            apart_s = STAGGER_S if phase.order is Order.STAGGERED else 0.0
            chains = await side_by_side(by_host(phase.steps), self._chain, self.clock, apart_s)
            ends = [end for chain in chains for end in chain]
        self._check_stop()
        failed = [end for end in ends if not end.ok]
        if failed and phase.name is PhaseName.CLAIM:
            await self._give_back([end.step.host for end in ends if end.ok])
        if failed:
            raise failure_of(phase.name, failed, self.plan.run)

    async def _chain(self, steps: Sequence[Step]) -> list[StepEnd]:
        """Run steps one after another, up to the first that fails."""
        ends: list[StepEnd] = []
        for step in steps:
            if self.stop.requested:
                break
            ends.append(await self._step(step))
            if not ends[-1].ok:
                break
        return ends

    async def _roll(self, phase: Phase) -> None:
        """Run batch after batch, until more hosts have failed than the plan allows. Failures keep the run open."""
        if not phase.steps:
            return
        failed: list[StepEnd] = []
        for batch in batches(phase.steps, phase.batch):
            self._check_stop()
            silent = {step.host: "not reachable" for step in batch if step.host not in self.remotes}
            errors = await self._fence.settle(step.host for step in batch if step.host not in silent)
            for error in errors.values():
                if isinstance(error, LockedError):  # not a worker's failure: another attempt has the run
                    raise error
            silent |= {name: error.message for name, error in errors.items()}
            ends = await asyncio.gather(*(self._step(step) for step in batch if step.host not in silent))
            failed += [end for end in ends if not end.ok]
            failed += [
                StepEnd(step, ok=False, answer=Answer.UNKNOWN, reason=silent[step.host])
                for step in batch
                if step.host in silent
            ]
            if len(failed) > phase.max_failures:
                break
        self.result.failed_workers = tuple(end.step.host for end in failed)
        if failed:
            raise failure_of(phase.name, failed, self.plan.run)

    async def _give_back(self, hosts: Sequence[str]) -> None:
        """Release the hosts that this attempt has claimed, because another run was first and this one has not begun.

        The step has its own name: a marker of the release phase would tell the next attempt that all is done.
        """
        release = self.plan.phase(PhaseName.RELEASE)
        for step in release.steps if release else ():
            if step.name == StepName.RELEASE_CLAIM and step.host in hosts:
                await self.remotes[step.host].act(GIVE_BACK, self.attempt, self._acting.command(step))

    # --- one step -------------------------------------------------------------------------------------

    async def _step(self, step: Step) -> StepEnd:
        """Look, act, look again. A step that is already done is not repeated.

        If nothing can have done it yet, there is no look before it: while the cluster is down, a look is outage.
        """
        past = judge_past(step, records_of(step, self._fence.records))
        made_good = is_made_good(step, past, self.hooks.answers)
        if end := await self._before(step, past, made_good=made_good):
            return end
        self._log("step-started", step=step.id, attempt=self.attempt)
        self.reporter.step(step.host, step.id, "acting", step.title)
        name = step_name(step.name)
        if self.result.stopped_at_s is None and name and name.starts_outage:
            self.result.stopped_at_s = self.clock.monotonic()
        outcome = await (self.hooks.made_good(step) if made_good else self._acting.act(step))
        self._tell_of_hook(step, outcome)
        if outcome.ended is Ended.FENCED:
            raise self._fence.locked(f"{step.host}: {outcome.detail}")
        if isinstance(step.act, Reboot):
            pass  # the connection and the marker are lost with the reboot: a look decides
        elif outcome.ended is not Ended.DONE:
            return self._ended(StepEnd.failed(step, outcome), "failed")
        if step.done_if and step.done_if.wait_s:
            verdict = await self._looks.poll(step.done_if, lambda seen: self._waiting(step, seen))
            if verdict.answer is not Answer.YES:
                return self._ended(StepEnd.refused(step, verdict, outcome), "failed")
        return self._ended(StepEnd(step, ok=True, outcome=outcome), "done")

    async def _before(self, step: Step, past: Before, *, made_good: bool) -> StepEnd | None:
        """The end of a step that is already done, not needed, or not possible; None if it must act."""
        if step.mends and not self._time_has_passed:
            return StepEnd(step, ok=True)
        if step.done_if and (self._time_has_passed or past is not Before.NEVER):
            verdict = await self._looks.look(step.done_if)
            if verdict.answer is Answer.YES:
                return self._ended(StepEnd(step, ok=True), "already")
            if verdict.answer is Answer.WRONG:
                return self._ended(StepEnd.refused(step, verdict), "failed")
        elif past is Before.DONE:
            return self._ended(StepEnd(step, ok=True), "already")
        if not made_good and (reason := refusal(step, past)):
            return self._ended(StepEnd(step, False, Answer.NO, reason), "failed")
        if step.requires and self._time_has_passed and past is not Before.DONE:
            verdict = await self._looks.look(step.requires)
            if verdict.answer is not Answer.YES:
                return self._ended(StepEnd.refused(step, verdict), "failed")
        return None

    def _tell_of_hook(self, step: Step, outcome: Outcome) -> None:
        """Show the last lines that a hook has printed, if it did not succeed."""
        if isinstance(step.act, Hook | LocalHook):
            self._log("hook", step=step.id, attempt=self.attempt, exit_code=outcome.exit_code, output=outcome.log)
            for line in outcome.log.splitlines()[-HOOK_LINES:] if outcome.ended is not Ended.DONE else ():
                self.reporter.note(f"{step.name} {step.host}: {line}")

    async def _barrier(self, phase: Phase, barrier: Probe) -> None:
        verdict = await self._looks.poll(barrier, lambda seen: self.reporter.waiting(phase.name, seen.reasons))
        self._log("barrier", phase=phase.name, answer=verdict.answer, reasons=verdict.reasons)
        self.result.dwell_s += barrier.dwell_s
        self._check_stop()
        if verdict.answer is not Answer.YES:
            raise shut(phase.name, verdict, self.plan.run)
        if phase.name is PhaseName.START:
            self.result.proof = verdict.details

    # --- words ----------------------------------------------------------------------------------------

    def _ended(self, end: StepEnd, state: str) -> StepEnd:
        self._log("step-ended", step=end.step.id, attempt=self.attempt, ok=end.ok, state=state, reason=end.reason)
        self.reporter.step(end.step.host, end.step.id, state, end.reason)
        return end

    def _waiting(self, step: Step, verdict: Verdict) -> None:
        self.reporter.step(step.host, step.id, "waiting", "; ".join(dict.fromkeys(verdict.reasons.values())))

    def _log(self, kind: str, **fields: object) -> None:
        """Write to the journal. If the laptop cannot write it, no new step starts."""
        try:
            self.journal.write(kind, **fields)
        except OSError as error:
            self.stop.disk = f"cannot write the journal on this laptop: {error.strerror}"

    def _check_stop(self) -> None:
        if self.stop.signal_number:
            raise InterruptedRunError("interrupted", resume(self.plan.run), signal_number=self.stop.signal_number)
        if self.stop.disk:
            raise HaltedError(f"{self.stop.disk}: free some space", resume(self.plan.run))
