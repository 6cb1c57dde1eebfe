"""The target of an undo: a run with its plan and what its hosts say about it, and the looks that undo plans share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.core import timeouts
from orchestrator.core.hosts.distro import Distro
from orchestrator.core.hosts.view import Claim, MasterView
from orchestrator.core.inventory.inventory import Inventory
from orchestrator.core.model.outcome import ActRecord, ActState
from orchestrator.core.model.plan import Estimate, Order, Phase, PhaseName, Plan, Probe, Script, Step
from orchestrator.core.model.step_name import StepName, phase_of, step_name
from orchestrator.core.plans.master import ApiHost, Master, api_hosts_of, masters_of
from orchestrator.core.plans.restore import Restore, strategy_of
from orchestrator.core.plans.services import units_of
from orchestrator.core.plans.steps import equal, folder_of, look
from orchestrator.core.plans.summary import RESTART_S, UPLINK_BYTES_PER_S, estimate, never_start
from orchestrator.core.text import listed
from orchestrator.errors import RefusedError, ours


@dataclass(frozen=True, slots=True)
class Left:
    """What a run has left on one master. ``kept`` describes the old data: `whole`, `none` (there was none) or empty
    (gone). ``paths`` are the paths that `finish` removes, with their bytes."""

    kept: str = ""
    paths: tuple[tuple[str, int], ...] = ()
    released: bool = False


@dataclass(frozen=True, slots=True)
class Undone:
    """The run of ``plan``, to be undone. ``records``, ``left``, ``claims`` and ``holds`` are what its hosts say, by
    host. ``run`` is the id of the undo itself, which ``laptop`` makes."""

    plan: Plan
    inventory: Inventory
    views: Mapping[str, MasterView]
    distro: Distro
    run: str
    laptop: str
    records: Mapping[str, Sequence[ActRecord]]
    left: Mapping[str, Left]
    claims: Mapping[str, Claim] = field(default_factory=dict)
    holds: Mapping[str, str] = field(default_factory=dict)

    @property
    def masters(self) -> tuple[Master, ...]:
        return masters_of(self.inventory, self.views, self.run)

    @property
    def api_hosts(self) -> tuple[ApiHost, ...]:
        return api_hosts_of(self.inventory, self.views)

    @property
    def with_data(self) -> tuple[Master, ...]:
        """The masters that had old data."""
        return tuple(master for master in self.masters if self.left[master.name].kept == "whole")

    @property
    def without_data(self) -> tuple[Master, ...]:
        return tuple(master for master in self.masters if self.left[master.name].kept == "none")

    @property
    def had_quorum(self) -> bool:
        """Whether a quorum answered before the run: only then could a safety snapshot be taken."""
        safeguard = self.plan.phase(PhaseName.SAFEGUARD)
        return safeguard is not None and bool(safeguard.steps)

    @property
    def order(self) -> Order:
        """In which order its masters start."""
        return Order.STAGGERED if self.distro.staggers else Order.PARALLEL

    @property
    def pause_answered(self) -> bool:
        return any(
            record.step == StepName.VOLUMES_PAUSE and record.state is ActState.ENDED
            for records in self.records.values()
            for record in records
        )

    def begun(self, phase: PhaseName) -> bool:
        """Whether any step of that phase has begun on any host."""
        return any(
            phase_of(record.step) is phase and record.state is not ActState.WAITING
            for records in self.records.values()
            for record in records
        )

    def has_begun(self, step: StepName, host: str) -> bool:
        """Whether that step has begun on that host."""
        records = self.records.get(host, ())
        return any(step_name(record.step) is step and record.state is not ActState.WAITING for record in records)

    def hosts_of(self, name: StepName) -> tuple[str, ...]:
        """The hosts on which the run's plan has a step of that name."""
        return tuple(step.host for phase in self.plan.phases for step in phase.steps if step.name == name)

    def before(self, master: Master) -> Master:
        """The master with the paths of the run that is undone: its folder, its snapshot, its old data."""
        return Master(master.host, master.view, master.etcd, self.plan.run)

    def again(self) -> dict[PhaseName, Phase]:
        """The phases of the same restore under the undo's id, from stop on."""
        plan, snapshot = self.plan, self.plan.snapshot
        assert snapshot is not None
        strategy = strategy_of(plan.strategy, snapshot, self.masters, self.distro, self.run, plan.tool, bump=plan.bump)
        restore = Restore(self.inventory, self.views, self.distro, strategy, self.run, self.laptop)
        return {phase.name: phase for phase in restore.from_stop()}

    def refused(self, what: str, command: str) -> RefusedError:
        """The error for an undo that does not fit. ``command`` is the one to use instead."""
        run = self.plan.run
        return RefusedError(f"run {run} {what}", ours(command, run))

    # --- looks ----------------------------------------------------------------------------------------

    def unstarted(self, master: Master) -> Script:
        values = {"run": self.plan.run, "starts": folder_of(master, self.plan.run, "start.")}
        return look("commit/is_unstarted.sh", values, "that run has started nothing")

    def untouched(self, master: Master) -> Script:
        kept = self.before(master).kept
        if self.plan.strategy == "manual":
            values = {"state": master.state, "undone": self.plan.run, "member": master.etcd.member_path, "kept": kept}
            question = "the old data is in its place, and nothing that the run restored"
            return look("commit/is_unplaced.sh", values, question)
        question = "the old data is in its place, and nothing is scheduled for the next start"
        return look("commit/is_untouched.sh", {"data": master.etcd.data, "kept": kept}, question)

    def unchanged(self, master: Master) -> Script:
        before = self.before(master)
        where = {"state": master.state, "run": self.plan.run}
        values = where | {"kept": before.kept, "kept_wal": before.kept_wal}
        question = "the kept old data is, file by file, what the run kept"
        return look("keep/is_unchanged.sh", values, question, timeouts.HASH_S)

    def returned(self, master: Master) -> Script:
        where = {"state": master.state, "run": self.run}
        values = where | {"data": master.etcd.data, "member": master.etcd.member_path}
        return look("commit/is_returned.sh", values, "the old data is back in its place, and nothing is scheduled")

    def running(self, master: Master) -> Script:
        units = (unit for unit in units_of(self.distro, master.host) if unit.endswith(".service"))
        present = tuple(unit for unit in units if master.view.machine.units.get(unit, "not-found") != "not-found")
        return look("start/is_running.sh", {"units": present}, "every unit runs")

    def equal(self, masters: Sequence[Master], *, old: bool) -> Probe:
        """Asks whether the members agree. With ``old`` data they must have the cluster id that was seen before the
        run, if one was."""
        seen = {fact.cluster_id for fact in self.plan.facts if fact.cluster_id}
        expect = {"cluster_id": seen.pop()} if old and len(seen) == 1 else {}
        return equal(masters, expect)


