"""Stories of a restore that is interrupted or done, and of its abort, rollback or finish, also interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.app.undo import Kind
from orchestrator.core.inventory.declared import VolumesHook
from orchestrator.core.inventory.inventory import Inventory
from orchestrator.errors import OrchestratorError
from tests.sim.clock import play
from tests.sim.cluster import INVENTORY, LIVE, RUN, make_plan, make_world
from tests.sim.faults import Faults
from tests.sim.history import OLD
from tests.sim.host import ARMED, DB, STATE, VOLUME, SimHost, Vendor
from tests.sim.laptop import Ending, gives_word, never_began, restore, resume, take_back
from tests.sim.story import AFTERMATH_S, SILENCE_S, Story, left_stopped, lose_power, serves, wrong_now
from tests.sim.world import World

MOST_LAPTOPS = 8


@dataclass(slots=True)
class _Operator:
    """The operator who undoes the run and follows the errors. ``does`` is the kind of undo that he runs in the end."""

    world: World
    wants: Kind
    does: Kind | None = None
    undo: str = ""
    last: Ending | None = None

    async def goes_on(self, faults: Faults) -> Ending:
        """Run the undo, or resume it, from one more laptop."""
        if self.undo:
            answers = await gives_word(self.world, self.undo, self.last) if self.last else frozenset()
            ending = await resume(self.world, self.undo, faults, answers)
        else:
            self.does = self.wants
            ending = await take_back(self.world, self.wants, RUN, faults)
            self.undo = ending.run
        self.last = ending
        if ending.error:
            await self._reads(ending.error, faults)
        return ending

    async def _reads(self, error: OrchestratorError, faults: Faults) -> None:
        message, following = error.message, error.next_step.words[0] if error.next_step else ""
        if never_began(error):
            self.does, self.undo = None if not self.undo else self.does, ""
        elif " undone" in message:
            self.undo = message.rpartition(" ")[2]
        elif (following == "rollback" or "`rollback`" in message) and not self.undo:
            self.wants = "rollback"
        elif following == "abort" and not self.undo:
            self.wants = "abort"
        elif following == "resume" and not self.undo and self.wants == "finish":
            ending = await resume(self.world, RUN)
            while answers := await gives_word(self.world, RUN, ending):
                ending = await resume(self.world, RUN, answers=answers)


def tell_undo(
    wants: Kind,
    restore_faults: Faults,
    *faults: Faults,
    wait_s: float = SILENCE_S,
    vendor: Vendor | None = None,
    inventory: Inventory = INVENTORY,
    between: Callable[[World], None] | None = None,
    most_laptops: int = MOST_LAPTOPS,
) -> Story:
    """Run a story: the first laptop restores with the first faults, the others undo it with the other faults.
    ``between`` is called between the first laptop and the second."""

    async def told() -> Story:
        world = make_world(vendor, inventory)
        world.live()
        story, operator = Story(), _Operator(world, wants)
        story.first = await restore(
            world, make_plan(inventory, RUN, manual=world.masters[0].vendor.idle), restore_faults
        )
        if between:
            between(world)
        for number in range(most_laptops):
            await asyncio.sleep(wait_s)
            story.endings.append(await operator.goes_on(faults[number] if number < len(faults) else {}))
            if story.is_done or operator.does is None:
                break
        await judge_undo(world, story, operator.does)
        return story

    return play(told())


async def judge_undo(world: World, story: Story, did: Kind | None) -> None:
    """Check the cluster after all late acts have ended, and again after a power cut."""
    story.commands, story.did = world.witness.commands, did or "nothing"
    if did and not story.is_done:
        story.violations = [*world.witness.violations, f"{did} never ends: {story.endings[-1].error}"]
        return
    await asyncio.sleep(AFTERMATH_S)
    wrong = [it for host in world.hosts.values() for it in left_stopped(host)]
    wrong += [it for host in world.hosts.values() for it in _left_over(host, did)]
    wrong += _wrong_after(world, did)
    wrong += _hooks_left(world, did)
    wrong += await lose_power(world)
    wrong += [f"after a power cut: {it}" for it in _wrong_after(world, did)]
    story.violations = [*world.witness.violations, *wrong]


def _wrong_after(world: World, did: Kind | None) -> list[str]:
    if did == "finish":
        return wrong_now(world)
    wrong = []
    for host in world.masters:
        known = host.known()
        if known is None or known.log != OLD or not known.extends(LIVE):
            wrong.append(f"{host.name} is not on its old data")
        elif host.disk.inode(DB) != host.first_inode:
            wrong.append(f"{host.name} runs on a copy of its old data")
        wrong += serves(world, host)
        if host.disk.is_file(ARMED):
            wrong.append(f"{host.name}: restore.db is still armed")
    return wrong


def _hooks_left(world: World, did: Kind | None) -> list[str]:
    """Return the places where a hook ran and its undo did not succeed."""
    ledger = world.witness.hooks
    if not isinstance(ledger.policy, VolumesHook) or not ledger.policy.undo or did not in ("abort", "rollback"):
        return []
    hook, back = ledger.policy.hook[0], ledger.policy.undo[0]
    places = dict.fromkeys(it.where for it in ledger.ran if it.program == hook)
    if ledger.words - {RUN}:
        return []
    return [f"{back} has not run on {it}" for it in places if not ledger.has_succeeded(back, it)]


def _left_over(host: SimHost, did: Kind | None) -> list[str]:
    """Return the files that an undo has left and that the operator does not need."""
    if did != "finish":
        paths = [f"{STATE}/{RUN}/snapshot.db"] if did == "abort" else []
        return [f"{host.name}: {path} is left" for path in paths if host.disk.is_file(path)]
    there = [path for path in host.disk.below(VOLUME) if f".kr-{RUN}" in path]
    there = [path for path in there if f"/restore.db.kr-{RUN}-" not in path]  # may be foreign: `schedule.sh` keeps it
    there += [path for path in host.disk.below(f"{STATE}/{RUN}") if "/snapshot.db" in path]
    return [f"{host.name}: finish has left {path}" for path in there]
