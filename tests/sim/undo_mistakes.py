"""Deliberate mistakes in aborts, rollbacks and finishes, and in what must survive a power cut."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from orchestrator.app import undo as undoing
from orchestrator.app.undo import Kind, Undoing
from orchestrator.core.model.plan import Phase, PhaseName, Probe, Step
from orchestrator.core.plans.undo.target import Undone
from orchestrator.core.runs.progress import failure_of
from orchestrator.engine.coordinator import Coordinator
from tests.sim import programs, undo_acts
from tests.sim.acts import Call
from tests.sim.clock import play
from tests.sim.cluster import INVENTORY, OTHER_RUN, RUN, make_plan, make_world
from tests.sim.disk import Disk
from tests.sim.faults import Fate, Fault, Faults
from tests.sim.host import SimHost
from tests.sim.laptop import restore, resume
from tests.sim.mistakes import (
    DIED,
    DONE,
    KEEP,
    NOT_ALL,
    REBOOTS,
    Mistake,
    Patch,
    Phases,
    Stories,
    in_each,
    once,
    only,
    replanned,
    without,
)
from tests.sim.story import SILENCE_S, Story, tell
from tests.sim.undoing import tell_undo
from tests.sim.units import ALL
from tests.sim.world import World

# --- stories ----------------------------------------------------------------------------------------------


def restore_dies(what: str, fault: Fault = DONE) -> Faults:
    """Return the fault for the restore's first call for that step."""
    calls = tell(most_laptops=1).calls
    return {next(number for number, call in enumerate(calls) if call.what == what): fault}


def undone_at(kind: Kind, what: str, fault: Fault = DONE) -> Stories:
    """Return one story: the laptop dies in that step of the restore, and nothing else fails."""
    return lambda: iter([tell_undo(kind, restore_dies(what, fault), most_laptops=2)])


def finished_with_one_down() -> Iterator[Story]:
    """Finish a run after somebody has stopped one master for good."""

    def stop(world: World) -> None:
        for unit in ALL:
            world.masters[2].units.stop(unit)

    yield tell_undo("finish", {}, between=stop, most_laptops=1)


def in_each_of(kind: Kind, *whats: str, fault: Fault) -> Stories:
    """Return one story per call of the undo for one of these steps, with the fault in it, after a full restore."""

    def stories() -> Iterator[Story]:
        for number, call in enumerate(tell_undo(kind, {}, most_laptops=1).calls):
            if call.what in whats:
                yield tell_undo(kind, {}, {number: fault}, most_laptops=4)

    return stories


def late_when_aborted() -> Iterator[Story]:
    """Let an act of the restore begin while the abort already runs."""
    for what in ("stop.hold", "stop.unit.kublr", KEEP):
        for after_s in (1.0, 2.0, 3.0, 5.0):
            yield tell_undo("abort", restore_dies(what, Fault(Fate.AFTER_SETTLE, after_s=after_s)), most_laptops=2)


def power_cuts_while_committed() -> Iterator[Story]:
    """Reboot a master when the restore is scheduled there. The laptop dies at the same time."""
    calls = tell(most_laptops=1).calls
    for number, call in enumerate(calls):
        if call.what == "commit.schedule":
            late = Fault(Fate.LATE, at=4)
            yield tell({number - 3: Fault(Fate.REBOOTS, after_s=4.0), number: late}, most_laptops=4)


def one_master_is_anothers() -> Iterator[Story]:
    """Let a run's laptops die when it has released all masters but one. Another run begins; then resume the first."""

    first_dies = restore_dies("release.claim")

    async def told() -> Story:
        world = make_world()
        world.live()
        story = Story()
        await restore(world, make_plan(INVENTORY, RUN), first_dies)
        await asyncio.sleep(SILENCE_S)
        await resume(world, RUN, {11: DONE})
        await asyncio.sleep(SILENCE_S)
        story.endings.append(await restore(world, make_plan(INVENTORY, OTHER_RUN)))
        story.endings.append(await resume(world, RUN))
        story.violations = list(world.witness.violations)
        return story

    yield play(told())


# --- mistakes ---------------------------------------------------------------------------------------------


def planned(kind: Kind, change: Callable[[Phases], None]) -> Callable[[Patch], None]:
    """Make a mistake in the planner of that kind of undo."""
    plan = undoing._PLANNERS[kind]

    def changed(undone: Undone) -> tuple[Phase, ...]:
        phases = {phase.name: phase for phase in plan(undone)}
        change(phases)
        return tuple(phases.values())

    return lambda patch: patch.setitem(undoing._PLANNERS, kind, changed)


def careless(step: Step) -> Step:
    return step.model_copy(update={"requires": None})


def start_each_as_it_is_swapped(phases: Phases) -> None:
    commit, start = phases[PhaseName.COMMIT], phases[PhaseName.START]
    steps = (*commit.steps, *(careless(step) for step in start.steps))
    phases[PhaseName.COMMIT] = commit.model_copy(update={"steps": steps})
    phases[PhaseName.START] = start.model_copy(update={"steps": ()})


