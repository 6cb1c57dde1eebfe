"""What is done, in doubt, left, from the markers on the hosts; and what failures amount to."""

from __future__ import annotations

import pytest

from orchestrator.core.model.outcome import ActRecord, ActState, Answer, Ended, Outcome, Verdict
from orchestrator.core.model.plan import Exec, Phase, PhaseName, Push, Step
from orchestrator.core.report.status import outlook
from orchestrator.core.runs.phases import PHASES, open_phase, point_of_no_return
from orchestrator.core.runs.progress import Before, batches, by_host, failure_of, judge_past, refusal, shut
from orchestrator.core.runs.result import StepEnd
from orchestrator.core.runs.status import forgotten, standings
from orchestrator.core.text import one_per_line
from orchestrator.errors import HaltedError, LockedError, OrchestratorError, UnprovenError, UnreachableError, ours
from tests.unit.builders import inventory, masters, plan


def step(name: str = "keep.copy", host: str = "master-1", *, rerunnable: bool = False, push: bool = False) -> Step:
    act = Push(path="/x") if push else Exec(argv=("true",))
    return Step(id=f"{name}/{host}", host=host, title="do it", act=act, rerunnable=rerunnable)


def record(attempt: int, state: ActState, exit_code: int | None = None, name: str = "keep.copy") -> ActRecord:
    return ActRecord(name, attempt, state, exit_code)


ENDED, WAITING, RUNNING, DIED = ActState.ENDED, ActState.WAITING, ActState.RUNNING, ActState.DIED


@pytest.mark.parametrize(
    ("records", "before"),
    [
        ((), Before.NEVER),
        ((record(1, WAITING),), Before.NEVER),
        ((record(1, ENDED, 0),), Before.DONE),
        ((record(1, ENDED, 3),), Before.FAILED),
        ((record(1, DIED),), Before.DIED),
        ((record(1, RUNNING),), Before.DIED),  # not ours: of an attempt that is over
        ((record(2, ENDED, 0), record(1, DIED)), Before.DONE),  # the newest decides, whatever their order
        ((record(2, DIED), record(1, ENDED, 0)), Before.DIED),
        ((record(10, ENDED, 1), record(9, ENDED, 0)), Before.FAILED),
        ((record(2, WAITING), record(1, ENDED, 0)), Before.DONE),  # the newest that has begun
        ((record(1, ENDED, 0, name="keep.other"),), Before.NEVER),
    ],
)
def test_the_newest_attempt_decides(records: tuple[ActRecord, ...], before: Before) -> None:
    assert judge_past(step(), records) is before


@pytest.mark.parametrize("past", list(Before))
@pytest.mark.parametrize(("rerunnable", "push"), [(False, False), (True, False), (False, True)])
def test_what_died_or_failed_runs_again_only_where_that_is_safe(past: Before, rerunnable: bool, push: bool) -> None:
    said = refusal(step(rerunnable=rerunnable, push=push), past)
    assert bool(said) is (past in (Before.DIED, Before.FAILED) and not rerunnable and not push)
    if said:
        assert said.startswith(f"it {past} in an earlier attempt")


def test_steps_of_each_host_keep_their_order() -> None:
    steps = [step("a.x", "m1"), step("a.x", "m2"), step("a.y", "m1")]
    assert [[it.id for it in steps] for steps in by_host(steps)] == [["a.x/m1", "a.y/m1"], ["a.x/m2"]]


@pytest.mark.parametrize(("size", "sizes"), [(1, [1, 1, 1, 1, 1]), (2, [2, 2, 1]), (5, [5]), (9, [5])])
def test_batches(size: int, sizes: list[int]) -> None:
    steps = [step(host=f"worker-{number}") for number in range(5)]
    assert [len(batch) for batch in batches(steps, size)] == sizes
    assert [it for batch in batches(steps, size) for it in batch] == steps
    assert list(batches([], size)) == []


FAILED = StepEnd.failed(step(), Outcome(Ended.FAILED, 3, "the copy differs\n"))
LOST = StepEnd.failed(step(host="master-2"), Outcome(Ended.LOST, detail="unreachable"))
TAKEN = StepEnd.failed(step(), Outcome(Ended.FAILED, 11, "held by run r0"))
UNFIT = StepEnd.refused(step(), Verdict(Answer.NO, {"master-1": "restore.db is not there"}))
LATE = StepEnd.refused(step(), Verdict(Answer.NO, {"master-1": "no answer yet"}), Outcome(Ended.DONE, 0))
WRONG = StepEnd.refused(step(), Verdict(Answer.WRONG, {"master-1": "another hash"}))


