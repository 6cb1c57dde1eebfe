"""Deliberate mistakes in the product, and the stories that must show each of them.

A mistake changes the product's own code or plan. If that code is a shell script, it changes the simulator's program
of that name.
"""

from __future__ import annotations

from asyncio import Lock
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest

from orchestrator.core.inventory.declared import HookPlace, Volumes
from orchestrator.core.inventory.inventory import Inventory
from orchestrator.core.model.hooks import BEGUN, Hook, LocalHook
from orchestrator.core.model.outcome import ActRecord, Answer, Command, Ended, Outcome, Output, Settled, Verdict
from orchestrator.core.model.plan import Judge, Phase, PhaseName, Plan, Probe, Step
from orchestrator.core.proof.judges import judge, read_shown
from orchestrator.core.runs.progress import Before, judge_past
from orchestrator.engine import coordinator
from orchestrator.engine import looks as engine_looks
from orchestrator.engine.coordinator import Coordinator
from orchestrator.engine.hooks import Hooks
from tests.sim import acts, laptop, looks, programs, story
from tests.sim.acts import Call
from tests.sim.cluster import make_plan
from tests.sim.faults import Fate, Fault
from tests.sim.hooks import POLICIES
from tests.sim.host import ARMED, STATE, SimHost, Vendor
from tests.sim.rivals import race, sleep_through
from tests.sim.story import Story, tell
from tests.sim.world import World
from tests.unit import builders

Patch = pytest.MonkeyPatch
Stories = Callable[[], Iterator[Story]]
Phases = dict[PhaseName, Phase]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake. ``make`` patches it in; ``shows`` is a part of the violation that it must cause."""

    make: Callable[[Patch], None]
    stories: Stories
    shows: str


# --- stories ----------------------------------------------------------------------------------------------


def in_each(*whats: str, fault: Fault) -> Stories:
    """Return one story per call for one of these steps, with the fault in that call."""

    def stories() -> Iterator[Story]:
        calls = tell(most_laptops=1).calls
        for number, call in enumerate(calls):
            if call.what in whats:
                yield tell({number: fault}, most_laptops=4)

    return stories


def once(vendor: Vendor | None = None) -> Stories:
    """Return one story without faults: the vendor's behaviour alone shows the mistake."""
    return lambda: (tell(vendor=vendor, most_laptops=2) for _ in range(1))


def touched_in_the_pause() -> Iterator[Story]:
    """Replace restore.db on one master during the pause for the persistent volumes."""
    paused = builders.inventory(3, 1, volumes=Volumes.PAUSE)
    yield tell(inventory=paused, in_the_pause=lambda world: world.masters[1].disk.write(ARMED, b"x"), most_laptops=1)


def lost_with_the_hook() -> Iterator[Story]:
    """Let the laptop die at the end of its hook, and lose the first master for good."""
    hooked = builders.inventory(3, 1, volumes=POLICIES[HookPlace.LAPTOP])
    calls = tell(inventory=hooked, most_laptops=1).calls
    ran = next(number for number, call in enumerate(calls) if call.verb == "hook")
    yield tell({ran: Fault(Fate.DONE)}, inventory=hooked, between=lambda it: it.lose("master-1"), most_laptops=4)


def slept_at_the_hook() -> Iterator[Story]:
    """Let the laptop sleep while the masters record that its hook begins. The operator resumes from another laptop."""
    hooked = builders.inventory(3, 1, volumes=POLICIES[HookPlace.LAPTOP])
    calls = tell(inventory=hooked, most_laptops=1).calls
    ran = next(number for number, call in enumerate(calls) if call.verb == "hook")
    begins = [number for number, call in enumerate(calls[:ran]) if call.what == f"volumes.hook{BEGUN}"]
    yield from (sleep_through(number, hooked, at=2, for_s=400)[1] for number in begins)


def rivals() -> Iterator[Story]:
    """Run restores from two laptops at the same time."""
    yield from (race(head_start_s)[1] for head_start_s in (0.1, 0.5, 2.0))


def in_each_of_a_hook(place: HookPlace, what: str, fault: Fault) -> Stories:
    """Return one story per call of that step, with the fault in it, for a restore whose hook runs at ``place``."""

    def stories() -> Iterator[Story]:
        hooked = builders.inventory(3, 1, volumes=POLICIES[place])
        for number, call in enumerate(tell(inventory=hooked, most_laptops=1).calls):
            if call.what == what and call.verb != "read":
                yield tell({number: fault}, inventory=hooked, most_laptops=4)

    return stories


