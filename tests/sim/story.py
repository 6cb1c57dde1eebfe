"""One story: a restore that is interrupted, resumed until it is done, and judged by what the cluster is then."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.core.inventory import Restart
from tests.sim.clock import play
from tests.sim.cluster import RUN, SNAPSHOT, make_plan, make_world
from tests.sim.faults import Fault
from tests.sim.host import ARMED, STATE, SimHost, Vendor
from tests.sim.invariants import is_restored
from tests.sim.laptop import Ending, restore, resume
from tests.sim.world import World

SILENCE_S = 61.0
"""After which a holder may be taken over."""
MOST_LAPTOPS = 12
AFTERMATH_S = 150.0

Faults = Mapping[int, Fault]


@dataclass(slots=True)
class Story:
    """What was told: how each laptop's work ended, and what was wrong with any of it."""

    endings: list[Ending] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    left: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def resumes(self) -> int:
        return len(self.endings) - 1


def tell(
    faults: Sequence[Faults] = (),
    *,
    wait_s: float = SILENCE_S,
    vendor: Vendor | None = None,
    restart: Restart = Restart.REBOOT,
) -> Story:
    """A whole story in virtual time. ``faults`` are each laptop's own; later laptops have none."""
    return play(_tell(make_world(vendor, restart=restart), faults, wait_s))


async def _tell(world: World, faults: Sequence[Faults], wait_s: float) -> Story:
    story = Story()
    living = asyncio.create_task(world.live())
    run = await to_the_end(world, story, faults, wait_s)
    story.left = leftovers(world, run)
    story.violations += world.witness.violations
    if story.endings[-1].is_done:
        story.violations += await _aftermath(world)
    else:
        story.violations.append(f"it never ends: {story.endings[-1].error}")
    living.cancel()
    return story


async def to_the_end(world: World, story: Story, faults: Sequence[Faults], wait_s: float) -> str:
    """Laptop after laptop, until one comes to the end; the run's id, for a run that has not begun is begun anew."""
    run, begun = RUN, False
    for number in range(MOST_LAPTOPS):
        mine = faults[number] if number < len(faults) else {}
        ending = await (resume(world, mine, run) if begun else restore(world, make_plan(world, run), mine))
        story.endings.append(ending)
        if ending.is_done:
            break
        begun = True
        if ending.error and "orchestrator plan" in ending.error.next_step:  # it has not begun: make a new plan
            run, begun = f"{RUN}{number}", False
        await asyncio.sleep(wait_s)
    return run


async def _aftermath(world: World) -> list[str]:
    """What lands late has landed; then all masters lose their power at once, and nothing may be lost by that."""
    await asyncio.sleep(AFTERMATH_S)
    wrong = [*world.witness.violations, *_wrong_now(world)]
    before = world.masters[0].known()
    for host in world.masters:
        host.reboot(asyncio.get_running_loop().time())
    await asyncio.sleep(60)
    for host in world.masters:
        after = host.known()
        if before and after and not after.extends(before):
            wrong.append(f"{host.name}: a power cut after the end loses acknowledged writes")
    return [*wrong, *(f"after a power cut: {it}" for it in _wrong_now(world))]


def _wrong_now(world: World) -> list[str]:
    wrong = []
    for host in world.masters:
        if not is_restored(host.known(), SNAPSHOT):
            wrong.append(f"{host.name} is not restored")
        if not world.api_ready(host):
            wrong.append(f"{host.name} does not serve")
        if host.disk.exists(ARMED):
            wrong.append(f"{host.name}: restore.db is still armed")
    return wrong


def leftovers(world: World, run: str) -> dict[str, tuple[str, ...]]:
    """What a run leaves on each host, apart from what tells one attempt, or one moment, from another."""
    return {host.name: (*_files(host, run), *_state(host)) for host in world.hosts.values()}


def _files(host: SimHost, run: str) -> list[str]:
    known_to_differ = ("/steps/", "/member/", "restore.db.kr-")
    paths = [path for path in host.disk.files if RUN not in path or f"{run}/" in path]
    return sorted(path.replace(run, "RUN") for path in paths if not any(part in path for part in known_to_differ))


def _state(host: SimHost) -> list[str]:
    hosts_file = host.disk.text("/etc/hosts")
    return [*(f"{unit} runs" for unit in sorted(host.units.since)), f"hosts file: {hosts_file}"]
