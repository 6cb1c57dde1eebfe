"""Stories with two laptops at the same time."""

from __future__ import annotations

import asyncio

from orchestrator.core.inventory.inventory import Inventory
from tests.sim.clock import play
from tests.sim.cluster import INVENTORY, OTHER_RUN, RUN, make_plan, make_world
from tests.sim.faults import Fate, Fault
from tests.sim.laptop import Ending, gives_word, restore, resume
from tests.sim.story import SILENCE_S, Story, judge


def race(head_start_s: float) -> tuple[list[Ending], Story]:
    """Let two operators restore the same cluster. The story is about the run that is done."""

    async def told() -> tuple[list[Ending], Story]:
        world = make_world()
        world.live()

        async def later() -> Ending:
            await asyncio.sleep(head_start_s)
            return await restore(world, make_plan(INVENTORY, OTHER_RUN, "ben@elsewhere"))

        endings = await asyncio.gather(restore(world, make_plan(INVENTORY, RUN)), later())
        done = [run for ending, run in zip(endings, (RUN, OTHER_RUN), strict=True) if ending.is_done]
        story = Story([ending for ending in endings if ending.is_done] or list(endings))
        await judge(world, story, done[0] if done else RUN)
        return list(endings), story

    return play(told())


def sleep_through(
    number: int, inventory: Inventory = INVENTORY, *, at: int = 1, for_s: float = SILENCE_S + 60
) -> tuple[Ending, Story]:
    """Let the first laptop sleep before one of its calls, or before an act's answer (``at`` 2). Others resume the run
    meanwhile and afterwards."""

    async def told() -> tuple[Ending, Story]:
        world = make_world(inventory=inventory)
        world.live()
        faults = {number: Fault(Fate.SLEEPS, at=at, for_s=for_s)}
        sleeper = asyncio.create_task(restore(world, make_plan(inventory, RUN), faults))
        story = Story()
        while not (story.endings and story.is_done):
            await asyncio.sleep(SILENCE_S + 30)
            answers = await gives_word(world, RUN, story.endings[-1]) if story.endings else frozenset()
            story.endings.append(await resume(world, RUN, answers=answers))
        ending = await sleeper
        await judge(world, story, RUN)
        return ending, story

    return play(told())