# --- mistakes in the coordinator --------------------------------------------------------------------------


def leave_failed_hosts_behind(patch: Patch) -> None:
    async def steps(self: Coordinator, phase: Phase) -> None:
        for step in phase.steps:
            await self._step(step)

    async def barrier(self: Coordinator, phase: Phase, barrier: Probe) -> None: ...

    patch.setattr(Coordinator, "_steps", steps)
    patch.setattr(Coordinator, "_barrier", barrier)


def call_what_is_given_back_released(patch: Patch) -> None:
    """Record a claim that is given back as released at the end. No check finds that the run's markers are missing."""
    patch.setattr(coordinator, "GIVE_BACK", "release.claim")
    patch.setattr(laptop, "refuse_forgetful", lambda plan, state: None)


def resume_from_the_first_phase(patch: Patch) -> None:
    patch.setattr(coordinator, "open_phase", lambda plan, records: 0)


def believe_that_what_died_is_done(patch: Patch) -> None:
    def past(step: Step, records: Sequence[ActRecord]) -> Before:
        return Before.DONE if any(record.step == step.name for record in records) else Before.NEVER

    patch.setattr(coordinator, "judge_past", past)


def prove_by_health_alone(patch: Patch) -> None:
    def healthy(probe: Probe, outputs: list[Output]) -> Verdict:
        if probe.judge not in (Judge.MEMBER, Judge.AGREE):
            return judge(probe, outputs)
        shown = [read_shown(output) for output in outputs]
        well = all(it.hashkv_now if probe.judge is Judge.MEMBER else '"true"' in it.health for it in shown)
        return Verdict(Answer.YES if well else Answer.NO)

    patch.setattr(engine_looks, "judge", healthy)


# --- mistakes in the plan ---------------------------------------------------------------------------------


def replanned(change: Callable[[Phases], None]) -> Callable[[Patch], None]:
    """Make a mistake in the planner: ``change`` alters, removes or moves phases."""

    def make(patch: Patch) -> None:
        def planned(inventory: Inventory, run: str, *, manual: bool) -> Plan:
            plan = make_plan(inventory, run, manual=manual)
            phases = {phase.name: phase for phase in plan.phases}
            change(phases)
            return plan.model_copy(update={"phases": tuple(phases.values())})

        patch.setattr(story, "make_plan", planned)

    return make


def without(phase: Phase, *names: str) -> Phase:
    return phase.model_copy(update={"steps": tuple(step for step in phase.steps if step.name not in names)})


def only(phase: Phase, *names: str) -> tuple[Step, ...]:
    return tuple(step for step in phase.steps if step.name in names)


def start_each_as_it_is_committed(phases: Phases) -> None:
    commit, start = phases.pop(PhaseName.COMMIT), phases[PhaseName.START]
    phases[PhaseName.START] = start.model_copy(update={"steps": (*commit.steps, *start.steps)})


def lift_the_hold_before_the_commit(phases: Phases) -> None:
    keep, start = phases[PhaseName.KEEP], phases[PhaseName.START]
    phases[PhaseName.KEEP] = keep.model_copy(update={"steps": (*keep.steps, *only(start, "start.lift"))})
    phases[PhaseName.START] = without(start, "start.lift")


def look_only_at_ones_own_restore_db(phases: Phases) -> None:
    start = phases[PhaseName.START]

    def narrowed(step: Step) -> Step:
        if not step.requires:
            return step
        own = tuple(look for look in step.requires.looks if look.host == step.host)
        return step.model_copy(update={"requires": step.requires.model_copy(update={"looks": own})})

    phases[PhaseName.START] = start.model_copy(update={"steps": tuple(narrowed(step) for step in start.steps)})


def keep_nothing(phases: Phases) -> None:
    del phases[PhaseName.KEEP]


def leave_restore_db(phases: Phases) -> None:
    phases[PhaseName.START] = without(phases[PhaseName.START], "start.disarm").model_copy(update={"barrier": None})


# --- mistakes on the hosts --------------------------------------------------------------------------------


def skip_the_fence(patch: Patch) -> None:
    patch.setattr(acts.Acts, "is_fenced", lambda self, place: False)


