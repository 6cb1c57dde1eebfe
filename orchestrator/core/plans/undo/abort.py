"""The plan of an abort: put everything back, before the point of no return."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.core import timeouts
from orchestrator.core.model.plan import Phase, PhaseName, Step
from orchestrator.core.model.step_name import StepName
from orchestrator.core.plans.master import Master
from orchestrator.core.plans.steps import all_of, folder_of, script_step
from orchestrator.core.plans.undo.phases import (
    api_phase,
    claim_phase,
    refuse_way_back,
    release_phase,
    removal_step,
    start_steps,
    undo_phase,
    volumes_phase,
)
from orchestrator.core.plans.undo.target import Undone


def abort(undone: Undone) -> tuple[Phase, ...]:
    """The phases of an abort. Raises RefusedError after the point of no return; before it all old data is intact."""
    if undone.begun(PhaseName.START):
        raise undone.refused("is past its point of no return: it can only be rolled back", "rollback")
    refuse_way_back(undone)
    stopped = undone.begun(PhaseName.STOP) or bool(undone.holds)
    start = (
        (*volumes_phase(undone, "abort"), _start_again(undone), *api_phase(undone, undone.masters)) if stopped else ()
    )
    blocks = undone.hosts_of(StepName.RESOLVE_HOSTS)
    return (
        claim_phase(undone, undone.masters),
        _unschedule(undone),
        *start,
        release_phase(undone, blocks, lambda master: unstage(undone, master), held=stopped),
    )


def _unschedule(undone: Undone) -> Phase:
    return undo_phase(
        PhaseName.COMMIT,
        "put the old data back in its place, and make sure that etcd starts on nothing else",
        (step for master in undone.masters for step in _unschedule_steps(undone, master)),
        requires=all_of(undone.masters, undone.unstarted),
        barrier=all_of(undone.masters, undone.untouched),
    )


def _unschedule_steps(undone: Undone, master: Master) -> Iterable[Step]:
    data, member, run = master.etcd.data, master.etcd.member_path, undone.plan.run
    before, back = undone.before(master), "put the old data back, if the run has set it aside"
    if undone.plan.strategy == "manual":
        values = {
            "member": member,
            "kept": before.kept,
            "undone": run,
            "staged": before.staged,
            "wal": master.etcd.wal_dir,
            "kept_wal": before.kept_wal,
            "staged_wal": before.staged_wal,
        }
        yield script_step(StepName.COMMIT_UNPLACE, master, back, values, rerunnable=True)
        return
    title = "rename the run's restore.db, if there is one"
    values = {"data": data, "undone": run, "schedules": folder_of(master, run, StepName.COMMIT_SCHEDULE)}
    yield script_step(StepName.COMMIT_UNSCHEDULE, master, title, values, rerunnable=True)
    values = {"member": member, "kept": before.kept, "undone": run}
    yield script_step(StepName.COMMIT_PUTBACK, master, back, values, rerunnable=True)


def _start_again(undone: Undone) -> Phase:
    """Starts etcd on the files that were there before the run. The barrier asks for a quorum only if there was one."""
    barrier = all_of(undone.masters, undone.running, wait_s=timeouts.PROVEN_WAIT_S)
    if undone.had_quorum:
        barrier = undone.equal(undone.masters, old=True)
    steps = (
        step
        for master in undone.masters
        for step in start_steps(undone, master, undone.untouched, hold_of=undone.plan.run)
    )
    title = "start all masters on their old data"
    return undo_phase(PhaseName.START, title, steps, order=undone.order, barrier=barrier)


def unstage(undone: Undone, master: Master) -> Iterable[Step]:
    """Removes the run's snapshot and the files made from it. The safety snapshot stays."""
    before = undone.before(master)
    made = [before.snapshot]
    if undone.plan.strategy == "manual":
        made += [before.staged, f"{before.staged}.part", before.tool]
        wal = before.staged_wal  # the tool writes it as `.tmp` first
        made += [wal, f"{wal}.part", f"{wal}.part.tmp"] if wal else []
    yield removal_step(undone.plan.run, master, StepName.RELEASE_UNSTAGE, f"remove {before.snapshot}", *made)
