"""Hooks for persistent volumes: what is planned, what their markers say, and what leads on after one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from orchestrator.core.inventory.declared import HookPlace, Volumes, VolumesHook
from orchestrator.core.model.hooks import BEGUN, Hook, LocalHook
from orchestrator.core.model.outcome import ActRecord, ActState, Answer, Ended, Outcome
from orchestrator.core.model.plan import Pause, Phase, PhaseName, Plan, Step, canonical_json
from orchestrator.core.plans.leave_out import leave_out
from orchestrator.core.plans.undo import abort, rollback
from orchestrator.core.plans.undo.target import Left, Undone
from orchestrator.core.plans.volumes import ANSWER_FLAG, FACTS
from orchestrator.core.runs.phases import open_phase
from orchestrator.core.runs.progress import Before, failure_of, is_made_good, judge_past, records_of, refusal
from orchestrator.core.runs.result import StepEnd
from orchestrator.core.runs.status import Stand, forgotten, standings
from orchestrator.distros import KUBLR
from orchestrator.errors import NextStep, ours
from tests.unit.builders import DATA, LAPTOP, RUN, inventory, masters, plan, snapshot_facts

MASTERS = ("master-1", "master-2", "master-3")
ARGV, BACK = ("/opt/put-back", "all of it"), ("/opt/take-back",)
UNDO_RUN = "20261122t041007z-77aa"


def policy(place: HookPlace, *, undo: tuple[str, ...] | None = BACK, rerunnable: bool = False) -> VolumesHook:
    return VolumesHook(hook=ARGV, on=place, undo=undo, timeout_s=900, rerunnable=rerunnable)


def hooked(place: HookPlace, *, rerunnable: bool = False) -> Plan:
    return plan(inventory(volumes=policy(place, rerunnable=rerunnable)))


def volumes(made: Plan) -> Phase:
    phase = made.phase(PhaseName.VOLUMES)
    assert phase is not None
    return phase


def environments(steps: Sequence[Step]) -> dict[str, dict[str, str]]:
    return {step.host: step.act.env for step in steps if isinstance(step.act, Hook | LocalHook)}


# --- what is planned --------------------------------------------------------------------------------------


def test_a_hook_on_the_masters_is_an_act_of_each() -> None:
    made = hooked(HookPlace.MASTERS)
    steps = volumes(made).steps
    assert [step.id for step in steps] == [f"volumes.hook/{name}" for name in MASTERS]
    assert {step.rerunnable for step in steps} == {False}
    told = environments(steps)["master-2"]
    assert told == {
        "ORCHESTRATOR_KIND": "restore",
        "ORCHESTRATOR_RUN": RUN,
        "ORCHESTRATOR_CLUSTER": "prod-1",
        "ORCHESTRATOR_MASTERS": "master-1 master-2 master-3",
        "ORCHESTRATOR_REVISION": "48213",
        "ORCHESTRATOR_SNAPSHOT_SHA256": "9d1f6c0e" + "5a" * 28,
        "ORCHESTRATOR_SNAPSHOT_TAKEN_UTC": "",
        "ORCHESTRATOR_HOST": "master-2",
        "ORCHESTRATOR_NODE": "master-2",
        "ORCHESTRATOR_MEMBER": "etcd1",
        "ORCHESTRATOR_DATA": DATA,
        FACTS: f"/var/lib/orchestrator/{RUN}/plan.json",
    }
    assert isinstance(steps[1].act, Hook)
    command = made.command(steps[1].act)
    assert command.argv == ("env", *(f"{name}={value}" for name, value in told.items()), *ARGV)
    assert (command.timeout_s, command.lets_go) == (900, True), "a daemon that it leaves must not keep our lock"


def test_a_hook_is_told_when_the_snapshot_was_taken() -> None:
    known = snapshot_facts().model_copy(update={"newest_renewal_utc": "2026-11-22T02:08:01+00:00"})
    (step,) = volumes(plan(inventory(volumes=policy(HookPlace.LAPTOP)), snapshot=known)).steps
    told = environments([step])["master-1"]
    assert told["ORCHESTRATOR_SNAPSHOT_TAKEN_UTC"] == "2026-11-22T02:08:01Z"


def test_a_hook_on_the_laptop_is_one_step() -> None:
    made = hooked(HookPlace.LAPTOP, rerunnable=True)
    (step,) = volumes(made).steps
    assert (step.id, step.rerunnable) == ("volumes.hook/master-1", True)
    assert isinstance(step.act, LocalHook)
    assert step.act.argv == ARGV
    assert FACTS not in step.act.env, "only the laptop that runs it knows where"


@pytest.mark.parametrize("place", HookPlace)
def test_it_runs_only_while_all_are_held(place: HookPlace) -> None:
    requires = volumes(hooked(place)).requires
    assert requires is not None
    assert [look.host for look in requires.looks] == list(MASTERS)


@pytest.mark.parametrize("place", HookPlace)
def test_a_plan_with_a_hook_survives_being_written_and_read(place: HookPlace) -> None:
    made = hooked(place)
    again = Plan.model_validate_json(canonical_json(made))
    assert again == made
    assert isinstance(again.inventory.policies.volumes, VolumesHook)


def test_a_lost_master_takes_nothing_of_a_hook_with_it() -> None:
    (moved,) = volumes(leave_out(hooked(HookPlace.LAPTOP), ["master-1"])).steps
    assert moved.id == "volumes.hook/master-2"
    left = volumes(leave_out(hooked(HookPlace.MASTERS), ["master-1"])).steps
    assert [step.host for step in left] == ["master-2", "master-3"]
    for step in (moved, *left):
        assert environments([step])[step.host]["ORCHESTRATOR_MASTERS"] == "master-2 master-3"


# --- what takes it back -----------------------------------------------------------------------------------


def undone(hook: Volumes | VolumesHook, begun: dict[str, str]) -> Undone:
    """RUN, whose hook has begun on these hosts under that name."""
    cluster, views = inventory(volumes=hook), masters()
    records = {host: [ActRecord("stop.hold", 1, ActState.ENDED, 0)] for host in MASTERS}
    for host, name in begun.items():
        records[host].append(ActRecord(name, 1, ActState.DIED))
    return Undone(
        plan=plan(cluster, views),
        inventory=cluster,
        views=views,
        distro=KUBLR,
        run=UNDO_RUN,
        laptop=LAPTOP,
        records=records,
        left={host: Left("whole") for host in MASTERS},
    )


def undo_steps(made: Undone, kind: str = "abort") -> tuple[Step, ...]:
    if kind == "rollback":
        started = {host: [*it, ActRecord("start.lift", 1, ActState.ENDED, 0)] for host, it in made.records.items()}
        made = replace(made, records=started)
    phases = rollback.rollback(made) if kind == "rollback" else abort.abort(made)
    return next((phase.steps for phase in phases if phase.name is PhaseName.VOLUMES), ())


@pytest.mark.parametrize("kind", ["abort", "rollback"])
def test_it_is_taken_back_where_it_has_begun(kind: str) -> None:
    steps = undo_steps(undone(policy(HookPlace.MASTERS), dict.fromkeys(MASTERS[1:], "volumes.hook")), kind)
    assert [step.id for step in steps] == ["volumes.undo/master-2", "volumes.undo/master-3"]
    told = environments(steps)["master-3"]
    assert told["ORCHESTRATOR_KIND"] == kind
    assert (told["ORCHESTRATOR_UNDOES"], told["ORCHESTRATOR_RUN"]) == (RUN, UNDO_RUN)
    assert told["ORCHESTRATOR_MASTERS"] == "master-1 master-2 master-3"
    assert told[FACTS] == f"/var/lib/orchestrator/{UNDO_RUN}/plan.json"
    assert {step.act.argv for step in steps if isinstance(step.act, Hook)} == {BACK}


def test_one_that_was_only_about_to_begin_on_the_laptop_is_taken_back() -> None:
    (step,) = undo_steps(undone(policy(HookPlace.LAPTOP), {"master-3": f"volumes.hook{BEGUN}"}))
    assert isinstance(step.act, LocalHook)
    assert (step.host, step.act.argv) == ("master-3", BACK)


def test_without_an_undo_the_operator_is_asked() -> None:
    (step,) = undo_steps(undone(policy(HookPlace.MASTERS, undo=None), {"master-2": "volumes.hook"}))
    assert isinstance(step.act, Pause)
    assert step.act.answer_flag == ANSWER_FLAG


@pytest.mark.parametrize("hook", [policy(HookPlace.MASTERS), policy(HookPlace.LAPTOP), Volumes.PAUSE, Volumes.NONE])
def test_what_has_not_begun_is_not_taken_back(hook: Volumes | VolumesHook) -> None:
    assert undo_steps(undone(hook, {})) == ()


# --- what the markers say ---------------------------------------------------------------------------------

HOOK_STEP = volumes(hooked(HookPlace.MASTERS)).steps[0]
LOCAL_STEP = volumes(hooked(HookPlace.LAPTOP)).steps[0]
ENDED, DIED, RUNNING, WAITING = ActState.ENDED, ActState.DIED, ActState.RUNNING, ActState.WAITING


def ended(attempt: int, code: int) -> ActRecord:
    return ActRecord("volumes.hook", attempt, ENDED, code)


def begun(attempt: int, state: ActState = ENDED) -> ActRecord:
    return ActRecord(f"volumes.hook{BEGUN}", attempt, state, 0)


@pytest.mark.parametrize(
    ("records", "before"),
    [
        ((), Before.NEVER),
        ((ActRecord("volumes.hook", 1, WAITING),), Before.NEVER),
        ((ended(1, 0),), Before.DONE),
        ((ended(1, 3),), Before.FAILED),
        ((ended(1, 127),), Before.FAILED),  # no such program: it did nothing
        ((ended(1, 124),), Before.DIED),  # its time was over
        ((ended(1, 137),), Before.DIED),  # SIGKILL
        ((ActRecord("volumes.hook", 1, DIED),), Before.DIED),
        ((ended(1, 3), ActRecord("volumes.hook", 2, DIED)), Before.DIED),
        ((ended(2, 0), ActRecord("volumes.hook", 1, DIED)), Before.DONE),  # the operator's word
    ],
)
def test_only_what_a_hook_says_itself_counts(records: tuple[ActRecord, ...], before: Before) -> None:
    assert judge_past(HOOK_STEP, records) is before


@pytest.mark.parametrize(
    ("records", "before"),
    [
        ((begun(1, WAITING),), Before.NEVER),
        ((begun(1),), Before.DIED),
        ((begun(1), ended(1, 0)), Before.DONE),
        ((begun(1), begun(1), ended(1, 0)), Before.DONE),  # one master was told of its end before the laptop died
        ((begun(1), ended(1, 3)), Before.FAILED),
        ((begun(1), ended(1, 3), begun(2)), Before.DIED),
        ((begun(1), ended(2, 0)), Before.DONE),
    ],
)
def test_a_hook_on_a_laptop_that_began_and_did_not_end(records: tuple[ActRecord, ...], before: Before) -> None:
    assert judge_past(LOCAL_STEP, records) is before


def test_every_master_can_tell_of_a_hook_on_the_laptop() -> None:
    records = {"master-1": (), "master-2": (begun(1), ended(1, 0)), "master-3": (begun(1),)}
    assert judge_past(LOCAL_STEP, records_of(LOCAL_STEP, records)) is Before.DONE
    assert judge_past(HOOK_STEP, records_of(HOOK_STEP, records)) is Before.NEVER


@pytest.mark.parametrize("step", [HOOK_STEP, LOCAL_STEP])
def test_it_runs_again_where_it_said_that_it_failed(step: Step) -> None:
    assert [bool(refusal(step, past)) for past in Before] == [False, False, False, True]
    again = step.model_copy(update={"rerunnable": True})
    assert not any(refusal(again, past) for past in Before)


@pytest.mark.parametrize("step", [HOOK_STEP, LOCAL_STEP])
def test_the_operators_word_stands_only_for_what_has_begun(step: Step) -> None:
    answers = frozenset((ANSWER_FLAG,))
    assert [past for past in Before if is_made_good(step, past, answers)] == [Before.FAILED, Before.DIED]
    assert not any(is_made_good(step, past, frozenset()) for past in Before)


def test_a_hook_that_is_about_to_begin_opens_its_phase() -> None:
    made = hooked(HookPlace.LAPTOP)
    records = {host: [begun(1)] for host in MASTERS}
    assert made.phases[open_phase(made, [begun(1)])].name is PhaseName.VOLUMES
    standing = standings(made, records)[open_phase(made, [begun(1)])]
    assert (standing.stand, standing.reasons) == (Stand.DOUBT, {"master-1": "volumes.hook began but did not end"})


def test_a_hook_whose_end_one_master_alone_knows_is_not_forgotten() -> None:
    made = hooked(HookPlace.LAPTOP)
    before = made.phases[: [phase.name for phase in made.phases].index(PhaseName.VOLUMES)]
    done = {
        host: [ActRecord(it.name, 1, ENDED, 0) for phase in before for it in phase.steps if it.host == host]
        for host in MASTERS
    }
    done["master-2"].append(ended(1, 0))
    done["master-3"].append(ActRecord("start.lift", 1, ENDED, 0))
    assert forgotten(made, done) == {}


# --- what leads on ----------------------------------------------------------------------------------------

AGAIN = (f"; `resume` runs it again, and with {ANSWER_FLAG} skips it as done", ours("resume", "r1"))
LOOK = (f"; check what it did, and resume with {ANSWER_FLAG} once its work is done", None)


@pytest.mark.parametrize("step", [HOOK_STEP, LOCAL_STEP])
@pytest.mark.parametrize(
    ("outcome", "following"),
    [
        (Outcome(Ended.FAILED, 3), AGAIN),
        (Outcome(Ended.FAILED, 124), LOOK),
        (Outcome(Ended.DIED), LOOK),
        (Outcome(Ended.LOST), ("", ours("resume", "r1"))),  # it may be running there still
    ],
)
def test_the_command_after_a_hook(step: Step, outcome: Outcome, following: tuple[str, NextStep | None]) -> None:
    found = failure_of(PhaseName.VOLUMES, [StepEnd.failed(step, outcome)], "r1")
    words, command = following
    assert (found.exit_code, found.next_step) == (10, command)
    assert found.message.endswith(words)


def test_the_command_after_a_hook_in_doubt() -> None:
    refused = StepEnd(HOOK_STEP, False, Answer.NO, refusal(HOOK_STEP, Before.DIED))
    failed = StepEnd.failed(HOOK_STEP, Outcome(Ended.FAILED, 3))
    found = failure_of(PhaseName.VOLUMES, [failed, refused], "r1")
    assert found.message.endswith("\n" + LOOK[0].removeprefix("; "))
    assert found.next_step is None
    again = HOOK_STEP.model_copy(update={"rerunnable": True})
    died = StepEnd.failed(again, Outcome(Ended.DIED))
    assert failure_of(PhaseName.VOLUMES, [died], "r1").message.endswith(AGAIN[0])