def start_without(name: str) -> Callable[[Phases], None]:
    """Leave out one step of the commit, and every check that it is done."""

    def change(phases: Phases) -> None:
        start = phases[PhaseName.START]
        phases[PhaseName.COMMIT] = without(phases[PhaseName.COMMIT], name).model_copy(update={"barrier": None})
        steps = tuple(careless(step) for step in start.steps)
        phases[PhaseName.START] = start.model_copy(update={"steps": steps, "barrier": None})

    return change


def finish_unproven(phases: Phases) -> None:
    phases[PhaseName.START] = phases[PhaseName.START].model_copy(update={"barrier": None})


def fence_nobody(patch: Patch) -> None:
    async def fence(undoing: Undoing) -> None: ...

    async def in_claim(host: SimHost, call: Call, undone: str) -> None: ...

    patch.setattr(undoing, "_fence", fence)
    patch.setattr(programs, "_fence", in_claim)


def forget_restore_db(patch: Patch) -> None:
    patch.setattr(undo_acts, "set_aside", lambda host, armed, undone, call: None)


def remove_in_place(patch: Patch) -> None:
    """Remove the old data under its own name, as `release/unkeep.sh` once did."""

    async def unkeep(world: World, host: SimHost, call: Call) -> int:
        kept, undone = call["kept"], call["undone"]
        if not host.disk.is_folder(kept):
            return 0
        before = host.disk.text(f"{call.state}/{undone}/kept.sums").splitlines()
        if sorted(programs.sums(host, kept)) != sorted(before):
            call.say("refused: it has changed")
            return programs.REFUSED
        await undo_acts.remove_all(host, kept, call)
        return 0

    patch.setitem(undo_acts.UNDO_ACTS, "release/unkeep.sh", unkeep)


def rename_the_list_unflushed(patch: Patch) -> None:
    flush = Disk.sync
    patch.setattr(Disk, "sync", lambda self, *paths: flush(self, *(path for path in paths if "/kept" not in path)))


def believe_what_was_scheduled(phases: Phases) -> None:
    commit = phases[PhaseName.COMMIT]
    steps = tuple(step.model_copy(update={"done_if": None}) for step in commit.steps)
    phases[PhaseName.COMMIT] = commit.model_copy(update={"steps": steps})


def pass_the_lock_on(phases: Phases) -> None:
    start = phases[PhaseName.START]
    services = only(start, "start.services")
    leaking = {it.id: it.model_copy(update={"act": it.act.model_copy(update={"lets_go": False})}) for it in services}
    steps = tuple(leaking.get(step.id, step) for step in start.steps)
    phases[PhaseName.START] = start.model_copy(update={"steps": steps})


def claim_a_majority(patch: Patch) -> None:
    steps, barrier = Coordinator._steps, Coordinator._barrier

    async def most_steps(self: Coordinator, phase: Phase) -> None:
        if phase.name is not PhaseName.CLAIM:
            return await steps(self, phase)
        ends = [await self._step(step) for step in phase.steps]
        if sum(end.ok for end in ends) <= len(ends) // 2:
            raise failure_of(phase.name, [end for end in ends if not end.ok], self.plan.run)
        return None

    async def most_barriers(self: Coordinator, phase: Phase, probe: Probe) -> None:
        if phase.name is not PhaseName.CLAIM:
            await barrier(self, phase, probe)

    patch.setattr(Coordinator, "_steps", most_steps)
    patch.setattr(Coordinator, "_barrier", most_barriers)


HANGS = Fault(Fate.HANGS, for_s=30)

UNDO_MISTAKES = {
    "a rollback starts each master as it gets its old data back": Mistake(
        planned("rollback", start_each_as_it_is_swapped), in_each_of("rollback", "commit.swap", fault=HANGS), NOT_ALL
    ),
    "an abort starts what is still scheduled": Mistake(
        planned("abort", start_without("commit.unschedule")),
        undone_at("abort", "start.lift", fault=Fault(Fate.LOST)),
        "is not on its old data",
    ),
    "an abort starts on the copy of the old data": Mistake(
        planned("abort", start_without("commit.putback")),
        undone_at("abort", "commit.schedule"),
        "runs on a copy of its old data",
    ),
    "a finish removes before it proves": Mistake(
        planned("finish", finish_unproven),
        finished_with_one_down,
        "has not seen all members agree",
    ),
    "the run that is taken back is not fenced": Mistake(fence_nobody, late_when_aborted, "two runs are at work"),
    "a rollback leaves restore.db where it is": Mistake(
        forget_restore_db, undone_at("rollback", "start.lift"), "restore.db exists"
    ),
    "old data is removed where it lies": Mistake(
        remove_in_place, in_each_of("finish", "release.unkeep", fault=DIED), "it has changed"
    ),
    "a rename comes before the flush": Mistake(
        rename_the_list_unflushed,
        in_each(KEEP, "keep/is_set_aside.sh", fault=REBOOTS),
        "the list of the old files is missing",
    ),
    "what a power cut has taken is believed to be scheduled": Mistake(
        replanned(believe_what_was_scheduled), power_cuts_while_committed, "is not that file"
    ),
    "a majority of claims is enough": Mistake(claim_a_majority, one_master_is_anothers, "two runs are at work"),
    "a service keeps the lock of the act that started it": Mistake(replanned(pass_the_lock_on), once(), "never ends"),
}
