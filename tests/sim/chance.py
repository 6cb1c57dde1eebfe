"""Random stories, each from a seed: the faults, and the behaviour of the vendor's software."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from orchestrator.app.undo import Kind
from orchestrator.core.inventory.declared import HookPlace, Restart, Volumes
from orchestrator.core.inventory.inventory import Inventory
from tests.sim.faults import Fate, Fault, Faults
from tests.sim.hooks import POLICIES
from tests.sim.host import Vendor
from tests.sim.story import Story, tell
from tests.sim.undoing import tell_undo
from tests.unit import builders

CALLS = 170
"""A little more than the calls of a restore without faults."""
WANTS: tuple[Kind | None, ...] = (None, None, None, "abort", "abort", "rollback", "finish")
"""None: resume the run until it is done. Otherwise another laptop aborts it, rolls it back or finishes it."""
HOOKED = 0.3
"""Share of the scenes that have a hook for persistent volumes."""
AFTER_S = (0.0, 0.2, 0.4, 1.0, 3.0, 9.0, 30.0)
FOR_S = (5.0, 20.0, 45.0, 90.0)
WAIT_S = (61.0, 61.0, 75.0, 90.0, 90.0, 700.0)
"""Seconds between two laptops. The last value is longer than the time until the API servers first compact."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that determines a story."""

    seed: int
    faults: tuple[Faults, ...]
    vendor: Vendor
    inventory: Inventory
    wait_s: float
    wants: Kind | None = None

    def tell(self) -> Story:
        """Run the story: a restore, or an undo of that restore after its first laptop has ended."""
        if self.wants is None:
            return tell(*self.faults, wait_s=self.wait_s, vendor=self.vendor, inventory=self.inventory)
        first, *rest = self.faults
        wait_s, vendor, inventory = self.wait_s, self.vendor, self.inventory
        return tell_undo(self.wants, first, *rest, wait_s=wait_s, vendor=vendor, inventory=inventory)

    def __str__(self) -> str:
        told = [
            f"laptop {n}, call {call}: {fault}"
            for n, faults in enumerate(self.faults)
            for call, fault in faults.items()
        ]
        return "\n  ".join(
            (f"seed {self.seed}, {self.vendor}, wait {self.wait_s:g} s, {self.wants or 'resume'}", *told)
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """The result of one seed."""

    seed: int
    faults: int
    resumes: int
    violations: tuple[str, ...]


def scene(seed: int) -> Scene:
    chance = Random(seed)
    wants = chance.choice(WANTS)
    comes_to_its_end = wants == "finish" or (wants and chance.random() < 0.2)
    told = Scene(
        seed=seed,
        wants=wants,
        faults=(
            *(() if wants is None else ({} if comes_to_its_end else _faults(chance),)),
            *(_faults(chance) for _ in range(chance.choice((1, 1, 2, 3)))),
        ),
        vendor=Vendor(
            leaves_restore_db=chance.random() < 0.3,
            keeps_old_data=chance.random() < 0.5,
            fresh_token=chance.random() < 0.3,
            idle=seed % 3 == 0,  # every third scene uses the manual strategy
        ),
        inventory=builders.inventory(
            3,
            1,
            restart=chance.choice((Restart.REBOOT, Restart.SERVICES)),
            volumes=chance.choice((Volumes.NONE, Volumes.PAUSE)),
        ),
        wait_s=chance.choice(WAIT_S),
    )
    return replace(told, inventory=_with_hook(told.inventory, chance)) if chance.random() < HOOKED else told


def _with_hook(inventory: Inventory, chance: Random) -> Inventory:
    policy = POLICIES[chance.choice(tuple(HookPlace))].model_copy(update={"rerunnable": chance.random() < 0.2})
    return inventory.model_copy(update={"policies": inventory.policies.model_copy(update={"volumes": policy})})


def _faults(chance: Random) -> Faults:
    number = chance.choice((1, 1, 1, 2, 3))
    return {chance.randrange(CALLS): _fault(chance) for _ in range(number)}


def _fault(chance: Random) -> Fault:
    return Fault(
        fate=chance.choice(tuple(Fate)),
        at=chance.randint(1, 4),
        after_s=chance.choice(AFTER_S),
        for_s=chance.choice(FOR_S),
    )


def run(seed: int) -> Tally:
    story = scene(seed).tell()
    endings = [story.first, *story.endings] if story.first else story.endings
    met = sum(number < len(ending.line.calls) for ending in endings for number in ending.line.faults)
    return Tally(seed, met, story.resumes, tuple(story.violations))


def shortest(scene: Scene) -> Scene:
    """Return the scene with only the faults that the violation needs."""
    for laptop, faults in enumerate(scene.faults):
        for number in faults:
            fewer = {call: fault for call, fault in faults.items() if call != number}
            smaller = replace(scene, faults=(*scene.faults[:laptop], fewer, *scene.faults[laptop + 1 :]))
            if smaller.tell().violations:
                return shortest(smaller)
    return scene
