"""The plan of a rollback: put every master's old data back, after the point of no return."""

from __future__ import annotations

from orchestrator.core.model.plan import Phase, PhaseName, Probe, Step
from orchestrator.core.model.step_name import StepName
from orchestrator.core.plans.master import Master
from orchestrator.core.plans.steps import all_of, script_step
from orchestrator.core.plans.undo.phases import (
    api_phase,
    claim_phase,
    refuse_way_back,
    release_phase,
    start_steps,
    undo_phase,
    volumes_phase,
)
from orchestrator.core.plans.undo.target import Undone
from orchestrator.core.text import listed
from orchestrator.errors import RefusedError


def rollback(undone: Undone) -> tuple[Phase, ...]:
    """The phases of a rollback: stop all, put the old data back, start all. Raises RefusedError if it is not kept."""
    if not undone.begun(PhaseName.START):
        raise undone.refused("has not reached its point of no return: there is nothing to roll back", "abort")
    refuse_way_back(undone)
    _refuse_lost(undone)
    again = undone.again()
    return (
        claim_phase(undone, undone.masters),
        again[PhaseName.STOP],
        again[PhaseName.DOWN],
        _check_kept(undone, held=again[PhaseName.KEEP].requires),
        _swap(undone, held=again[PhaseName.COMMIT].requires),
        *volumes_phase(undone, "rollback", again[PhaseName.COMMIT].requires),
        _start_returned(undone),
        *api_phase(undone, undone.with_data),
        again[PhaseName.WORKERS],
        release_phase(undone, undone.hosts_of(StepName.RELEASE_HOSTS), lambda _: (), held=True),
    )


def _refuse_lost(undone: Undone) -> None:
    """Raises RefusedError if old data is missing, or if the masters that have any are not a quorum."""
    for master in undone.masters:
        if not undone.left[master.name].kept:
            raise RefusedError(
                f"{master.name}: the old data of run {undone.plan.run} is missing from {undone.before(master).kept}; "
                "put it back there, or restore a snapshot"
            )
    if len(undone.with_data) <= (len(undone.masters) + len(undone.inventory.left_out)) // 2:
        empty = [master.name for master in undone.without_data]
        names = listed(empty + [host.name for host in undone.inventory.left_out])
        raise RefusedError(f"no old data on {names}: the other masters are not a quorum; restore a snapshot")


def _check_kept(undone: Undone, *, held: Probe | None) -> Phase:
    barrier = all_of(undone.with_data, undone.unchanged)
    return undo_phase(PhaseName.KEEP, "prove that the kept old data is unchanged", requires=held, barrier=barrier)


def _swap(undone: Undone, *, held: Probe | None) -> Phase:
    barrier = all_of(undone.masters, undone.returned)
    steps = (_swap_step(undone, master) for master in undone.masters)
    return undo_phase(PhaseName.COMMIT, "put the old data back", steps, requires=held, barrier=barrier)


def _swap_step(undone: Undone, master: Master) -> Step:
    kept = undone.before(master).kept
    had = undone.left[master.name].kept == "whole"
    what = f"put {kept} back" if had else "leave the volume empty, as before"
    return script_step(
        StepName.COMMIT_SWAP,
        master,
        f"{what}; move the current data to {master.kept}",
        {
            "data": master.etcd.data,
            "member": master.etcd.member_path,
            "kept": kept,
            "aside": master.kept,
            "undone": undone.plan.run,
            "wal": master.etcd.wal_dir,
            "kept_wal": undone.before(master).kept_wal,
            "aside_wal": master.kept_wal,
        },
        rerunnable=True,
    )


def _start_returned(undone: Undone) -> Phase:
    """Starts etcd on the old data. A master without old data starts after the others have a quorum: started with them
    it could vote without the entries that it had acknowledged."""
    masters = undone.with_data
    steps = (step for master in masters for step in start_steps(undone, master, undone.returned))
    title = "start the masters on their old data, and prove that they agree"
    return undo_phase(PhaseName.START, title, steps, order=undone.order, barrier=undone.equal(masters, old=True))
