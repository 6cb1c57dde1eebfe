"""The aided strategy: the run schedules a restore, and the vendor's agent does it when etcd's pod starts. Pure.

Vendor's page, "Aided restoration of a snapshot".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from orchestrator.core import timeouts
from orchestrator.core.hosts.distro import Distro
from orchestrator.core.hosts.questions import peer_values
from orchestrator.core.model.plan import PhaseName, Script, Step
from orchestrator.core.model.restored import Restored, restored_from
from orchestrator.core.model.step_name import StepName
from orchestrator.core.plans.master import Master
from orchestrator.core.plans.steps import folder_of, look, one, push_step, script_step
from orchestrator.core.snapshots.locations import OnHost
from orchestrator.etcd.snapshot import SnapshotFacts


@dataclass(frozen=True, slots=True)
class Aided:
    """Implements ``plans.strategy.Strategy``."""

    snapshot: SnapshotFacts
    distro: Distro
    origin: OnHost | None = None

    resolves_first = False
    titles = MappingProxyType({PhaseName.COMMIT: "schedule the restore"})

    @property
    def expected(self) -> Restored:
        return restored_from(self.snapshot)  # the token is the vendor's, so the cluster id is not predicted

    def stage(self, master: Master) -> Iterable[Step]:
        yield push_step(StepName.STAGE_PUSH, master, self.snapshot, "copy the snapshot", self.origin)

    def staged(self, master: Master) -> Script:
        values = {"path": master.snapshot, "sha256": self.snapshot.sha256}
        question = "the file has this sha256, and keeps it through a power cut"
        return look("stage/is_received.sh", values, question, timeouts.HASH_S)

    def keep(self, master: Master) -> Step:
        return script_step(
            StepName.KEEP_COPY,
            master,
            f"move the old data to {master.kept}, and put a copy in its place",
            {"member": master.etcd.member_path, "kept": master.kept},
            timeout_s=timeouts.COPY_S,
            rerunnable=True,
            undo="move it back",
        )

    def commit(self, master: Master) -> Iterable[Step]:
        title = "copy the snapshot again, if the copy is damaged"
        mend = push_step(StepName.COMMIT_MEND, master, self.snapshot, title, self.origin)
        yield mend.model_copy(update={"done_if": one(master, self.staged(master)), "mends": True})
        yield Step(
            id=f"{StepName.COMMIT_SCHEDULE}/{master.name}",
            host=master.name,
            title="schedule the restore for the next start of etcd",
            act=self.distro.schedule(master.host, master.view, master.snapshot, self.snapshot.sha256),
            done_if=one(master, self.in_place(master)),  # a power cut may have removed the file since
            rerunnable=True,
            undo="rename restore.db away",
        )

    def in_place(self, master: Master) -> Script:
        question = "the file is scheduled for the next pod start, and stays so through a power cut"
        return look("commit/is_scheduled.sh", self._scheduled(master), question, timeouts.HASH_S)

    def committed(self, master: Master) -> Script:
        values = self._scheduled(master) | {"lifts": folder_of(master, master.run, StepName.START_LIFT)}
        question = "the file is scheduled for the next pod start, or this run has let the host start since"
        return look("commit/is_scheduled.sh", values, question, timeouts.HASH_S)

    def _scheduled(self, master: Master) -> dict[str, str]:
        return {"path": f"{master.etcd.data}/restore.db", "sha256": self.snapshot.sha256}

    def proven(self, master: Master) -> Iterable[Step]:
        yield script_step(
            StepName.START_DISARM,
            master,
            "rename restore.db, if it is still there",
            {"data": master.etcd.data, **peer_values(master.etcd)},
            rerunnable=True,
        )
