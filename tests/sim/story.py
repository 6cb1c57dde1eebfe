"""One story: a restore that is interrupted, resumed until it is done, and judged by what the cluster is then."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.core.inventory import Restart
from orchestrator.errors import UsageError
from tests.sim.clock import play
from tests.sim.cluster import LIVE, RUN, SNAPSHOT, make_plan, make_world
from tests.sim.faults import Fault
from tests.sim.history import from_file
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
    await to_the_end(world, story, faults, wait_s)
    story.left = leftovers(world)
    story.violations += world.witness.violations
    if story.endings[-1].is_done:
        story.violations += await _aftermath(world)
    else:
        story.violations.append(f"it never ends: {story.endings[-1].error}")
    living.cancel()
    return story


async def to_the_end(world: World, story: Story, faults: Sequence[Faults], wait_s: float) -> None:
    """Laptop after laptop, until one comes to the end."""
    run, begun = RUN, False
    for number in range(MOST_LAPTOPS):
        mine = faults[number] if number < len(faults) else {}
        ending = await (resume(world, mine, run) if begun else restore(world, make_plan(world, run), mine))
        story.endings.append(ending)
        if ending.is_done:
            return
        begun = True
        if isinstance(ending.error, UsageError):  # nothing of it has come to any host: begin anew
            run, begun = f"{RUN}{number}", False
        await asyncio.sleep(wait_s)


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


def leftovers(world: World) -> dict[str, tuple[str, ...]]:
    """What each host is left with, apart from what tells one attempt, or one moment, from another."""
    return {host.name: (*_files(host), *_state(host)) for host in world.hosts.values()}


def _files(host: SimHost) -> list[str]:
    known_to_differ = ("/steps/", "/member/", "restore.db.kr-")
    return sorted(
        path.replace(next(iter(_runs(host)), "RUN"), "RUN")
        for path in host.disk.files
        if not any(part in path for part in known_to_differ)
    )


def _runs(host: SimHost) -> dict[str, None]:
    return dict.fromkeys(path.split("/")[4] for path in host.disk.below(STATE) if path.endswith("/attempt"))


def _state(host: SimHost) -> list[str]:
    said = [f"{unit} runs" for unit in sorted(host.units.since)]
    said.append(f"hosts file: {host.disk.text('/etc/hosts')}")
    said += [f"{path} is the old data" for path in host.disk.files if ".kr-" in path and _is_old(host, path)]
    return said


def _is_old(host: SimHost, path: str) -> bool:
    return path.endswith("/snap/db") and from_file(host.disk.read(path)).extends(LIVE)
