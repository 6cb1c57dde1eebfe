"""The plan that creates, changes or deletes the timers of scheduled backups. Pure. It stops and starts nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Inventory
from orchestrator.core.model.plan import Phase, PhaseName, Step
from orchestrator.core.model.step_name import StepName
from orchestrator.core.plans.master import Master, masters_of
from orchestrator.core.plans.steps import claim_phase, look, one, release_step, script_step
from orchestrator.core.snapshots.schedules import paths_of, timer_of


@dataclass(frozen=True, slots=True)
class Scheduling:
    """Plans a schedule. ``wanted`` has the text of every file by path, for each host that must change."""

    inventory: Inventory
    views: Mapping[str, MasterView]
    wanted: Mapping[str, Mapping[str, str]]
    run: str
    laptop: str

    def phases(self) -> tuple[Phase, ...]:
        masters = masters_of(self.inventory, self.views, self.run)
        steps = tuple(self._step(master) for master in masters if master.name in self.wanted)
        release = tuple(release_step(master) for master in masters)
        return (
            claim_phase(masters, self.laptop),
            Phase(name=PhaseName.COMMIT, title="write the units, and start the timers", steps=steps),
            Phase(name=PhaseName.RELEASE, title="release the hosts", steps=release),
        )

    def _step(self, master: Master) -> Step:
        cluster, texts = self.inventory.cluster, self.wanted[master.name]
        timer = timer_of(cluster)
        if texts:
            name, title = StepName.COMMIT_SET_TIMER, f"write {timer}, its service and its script"
            files = tuple(part for pair in texts.items() for part in pair)
            sums = tuple(part for path, text in texts.items() for part in (path, _sha256(text)))
            done = look(
                "commit/is_timer_set.sh", {"timer": timer, "files": sums}, "the timer runs, its files as planned"
            )
        else:
            name, title = StepName.COMMIT_END_TIMER, f"stop {timer}, and delete its files; backups stay"
            files = paths_of(master.host, cluster)
            done = look("commit/is_timer_gone.sh", {"files": files}, "none of its files exists")
        return script_step(
            name,
            master,
            title,
            {"timer": timer, "files": files},
            done_if=one(master, done),
            rerunnable=True,
            undo="orchestrator backup schedule --remove",
        )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
