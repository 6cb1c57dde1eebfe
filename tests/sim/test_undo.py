"""Interrupt an abort, a rollback or a finish at every call: the end is the old data, or only the restored data."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import cache

import pytest

from orchestrator.app.undo import Kind
from tests.sim.chance import run
from tests.sim.clock import play
from tests.sim.cluster import INVENTORY, RUN, make_plan, make_world
from tests.sim.conftest import Some
from tests.sim.faults import CRASHES, Called, Fate, Fault, Faults
from tests.sim.laptop import restore, resume, take_back
from tests.sim.story import SILENCE_S, Story, tell
from tests.sim.undoing import judge_undo, tell_undo

STARTS: tuple[tuple[Kind, str], ...] = (
    ("abort", "stop.unit.kublr"),
    ("abort", "keep.copy"),
    ("abort", "commit.schedule"),
    ("rollback", ""),
    ("finish", ""),
)
"""The restores to undo: the laptop died in the first call for this step; if empty, the restore is done."""
FATES = [Fault(Fate.DONE), Fault(Fate.DIED, at=2), Fault(Fate.LATE), Fault(Fate.AFTER_SETTLE, after_s=3)]
MISHAPS = [Fault(Fate.FULL, at=2), Fault(Fate.HANGS, for_s=90), Fault(Fate.REBOOTS, after_s=0.4)]


@cache
def restore_calls() -> list[Called]:
    return tell().calls


def died_at(what: str) -> Faults:
    return {next(n for n, call in enumerate(restore_calls()) if call.what == what): Fault(Fate.DONE)} if what else {}


@cache
def undo_calls(kind: Kind, what: str) -> list[Called]:
    """Return the calls of an undo without faults."""
    story = tell_undo(kind, died_at(what))
    assert story.violations == []
    assert (story.did, story.errors) == (kind, [""])
    return story.calls


@pytest.mark.parametrize(("kind", "what"), STARTS)
@pytest.mark.parametrize("fault", FATES, ids=lambda fault: str(fault.fate))
def test_an_undo_whose_laptop_dies_in_any_act(kind: Kind, what: str, fault: Fault, some: Some) -> None:
    changing = [number for number, call in enumerate(undo_calls(kind, what)) if call.verb not in ("look", "read")]
    for number in some(changing, 3, FATES.index(fault)):
        assert_undone(kind, what, number, fault)


@pytest.mark.parametrize(("kind", "what"), STARTS)
@pytest.mark.parametrize("fault", MISHAPS, ids=lambda fault: str(fault.fate))
def test_undo_survives_any_fault_of_a_host(kind: Kind, what: str, fault: Fault, some: Some) -> None:
    for number in some(range(len(undo_calls(kind, what))), 8, MISHAPS.index(fault)):
        assert_undone(kind, what, number, fault)


def assert_undone(kind: Kind, what: str, number: int, fault: Fault) -> None:
    story = tell_undo(kind, died_at(what), {number: fault})
    assert (story.did, story.violations) == (kind, []), undo_calls(kind, what)[number]


@pytest.mark.parametrize("fate", CRASHES)
def test_a_restore_that_dies_anywhere_can_be_taken_back(fate: Fate, some: Some) -> None:
    """Abort before the first start, roll back after it. Before the first claim there is nothing to undo."""
    did = Counter[str]()
    calls = [n for n, call in enumerate(restore_calls()) if fate is Fate.LOST or call.verb not in ("look", "read")]
    for number in some(calls, 3, CRASHES.index(fate)):
        story = tell_undo("abort", {number: Fault(fate, at=2, after_s=3)})
        assert story.violations == [], restore_calls()[number]
        did[story.did] += 1
    assert min(did["abort"], did["rollback"]) > 5


def test_laptop_that_slept_through_abort_is_fenced() -> None:
    acts = [n for n, call in enumerate(restore_calls()) if call.what.startswith(("stop.", "keep.", "commit."))]
    for number in acts[::2]:
        error, story = sleep_through_abort(number)
        assert story.violations == [], restore_calls()[number]
        assert error == "LockedError", restore_calls()[number]


def sleep_through_abort(number: int) -> tuple[str, Story]:
    """Return the error type of the laptop that slept, and the story of the abort."""

    async def told() -> tuple[str, Story]:
        world = make_world()
        world.live()
        story = Story()
        faults = {number: Fault(Fate.SLEEPS, for_s=SILENCE_S + 60)}
        sleeper = asyncio.create_task(restore(world, make_plan(INVENTORY, RUN), faults))
        while not (story.endings and story.is_done):
            await asyncio.sleep(SILENCE_S + 30)
            undo = next((ending.run for ending in story.endings if ending.run), "")
            story.endings.append(await (resume(world, undo) if undo else take_back(world, "abort", RUN)))
        ending = await sleeper
        await judge_undo(world, story, "abort")
        return type(ending.error).__name__, story

    return play(told())


def test_a_reboot_between_the_proof_and_the_renaming_of_restore_db() -> None:
    """Seed 3945 found this: the host was restoring again when the act began, so its restore remained incomplete."""
    assert run(3945).violations == ()