def skip_settle(patch: Patch) -> None:
    """Settle without a wait and without a record of the new attempt."""

    async def settle(self: acts.Acts, run: str, attempt: str, wait_s: float) -> Settled:
        return Settled(self.records(run))

    patch.setattr(acts.Acts, "settle", settle)


def take_no_lock(patch: Patch) -> None:
    class NoLock:
        def locked(self) -> bool:
            return False

        async def acquire(self) -> None: ...

        def release(self) -> None: ...

    patch.setattr(acts, "Lock", NoLock)


def run_again_what_has_begun(patch: Patch) -> None:
    patch.setattr(acts.Acts, "has_begun", lambda self, marker: False)


def hold_until_the_next_reboot(patch: Patch) -> None:
    """Write the hold file, but no drop-in that checks it."""

    async def hold(world: World, host: SimHost, call: Call) -> int:
        host.disk.create(f"{STATE}/hold", f"{call.run}\n")
        return 0

    async def held(world: World, host: SimHost, call: Call) -> int:
        return 0 if host.disk.is_file(f"{STATE}/hold") else 1

    patch.setitem(programs.ACTS, "stop/hold.sh", hold)
    patch.setitem(looks.LOOKS, "stop/is_held.sh", held)


def believe_a_closed_port(patch: Patch) -> None:
    """Check the port instead of the processes: a closed port counts as the end of the API server."""

    def ports(host: SimHost, call: Call) -> int:
        return 1 if host.api and host.api.port_is_open else 0

    async def close(world: World, host: SimHost, call: Call) -> int:
        if host.api:
            host.api.port_is_open = False
        return 0

    patch.setattr(looks, "say_what_lives", ports)
    patch.setitem(programs.ACTS, "stop/processes.sh", close)


def claim_what_is_claimed(patch: Patch) -> None:
    async def claim(world: World, host: SimHost, call: Call) -> int:
        host.disk.remove(f"{STATE}/claim")
        return await programs.claim(world, host, call)

    async def claimed(world: World, host: SimHost, call: Call) -> int:
        return 0 if f'"{call["run"]}"' in host.disk.text(f"{STATE}/{call['run']}/claim") else 1

    patch.setitem(programs.ACTS, "claim/take.sh", claim)
    patch.setitem(looks.LOOKS, "claim/is_ours.sh", claimed)


def settle_without_waiting(patch: Patch) -> None:
    """Record the new attempt while an older act still runs. This is not a mistake; `test_can_fail` explains why."""

    async def settle(self: acts.Acts, run: str, attempt: str, wait_s: float) -> Settled:
        lock, self.lock = self.lock, Lock()
        try:
            return await waiting(self, run, attempt, wait_s)
        finally:
            self.lock = lock

    waiting = acts.Acts.settle
    patch.setattr(acts.Acts, "settle", settle)


# --- mistakes about hooks ---------------------------------------------------------------------------------


def believe_that_a_hook_cut_off_has_failed(patch: Patch) -> None:
    def judge(step: Step, records: Sequence[ActRecord]) -> Before:
        past = judge_past(step, records)
        return Before.FAILED if past is Before.DIED and isinstance(step.act, Hook | LocalHook) else past

    patch.setattr(coordinator, "judge_past", judge)


def tell_nobody_that_a_hook_begins(patch: Patch) -> None:
    patch.setattr(Hooks, "_tell", only_the_end(Hooks._tell))


def only_the_end(tell: Callable[..., Awaitable[Outcome]]) -> Callable[..., Awaitable[Outcome]]:
    async def told(self: Hooks, step: Step, name: str, code: int) -> Outcome:
        return Outcome(Ended.DONE, 0) if name.endswith(BEGUN) else await tell(self, step, name, code)

    return told


def tell_the_first_master_alone(patch: Patch) -> None:
    async def told(self: Hooks, step: Step, name: str, code: int) -> Outcome:
        command = Command(("true",) if code == 0 else ("sh", "-c", f"exit {code}"))
        return await self.remotes[step.host].act(name, self.attempt, command)

    patch.setattr(Hooks, "_tell", told)


def begin_hooks_without_a_look(patch: Patch) -> None:
    async def ours(self: Hooks) -> Outcome:
        return Outcome(Ended.DONE, 0)

    patch.setattr(Hooks, "_is_ours", ours)


def leave_hooks_out(patch: Patch) -> None:
    async def run(self: Hooks, step: Step, hook: LocalHook) -> Outcome:
        return await self.made_good(step)

    patch.setattr(Hooks, "run", run)


