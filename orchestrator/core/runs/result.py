"""How steps and runs end, as values: a host's failure is not an exception."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.core.model.outcome import Answer, Ended, Outcome, Verdict
from orchestrator.core.model.plan import Step


@dataclass(frozen=True, slots=True)
class StepEnd:
    """How a step ended. ``outcome`` is its act's, None if the act did not run."""

    step: Step
    ok: bool
    answer: Answer = Answer.YES
    reason: str = ""
    outcome: Outcome | None = None

    @classmethod
    def refused(cls, step: Step, verdict: Verdict, outcome: Outcome | None = None) -> StepEnd:
        """The end of a step that a look has refused."""
        return cls(step, False, verdict.answer, "; ".join(dict.fromkeys(verdict.reasons.values())), outcome)

    @classmethod
    def failed(cls, step: Step, outcome: Outcome) -> StepEnd:
        """The end of a step whose act failed or did not finish."""
        answer = Answer.UNKNOWN if outcome.ended is Ended.LOST else Answer.NO
        last = outcome.log.strip().splitlines()[-1:] or [outcome.detail]
        code = f" (exit {outcome.exit_code})" if outcome.exit_code is not None else ""
        return cls(step, False, answer, f"{outcome.ended}{code}: {last[0]}", outcome)

    @property
    def is_unproven(self) -> bool:
        """Whether the look after the act said no, or any look said that waiting will not help."""
        acted = self.outcome is not None and self.outcome.ended is Ended.DONE
        return not self.ok and self.answer is not Answer.UNKNOWN and (acted or self.answer is Answer.WRONG)

    def __str__(self) -> str:
        return f"{self.step.id}: {self.reason}"


@dataclass(slots=True)
class Result:
    """The result of a finished run. Moments are seconds of the coordinator's clock."""

    proof: dict[str, str] = field(default_factory=dict)
    failed_workers: tuple[str, ...] = ()
    stopped_at_s: float | None = None
    up_at_s: float | None = None
    paused_s: float = 0.0
    dwell_s: float = 0.0

    @property
    def outage_s(self) -> float | None:
        """Seconds from the first stopped service until every API server is ready, or if none is asked, every member is
        proven; without pauses. None if nothing stopped."""
        if self.stopped_at_s is None or self.up_at_s is None:
            return None
        return self.up_at_s - self.stopped_at_s - self.paused_s
