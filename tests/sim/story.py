"""One story: interrupt a restore, resume it until it is done, and check the final state of the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from orchestrator.core.inventory.inventory import Inventory
from tests.sim.clock import play
from tests.sim.cluster import HOSTS, INVENTORY, RUN, SNAPSHOT, make_plan, make_world
from tests.sim.faults import Called, Faults
from tests.sim.host import ARMED, STATE, SimHost, Vendor
from tests.sim.invariants import is_restored
from tests.sim.laptop import Ending, gives_word, never_began, restore, resume
from tests.sim.units import ALL, FOLDER
from tests.sim.world import World

SILENCE_S = 61.0
"""Seconds of silence after which another laptop may take over a run."""
MOST_LAPTOPS = 8
AFTERMATH_S, POWER_CUT_S = 150.0, 60.0


@dataclass(slots=True)
class Story:
    """How the work of each laptop ended, the violations, and what the run has left on the hosts."""

    endings: list[Ending] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    left: dict[str, tuple[str, ...]] = field(default_factory=dict)
    commands: int = 0
    lost: tuple[str, ...] = ()
    first: Ending | None = None  # the ending of the restore, if the story is about an undo
    did: str = ""

    @property
    def calls(self) -> list[Called]:
        """Return the calls of the first laptop."""
        return self.endings[0].line.calls

    @property
    def resumes(self) -> int:
        return len(self.endings) - 1

    @property
    def is_done(self) -> bool:
        return self.endings[-1].is_done

    @property
    def errors(self) -> list[str]:
        """Return the error type of each laptop; empty for a laptop that died or was done."""
        return [type(ending.error).__name__ if ending.error else "" for ending in self.endings]


def tell(
    *faults: Faults,
    wait_s: float = SILENCE_S,
    vendor: Vendor | None = None,
    inventory: Inventory = INVENTORY,
    in_the_pause: Callable[[World], None] | None = None,
    most_laptops: int = MOST_LAPTOPS,
    between: Callable[[World], None] | None = None,
    pause_s: float = 300.0,
    hooks_end: Sequence[int] = (),
) -> Story:
    """Run a whole story in virtual time. The first laptop gets the first faults, and so on; later ones get none.

    ``in_the_pause`` is called while the operator restores the persistent volumes, ``between`` after a laptop has ended
    before the run is done. ``hooks_end`` contains the exit statuses of the first hooks.
    """

    async def told() -> Story:
        world = make_world(vendor, inventory)
        world.in_the_pause, world.pause_s = in_the_pause, pause_s
        world.witness.hooks.fails += hooks_end
        world.live()
        story = Story()
        run = await _to_the_end(world, story, faults, wait_s, most_laptops, between)
        await judge(world, story, run)
        return story

    return play(told())


async def _to_the_end(
    world: World,
    story: Story,
    faults: Sequence[Faults],
    wait_s: float,
    most: int,
    between: Callable[[World], None] | None,
) -> str:
    """Run one laptop after another until the run is done. Return its id: a run that never began gets a new id."""
    run, has_begun = RUN, False
    for number in range(most):
        mine = faults[number] if number < len(faults) else {}
        plan = make_plan(world.inventory, run, manual=world.masters[0].vendor.idle)
        answers = await gives_word(world, run, story.endings[-1]) if story.endings else frozenset()
        ending = await (resume(world, run, mine, answers) if has_begun else restore(world, plan, mine))
        story.endings.append(ending)
        if ending.is_done:
            break
        if between:
            between(world)
        has_begun = True
        if ending.error and never_began(ending.error):
            run, has_begun = f"{RUN}{number}", False
        await asyncio.sleep(wait_s)
    return run


async def judge(world: World, story: Story, run: str) -> None:
    """Check the cluster after all late acts have ended, and again after a power cut of all masters."""
    story.commands = world.witness.commands
    if not story.is_done:
        error = story.endings[-1].error
        story.violations = [*world.witness.violations, f"it never ends: {error}"]
        return
    await asyncio.sleep(AFTERMATH_S)
    story.left = leftovers(world, run)
    there = [host for host in world.hosts.values() if host.name not in world.lost]
    wrong = [it for host in there for it in (*_left_behind(host, run), *left_stopped(host))] + wrong_now(world)
    story.lost = tuple(world.lost)
    wrong += await lose_power(world)
    wrong += [f"after a power cut: {it}" for it in wrong_now(world)]
    story.violations = [*world.witness.violations, *wrong]


async def lose_power(world: World) -> list[str]:
    """Reboot all masters at once. Return the violations if a master loses acknowledged writes."""
    before = world.masters[0].known()
    for host in world.masters:
        host.reboot(asyncio.get_running_loop().time())
    await asyncio.sleep(POWER_CUT_S)
    afters = ((host.name, host.known()) for host in world.masters)
    return [
        f"{name}: a power cut after the end loses acknowledged writes"
        for name, after in afters
        if before and after and not after.extends(before)
    ]


def _left_behind(host: SimHost, run: str) -> list[str]:
    """Return the files that a restore has left on a host although it has ended."""
    return [f"{host.name}: {path} is left behind" for path in _own(host, run) if ".part" in path]


def left_stopped(host: SimHost) -> list[str]:
    """Return what a run may not leave after its end: files outside its own folder, and stopped units."""
    paths = [path for path in host.disk.files if path.startswith((f"{FOLDER}/", "/etc/hosts."))]
    paths += [path for name in ("hold", "claim", "alive") if host.disk.is_file(path := f"{STATE}/{name}")]
    wrong = [f"{host.name}: {path} is left behind" for path in paths]
    wrong += [f"{host.name}: {unit} is left stopped" for unit in ALL if not host.units.is_active(unit)]
    return (
        wrong if host.disk.text("/etc/hosts") == HOSTS.strip() else [*wrong, f"{host.name}: its hosts file is changed"]
    )


def serves(world: World, host: SimHost) -> list[str]:
    return [] if world.api_ready(host) else [f"{host.name} does not serve"]


def wrong_now(world: World) -> list[str]:
    wrong = []
    for host in world.masters:
        if not is_restored(host.known(), SNAPSHOT):
            wrong.append(f"{host.name} is not restored")
        wrong += serves(world, host)
        if host.disk.is_file(ARMED):
            wrong.append(f"{host.name}: restore.db is still armed")
    return wrong


def leftovers(world: World, run: str) -> dict[str, tuple[str, ...]]:
    """Return what a run leaves on each host, without the parts that differ between attempts or moments."""
    return {host.name: (*_files(host, run), *_state(host)) for host in world.hosts.values()}


def _files(host: SimHost, run: str) -> list[str]:
    known_to_differ = ("/steps/", "/member/", "restore.db.kr-", "/witnessed")  # a reboot ends the witness
    paths = _own(host, run)
    return sorted(path.replace(run, "RUN") for path in paths if not any(part in path for part in known_to_differ))


def _own(host: SimHost, run: str) -> list[str]:
    """Return the files that belong to no other run. A run that never began leaves its plan in its own folder."""
    return [path for path in host.disk.files if RUN not in path or f"{run}/" in path]


def _state(host: SimHost) -> list[str]:
    hosts_file = host.disk.text("/etc/hosts")
    return [*(f"{unit} runs" for unit in sorted(host.units.since)), f"hosts file: {hosts_file}"]