# --- all of them ------------------------------------------------------------------------------------------

KEEP, COMMIT, STOP = "keep.copy", "commit.schedule", "stop.unit.kublr"
DONE, DIED, REBOOTS = Fault(Fate.DONE), Fault(Fate.DIED, at=2), Fault(Fate.REBOOTS, after_s=0.4)

UNKNOWN = "and nobody knows what it has done"
NOT_ALL = "is free to start, not every master being committed"

MISTAKES = {
    "a failed host is left behind": Mistake(
        leave_failed_hosts_behind,
        in_each(COMMIT, fault=Fault(Fate.VANISHES)),
        NOT_ALL,
    ),
    "what is given back is called released": Mistake(
        call_what_is_given_back_released, in_each("claim.take", fault=REBOOTS), "is not restored"
    ),
    "a run is resumed from its first phase": Mistake(
        resume_from_the_first_phase, in_each("api.proven", fault=DONE), "never ends"
    ),
    "what died is believed to be done": Mistake(
        believe_that_what_died_is_done, in_each(KEEP, fault=DIED), "never ends: keep: "
    ),
    "the proof is health alone": Mistake(prove_by_health_alone, once(Vendor(ignores_restore=True)), "is not restored"),
    "each master starts as it is committed": Mistake(
        replanned(start_each_as_it_is_committed), in_each(COMMIT, fault=Fault(Fate.HANGS, for_s=30)), NOT_ALL
    ),
    "the hold is lifted before the commit": Mistake(replanned(lift_the_hold_before_the_commit), once(), NOT_ALL),
    "each master looks only at its own restore.db": Mistake(
        replanned(look_only_at_ones_own_restore_db), touched_in_the_pause, NOT_ALL
    ),
    "the old data is not kept": Mistake(replanned(keep_nothing), once(), "the old data is nowhere to be found whole"),
    "restore.db is left": Mistake(
        replanned(leave_restore_db), once(Vendor(leaves_restore_db=True)), "loses acknowledged writes"
    ),
    "acts pass the fence": Mistake(
        skip_the_fence, in_each("stop.hold", STOP, fault=Fault(Fate.AFTER_SETTLE, after_s=30)), "is left"
    ),
    "settle is skipped": Mistake(skip_settle, once(), "never ends"),
    "acts take no lock": Mistake(take_no_lock, in_each(COMMIT, fault=Fault(Fate.LATE, at=2)), "still armed"),
    "an act runs as often as it is asked for": Mistake(
        run_again_what_has_begun, in_each(KEEP, fault=Fault(Fate.HANGS, for_s=90)), "an act runs twice"
    ),
    "the hold does not outlive a reboot": Mistake(
        hold_until_the_next_reboot,
        in_each("keep/is_set_aside.sh", fault=Fault(Fate.REBOOTS)),
        "the old data comes up again",
    ),
    "a closed port is believed": Mistake(believe_a_closed_port, once(), "serves its old cache"),
    "a hook on a master that was cut off is believed to have failed": Mistake(
        believe_that_a_hook_cut_off_has_failed,
        in_each_of_a_hook(HookPlace.MASTERS, "volumes.hook", DIED),
        UNKNOWN,
    ),
    "a hook on a laptop that died is believed to have failed": Mistake(
        believe_that_a_hook_cut_off_has_failed,
        in_each_of_a_hook(HookPlace.LAPTOP, "volumes.hook", DIED),
        UNKNOWN,
    ),
    "nobody is told that a hook begins": Mistake(
        tell_nobody_that_a_hook_begins, in_each_of_a_hook(HookPlace.LAPTOP, "volumes.hook", DIED), UNKNOWN
    ),
    "the first master alone is told of a hook": Mistake(
        tell_the_first_master_alone, lost_with_the_hook, "runs again on laptop"
    ),
    "a hook begins on a laptop that has slept": Mistake(
        begin_hooks_without_a_look, slept_at_the_hook, "though the operator has said that it is done"
    ),
    "a hook is left out": Mistake(
        leave_hooks_out,
        in_each_of_a_hook(HookPlace.LAPTOP, "volumes.hook", DONE),
        "the hook has not done its work",
    ),
    "a claim is taken from another": Mistake(claim_what_is_claimed, rivals, "two runs are at work"),
}
