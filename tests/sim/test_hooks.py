"""Interrupt hooks for persistent volumes at every call: a hook runs again only if it reported a failure."""

from __future__ import annotations

from functools import cache

import pytest

from orchestrator.core.inventory.declared import HookPlace
from orchestrator.core.inventory.inventory import Inventory
from tests.sim.conftest import Some
from tests.sim.faults import CRASHES, Called, Fate, Fault
from tests.sim.hooks import POLICIES
from tests.sim.rivals import sleep_through
from tests.sim.story import Story, tell
from tests.sim.test_restore import undisturbed
from tests.sim.undoing import tell_undo
from tests.unit import builders

PLACES = tuple(HookPlace)
AROUND = 4
"""Number of calls before the phase and after it that also get a fault."""


def with_hook(place: HookPlace, *, rerunnable: bool = False) -> Inventory:
    return builders.inventory(3, 1, volumes=POLICIES[place].model_copy(update={"rerunnable": rerunnable}))


@cache
def calls(place: HookPlace) -> list[Called]:
    story = tell(inventory=with_hook(place))
    assert (story.violations, story.errors) == ([], [""])
    assert story.left == undisturbed().left
    return story.calls


def in_the_phase(place: HookPlace) -> list[int]:
    whats = [call.what.startswith("volumes.") for call in calls(place)]
    first, last = whats.index(True), len(whats) - 1 - whats[::-1].index(True)
    return list(range(first - AROUND, last + AROUND + 1))


def ends(story: Story) -> None:
    assert story.violations == [], (story.errors, [ending.error for ending in story.endings])
    assert story.left == undisturbed().left


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fate", Fate)
def test_a_restore_that_is_disturbed_around_its_hook(place: HookPlace, fate: Fate, some: Some) -> None:
    for number in some(in_the_phase(place), 2, tuple(Fate).index(fate)):
        for after_s in (0.0, 20.0) if fate is Fate.AFTER_SETTLE else (0.4,):
            fault = Fault(fate, at=2, after_s=after_s, for_s=200)
            ends(tell({number: fault}, inventory=with_hook(place)))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fate", CRASHES)
def test_third_laptop_completes_after_two_died_in_hook(place: HookPlace, fate: Fate, some: Some) -> None:
    """The second laptop finds a hook with an unknown result."""
    for number in some(in_the_phase(place), 4, CRASHES.index(fate)):
        for second in range(8, 30, 5):
            ends(tell({number: Fault(Fate.DIED, at=2)}, {second: Fault(fate, at=2)}, inventory=with_hook(place)))


@pytest.mark.parametrize("place", PLACES)
def test_failed_hook_runs_again_on_resume(place: HookPlace) -> None:
    story = tell(inventory=with_hook(place), hooks_end=(3, 4, 5))
    ends(story)
    assert story.errors[:-1] == ["HaltedError"] * (len(story.errors) - 1)
    assert story.resumes == (3 if place is HookPlace.LAPTOP else 1)
    error = story.endings[0].error
    assert error is not None
    assert error.message.endswith("`resume` runs it again, and with --volumes-done skips it as done")


@pytest.mark.parametrize("place", PLACES)
def test_rerunnable_hook_runs_again_after_it_was_cut_off(place: HookPlace) -> None:
    begins = next(
        n for n, call in enumerate(calls(place)) if call.what == "volumes.hook" and call.verb in ("hook", "act")
    )
    story = tell({begins: Fault(Fate.DIED, at=2)}, inventory=with_hook(place, rerunnable=True))
    ends(story)
    assert story.errors == ["", ""]
    asked = tell({begins: Fault(Fate.DIED, at=2)}, inventory=with_hook(place))
    ends(asked)
    assert asked.errors == ["", "HaltedError", ""]
    error = asked.endings[1].error
    assert error is not None
    assert error.message.endswith("resume with --volumes-done once its work is done")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fate", [Fate.LOST, Fate.DONE, Fate.DIED, Fate.LATE])
def test_an_abort_takes_back_what_a_hook_has_begun(place: HookPlace, fate: Fate) -> None:
    inventory = with_hook(place)
    for number in in_the_phase(place)[: -AROUND - 1]:
        story = tell_undo("abort", {number: Fault(fate, at=2)}, inventory=inventory)
        assert story.violations == [], calls(place)[number]
        assert story.did == "abort"


@pytest.mark.parametrize("place", PLACES)
def test_rollback_survives_any_fault(place: HookPlace) -> None:
    inventory = with_hook(place)
    first = tell_undo("rollback", {}, inventory=inventory)
    assert (first.violations, first.errors) == ([], [""])
    back = [number for number, call in enumerate(first.calls) if call.what.startswith("volumes.undo")]
    for number in back:
        for fate in (Fate.LOST, Fate.DONE, Fate.DIED, Fate.LATE, Fate.REBOOTS, Fate.FULL):
            story = tell_undo("rollback", {}, {number: Fault(fate, at=2, after_s=0.4)}, inventory=inventory)
            assert story.violations == [], (first.calls[number], fate, story.errors)
            assert story.did == "rollback"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("lost", ["master-1", "master-2"])
def test_a_master_that_is_lost_at_the_hook_is_left_out(place: HookPlace, lost: str) -> None:
    """Every other master has the same record of a hook on the laptop."""
    for number in in_the_phase(place):
        story = tell({number: Fault(Fate.DONE)}, inventory=with_hook(place), between=lambda it: it.lose(lost))
        assert story.violations == [], (calls(place)[number], story.errors)


@pytest.mark.parametrize("place", PLACES)
def test_laptop_that_slept_through_resume_runs_no_hook(place: HookPlace) -> None:
    """The laptop had recorded on every master that the hook begins. But meanwhile the operator has confirmed that the
    hook's work is done, and the cluster is up again."""
    for number, at in [(number, at) for number in in_the_phase(place) for at in (1, 2)]:
        ending, story = sleep_through(number, with_hook(place), at=at, for_s=400)
        assert story.violations == [], calls(place)[number]
        assert type(ending.error).__name__ == "LockedError", calls(place)[number]