@pytest.mark.parametrize(
    ("phase", "failures", "error", "code"),
    [
        (PhaseName.CLAIM, (TAKEN,), LockedError, 11),
        (PhaseName.CLAIM, (TAKEN, LOST), LockedError, 11),
        (PhaseName.CLAIM, (LOST,), UnreachableError, 4),
        (PhaseName.CLAIM, (FAILED,), OrchestratorError, 1),
        (PhaseName.KEEP, (FAILED,), HaltedError, 10),
        (PhaseName.KEEP, (TAKEN,), HaltedError, 10),
        (PhaseName.STOP, (LOST,), HaltedError, 10),
        (PhaseName.START, (FAILED,), HaltedError, 10),
        (PhaseName.START, (UNFIT,), HaltedError, 10),
        (PhaseName.START, (LATE,), UnprovenError, 20),
        (PhaseName.START, (FAILED, WRONG), UnprovenError, 20),
        (PhaseName.START, (WRONG, LOST), HaltedError, 10),
        (PhaseName.WORKERS, (FAILED,), HaltedError, 10),
    ],
)
def test_what_failures_amount_to(
    phase: PhaseName, failures: tuple[StepEnd, ...], error: type[OrchestratorError], code: int
) -> None:
    found = failure_of(phase, failures, "r1")
    assert (type(found), found.exit_code) == (error, code)
    assert found.message.startswith(one_per_line(phase, [f"{end.step.id}: {end.reason}" for end in failures]))
    assert ("`rollback`" in found.message) is (code == 20)
    assert found.next_step == (ours("status") if code == 11 else ours("resume", "r1"))


@pytest.mark.parametrize(
    ("phase", "answer", "code"),
    [
        (PhaseName.KEEP, Answer.NO, 10),
        (PhaseName.START, Answer.UNKNOWN, 10),
        (PhaseName.START, Answer.NO, 20),
        (PhaseName.START, Answer.WRONG, 20),
    ],
)
def test_what_a_shut_barrier_amounts_to(phase: PhaseName, answer: Answer, code: int) -> None:
    found = shut(phase, Verdict(answer, {"master-2": "no quorum"}), "r1")
    assert (found.exit_code, found.next_step) == (code, ours("resume", "r1"))
    assert found.message.startswith(f"{phase}: master-2: no quorum")
    assert ("`rollback`" in found.message) is (code == 20)


# --- Where a run goes on --------------------------------------------------------------------------------

PLAN = plan(inventory(), masters(quorum=True), overrides=frozenset(("quorum-healthy",)))
ORDER = [phase.name for phase in PLAN.phases]


def test_the_phases_stand_in_the_order_of_the_table() -> None:
    assert ORDER == list(PHASES) == list(PhaseName)


@pytest.mark.parametrize("phase", [phase for phase in PLAN.phases if phase.steps], ids=lambda phase: phase.name.value)
def test_a_run_goes_on_in_the_last_phase_that_has_begun(phase: Phase) -> None:
    index = PLAN.phases.index(phase)
    begun = [record(1, ENDED, 0, name=step.name) for earlier in PLAN.phases[:index] for step in earlier.steps] + [
        record(1, RUNNING, name=PLAN.phases[index].steps[0].name)
    ]
    assert open_phase(PLAN, begun) == index
    assert open_phase(PLAN, begun[::-1]) == index


def test_a_run_without_markers_begins_at_the_beginning() -> None:
    assert open_phase(PLAN, ()) == 0
    assert open_phase(PLAN, (record(1, ENDED, 0, name="attempt.end"),)) == 0


def test_the_first_start_is_the_point_of_no_return() -> None:
    found = point_of_no_return(PLAN)
    assert found is not None
    assert found.name is PhaseName.START
    assert all(phase.destructive for phase in PLAN.phases[ORDER.index(PhaseName.START) :])


def test_a_run_that_came_to_its_end_needs_nothing() -> None:
    done: dict[str, list[ActRecord]] = {}
    for phase in PLAN.phases:
        for it in phase.steps:
            done.setdefault(it.host, []).append(record(1, ENDED, 0, name=it.name))
    assert outlook(PLAN, done, {}) == ("complete", None)
    done["master-2"] = done["master-2"][:-1]
    assert outlook(PLAN, done, {}) == ("not complete", ours("resume", PLAN.run))
    assert standings(PLAN, done)[-1].reasons == {"master-2": "next is release.claim"}


def test_a_run_that_was_taken_back_is_not_gone_on_with() -> None:
    assert outlook(PLAN, {}, {}, "r2") == ("undone by run r2", ours("status", "r2"))


def _done_before(phase: PhaseName) -> dict[str, list[ActRecord]]:
    done: dict[str, list[ActRecord]] = {}
    for it in PLAN.phases[: ORDER.index(phase)]:
        for step_ in it.steps:
            done.setdefault(step_.host, []).append(record(1, ENDED, 0, name=step_.name))
    return done


def test_a_master_that_was_reinstalled_is_named() -> None:
    done = _done_before(PhaseName.START)
    assert forgotten(PLAN, done) == {}
    del done["master-2"]
    assert list(forgotten(PLAN, done)) == ["master-2"]


def test_a_master_that_was_set_back_is_named() -> None:
    done = _done_before(PhaseName.START)
    done["master-3"] = [it for it in done["master-3"] if it.step != "keep.copy"]
    found = forgotten(PLAN, done)
    assert list(found) == ["master-3"]
    assert found["master-3"].startswith("keep.copy was done, but its marker is missing")


def test_what_the_open_phase_lacks_is_not_forgotten() -> None:
    done = _done_before(PhaseName.START)
    done["master-1"] = [it for it in done["master-1"] if it.step != "commit.schedule"]
    assert forgotten(PLAN, done) == {}
