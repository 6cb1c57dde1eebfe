"""What is done, in doubt, left, from the markers on the hosts; and what failures amount to."""

from __future__ import annotations

import pytest

from orchestrator.core.model import (
    ActRecord,
    ActState,
    Answer,
    Ended,
    Exec,
    Outcome,
    Phase,
    PhaseName,
    Push,
    Step,
)
from orchestrator.core.phases import PHASES, open_phase, point_of_no_return
from orchestrator.core.progress import Before, batches, by_host, failure_of, judge_past, refusal
from orchestrator.core.standing import next_command, standings
from orchestrator.errors import HaltedError, LockedError, OrchestratorError, UnprovenError, UnreachableError
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


FAILED = (Answer.NO, Outcome(Ended.FAILED, 3), "master-1: the copy differs")
LOST = (Answer.UNKNOWN, None, "master-2: unreachable")
TAKEN = (Answer.NO, Outcome(Ended.FAILED, 11), "master-1: held by run r0")


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
        (PhaseName.START, (FAILED,), UnprovenError, 20),
        (PhaseName.START, (FAILED, LOST), HaltedError, 10),
        (PhaseName.WORKERS, (FAILED,), HaltedError, 10),
    ],
)
def test_what_failures_amount_to(
    phase: PhaseName,
    failures: tuple[tuple[Answer, Outcome | None, str], ...],
    error: type[OrchestratorError],
    code: int,
) -> None:
    found = failure_of(phase, failures, "orchestrator resume")
    assert (type(found), found.exit_code) == (error, code)
    assert found.message == f"{phase}: " + "; ".join(line for _, _, line in failures)
    assert found.next_step.startswith("orchestrator ")


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
    assert next_command(PLAN, done, {}, "c.yml") == "nothing: this run came to its end"
    done["master-2"] = done["master-2"][:-1]
    assert next_command(PLAN, done, {}, "c.yml") == f"orchestrator resume -i c.yml {PLAN.run}"
    assert standings(PLAN, done)[-1].reasons == {"master-2": "next is release.claim"}
