"""What is done, in doubt, left: derived from the markers on the hosts, never stored. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from orchestrator.core.model import ActRecord, ActState, Answer, Outcome, PhaseName, Push, Step
from orchestrator.errors import HaltedError, LockedError, OrchestratorError, UnprovenError, UnreachableError

CLAIMED_BY_ANOTHER = 11
"""The exit status of templates/host/claim.sh where another run holds the host."""


class Before(StrEnum):
    """What the markers say of a step that an attempt comes to."""

    NEVER = "never"
    DONE = "done"
    FAILED = "failed"
    DIED = "died"


def judge_past(step: Step, records: Sequence[ActRecord]) -> Before:
    """The newest attempt at a step decides."""
    mine = sorted((record for record in records if record.step == step.name), key=lambda record: record.attempt)
    begun = [record for record in mine if record.state is not ActState.WAITING]
    if not begun:
        return Before.NEVER
    last = begun[-1]
    if last.state is ActState.ENDED:
        return Before.DONE if last.exit_code == 0 else Before.FAILED
    return Before.DIED


def refusal(step: Step, past: Before) -> str:
    """Why this step may not run (again), or nothing."""
    if past in (Before.NEVER, Before.DONE) or step.rerunnable or isinstance(step.act, Push):
        return ""
    return f"it {past} in an earlier attempt, and running it again is not safe: look at the host, then roll back"


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


def failure_of(
    phase: PhaseName, failures: Sequence[tuple[Answer, Outcome | None, str]], resume: str
) -> OrchestratorError:
    """The error that failures in a phase amount to: what each host said, and the exit code that fits them."""
    text = f"{phase}: " + "; ".join(line for _, _, line in failures)
    codes = {outcome.exit_code for _, outcome, _ in failures if outcome}
    lost = any(answer is Answer.UNKNOWN for answer, _, _ in failures)
    if phase is PhaseName.CLAIM:
        if CLAIMED_BY_ANOTHER in codes:
            return LockedError(text, "orchestrator status -i INVENTORY")
        if lost:
            return UnreachableError(text, resume)
        return OrchestratorError(text, resume)
    if phase is PhaseName.START and not lost:
        return UnprovenError(text, "orchestrator status -i INVENTORY; nothing is lost: the old data is kept")
    return HaltedError(text, resume)
