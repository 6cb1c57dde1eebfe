"""Which steps are done, in doubt or left: derived from the markers on the hosts, never stored. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from orchestrator.core.model.hooks import BEGUN, Hook, LocalHook
from orchestrator.core.model.outcome import ActRecord, ActState, Answer, Ended, Verdict
from orchestrator.core.model.plan import PhaseName, Push, Step
from orchestrator.core.runs.markers import was_cut_off
from orchestrator.core.runs.result import StepEnd
from orchestrator.core.text import few, one_per_line, with_advice
from orchestrator.errors import (
    HaltedError,
    LockedError,
    NextStep,
    OrchestratorError,
    UnprovenError,
    UnreachableError,
    ours,
)

CLAIMED_BY_ANOTHER = 11
"""The exit status of templates/host/claim/take.sh if another run holds the host."""


class Before(StrEnum):
    """What the markers say about a step before an attempt begins it."""

    NEVER = "never"
    DONE = "done"
    FAILED = "failed"
    DIED = "died"


def records_of(step: Step, records: Mapping[str, Sequence[ActRecord]]) -> Sequence[ActRecord]:
    """The markers that concern a step: those on its host; for a hook on the laptop, those on every host."""
    if isinstance(step.act, LocalHook):
        return [record for host in records.values() for record in host]
    return records.get(step.host, ())


def judge_past(step: Step, records: Sequence[ActRecord]) -> Before:
    """Judge a step by its markers; the newest attempt decides."""
    if isinstance(step.act, Hook | LocalHook):
        return _judge_hook(step, records)
    mine = sorted((record for record in records if record.step == step.name), key=lambda record: record.attempt)
    begun = [record for record in mine if record.state is not ActState.WAITING]
    if not begun:
        return Before.NEVER
    last = begun[-1]
    if last.state is ActState.ENDED:
        return Before.DONE if last.exit_code == 0 else Before.FAILED
    return Before.DIED


def _judge_hook(step: Step, records: Sequence[ActRecord]) -> Before:
    """Judge a hook. It has failed only if it reported so itself. If it was cut off, its result is unknown: it died."""
    begun = [it for it in records if it.step in (step.name, step.name + BEGUN) and it.state is not ActState.WAITING]
    newest = max((it.attempt for it in begun), default=0)
    ends = [
        it.exit_code for it in begun if it.attempt == newest and it.step == step.name and it.state is ActState.ENDED
    ]
    if not ends or ends[0] is None:
        return Before.DIED if begun else Before.NEVER
    if was_cut_off(ends[0]):
        return Before.DIED
    return Before.FAILED if ends[0] else Before.DONE


def refusal(step: Step, past: Before) -> str:
    """Why this step may not run (again), or an empty text."""
    if past in (Before.NEVER, Before.DONE) or step.rerunnable or isinstance(step.act, Push):
        return ""
    if isinstance(step.act, Hook | LocalHook):
        doubt = "it began in an earlier attempt and its result is unknown: check what it has done"
        return doubt if past is Before.DIED else ""
    return f"it {past} in an earlier attempt, and running it again is not safe: check the host, then roll back"


def is_made_good(step: Step, past: Before, answers: frozenset[str]) -> bool:
    """Whether the operator confirms an unfinished hook's work as done. A hook that never began cannot be skipped."""
    return (
        isinstance(step.act, Hook | LocalHook)
        and past in (Before.FAILED, Before.DIED)
        and step.act.answer_flag in answers
    )


def by_host(steps: Sequence[Step]) -> list[list[Step]]:
    """The steps of each host, in their order."""
    hosts: dict[str, list[Step]] = {}
    for step in steps:
        hosts.setdefault(step.host, []).append(step)
    return list(hosts.values())


def batches(steps: Sequence[Step], size: int) -> Iterator[Sequence[Step]]:
    """The steps in groups of at most ``size``."""
    for start in range(0, len(steps), size):
        yield steps[start : start + size]


def failure_of(phase: PhaseName, failures: Sequence[StepEnd], run: str) -> OrchestratorError:
    """The error for failed steps: what each host reported, and the exit code that fits."""
    text = one_per_line(phase, few([str(end) for end in failures]))
    lost = any(end.answer is Answer.UNKNOWN for end in failures)
    if phase is PhaseName.CLAIM:
        if CLAIMED_BY_ANOTHER in {end.outcome.exit_code for end in failures if end.outcome}:
            return LockedError(text, ours("status"))
        return UnreachableError(text, resume(run)) if lost else OrchestratorError(text, resume(run))
    if phase is PhaseName.START and not lost and any(end.is_unproven for end in failures):
        return _unproven(text, run)
    return _after_hooks(text, failures, run) or HaltedError(text, resume(run))


def _after_hooks(text: str, failures: Sequence[StepEnd], run: str) -> HaltedError | None:
    """The error if a hook failed; None if no hook did. The next command resumes the run and with it the hook. After a
    hook that was cut off there is no next command: the operator must look first."""
    flag, doubt = "", False
    for end in failures:
        if not isinstance(end.step.act, Hook | LocalHook) or end.answer is Answer.UNKNOWN:
            continue
        flag, outcome = end.step.act.answer_flag, end.outcome
        told = outcome is not None and outcome.ended is Ended.FAILED and not was_cut_off(outcome.exit_code or 0)
        doubt = doubt or not (told or end.step.rerunnable)
    if doubt:
        return HaltedError(with_advice(text, f"check what it did, and resume with {flag} once its work is done"))
    if flag:
        return HaltedError(with_advice(text, f"`resume` runs it again, and with {flag} skips it as done"), resume(run))
    return None


def shut(phase: PhaseName, verdict: Verdict, run: str) -> OrchestratorError:
    """The error for a barrier that did not open."""
    text = one_per_line(phase, [f"{host}: {reason}" for host, reason in verdict.reasons.items()])
    if phase is PhaseName.START and verdict.answer is not Answer.UNKNOWN:
        return _unproven(text, run)
    return HaltedError(text, resume(run))


def resume(run: str, *flags: str) -> NextStep:
    """The command that continues a run."""
    return ours("resume", run, *flags)


def _unproven(text: str, run: str) -> UnprovenError:
    return UnprovenError(with_advice(text, "`resume` checks again, `rollback` returns to the old data"), resume(run))
