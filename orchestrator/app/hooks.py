"""Hooks of an inventory: checks that their programs exist, and runs one on the laptop."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from orchestrator.adapters.program import run_program
from orchestrator.app.cluster import Cluster
from orchestrator.core.checks.cluster import hook_missing
from orchestrator.core.inventory.declared import HookPlace, VolumesHook
from orchestrator.core.model.finding import Finding
from orchestrator.core.model.hooks import LocalHook
from orchestrator.core.model.outcome import Outcome
from orchestrator.core.model.plan import Script
from orchestrator.core.plans.volumes import FACTS
from orchestrator.engine.hooks import RunHere
from orchestrator.ports import Clock


def here(folder: Path, attempt: str, clock: Clock) -> RunHere:
    """A function that runs hooks on this laptop. ``folder`` is the run's: it has the plan, and gets hooks' output."""

    async def run(hook: LocalHook, name: str) -> Outcome:
        own = {name: value for name, value in os.environ.items() if not name.startswith("ORCHESTRATOR_")}
        env = own | hook.env | {FACTS: str(folder / "plan.json")}
        return await run_program(hook.argv, env, hook.timeout_s, folder / f"{name}-{attempt}.log", clock)

    return run


async def find_missing(cluster: Cluster) -> tuple[Finding, ...]:
    """Blockers for programs of the volumes policy that are missing or not executable. Changes nothing."""
    policy = cluster.inventory.policies.volumes
    if not isinstance(policy, VolumesHook):
        return ()
    names = tuple(dict.fromkeys(argv[0] for argv in (policy.hook, policy.undo) if argv))
    if policy.on is HookPlace.LAPTOP:
        return tuple(hook_missing("", name) for name in names if not shutil.which(name))
    places = [(host.name, name) for host in cluster.inventory.masters for name in names]
    looks = (
        cluster.look(host, Script(file="observe/is_program.sh", values={"program": name})) for host, name in places
    )
    outputs = await asyncio.gather(*looks)
    return tuple(hook_missing(*place) for place, output in zip(places, outputs, strict=True) if output.exit_code != 0)