def steps_of(phase: Phase, name: StepName, master: Master | ApiHost) -> tuple[Step, ...]:
    """The steps of that name on that master."""
    return tuple(step for step in phase.steps if step.id == f"{name}/{master.name}")


def lost_by_undo(kind: str, undone: Undone) -> tuple[str, ...]:
    """What the cluster or the operator loses by that kind of undo."""
    run, restored = undone.plan.run, undone.plan.restored
    if kind == "finish" and undone.plan.kind == "reinit":
        return ("the data of the failed member; the member that replaced it is proven first",)
    if kind == "finish":
        return (f"the rollback: without the deleted data, run {run} can no longer be rolled back",)
    if kind != "rollback" or restored is None:
        return ()
    newest = max((view.member.revision for view in undone.views.values()), default=0)
    since = f": {newest - restored.revision} revisions" if newest > restored.revision else ""
    texts = [
        f"everything written since the restore of revision {restored.revision}{since}",
        *_back(undone, newest or restored.revision),
        "not undone: what controllers have done outside etcd since, such as volumes and load balancers",
    ]
    if empty := listed([master.name for master in undone.without_data]):
        texts.append(
            f"{empty} had no old data, and gets an empty volume: it is started once the others have a quorum, but "
            "rejoins only with `orchestrator reinit`"
        )
    return (*texts, *never_start(undone.inventory))


def _back(undone: Undone, newest: int) -> tuple[str, ...]:
    """A rollback takes etcd's own files back as they were: nothing can bump their revision without a new restore."""
    if not undone.plan.bump:
        return ()
    return (
        f"revisions go back, from {newest} to those of the old data: restart every client that watches the cluster, or "
        "it keeps what it has seen since and misses changes",
    )


def seconds(kind: str, undone: Undone) -> Estimate:
    """The estimate of an undo. It sends and copies nothing; a rollback reads the old data if the restore copied it."""
    if kind == "rollback" and undone.plan.snapshot:
        restore = estimate(undone.inventory, undone.plan.snapshot, undone.views, undone.plan.strategy)
        total_s = restore.total_s - restore.upload_bytes // UPLINK_BYTES_PER_S
        return Estimate(upload_bytes=0, kept_bytes=0, outage_s=restore.outage_s, total_s=total_s)
    outage_s = RESTART_S if kind == "abort" and undone.holds else 0
    return Estimate(upload_bytes=0, kept_bytes=0, outage_s=outage_s, total_s=outage_s + RESTART_S)
