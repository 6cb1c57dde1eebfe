"""The plan of an unlock: release the hosts before anything was stopped."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.core.model.plan import Phase, PhaseName, Step
from orchestrator.core.model.step_name import StepName
from orchestrator.core.plans.master import Master
from orchestrator.core.plans.undo.abort import unstage
from orchestrator.core.plans.undo.phases import (
    claim_phase,
    release_step,
    removal_step,
    undo_phase,
)
from orchestrator.core.plans.undo.target import Undone
from orchestrator.errors import RefusedError, ours


def unlock(undone: Undone) -> tuple[Phase, ...]:
    """The phases of an unlock: release the masters of a run that has stopped nothing, or only one failed member, which
    stays down. Raises RefusedError if it has stopped more."""
    if undone.plan.kind != "reinit" and (undone.begun(PhaseName.STOP) or undone.holds):
        following = "resume" if undone.plan.undoes else "rollback" if undone.begun(PhaseName.START) else "abort"
        raise undone.refused("has begun to stop services: resume or abort it instead", following)
    held = tuple(master for master in undone.masters if master.name in undone.claims)
    if not held:
        raise RefusedError(f"run {undone.plan.run} holds no master", ours("status", undone.plan.run))
    steps = tuple(step for master in held for step in (*_unbegin(undone, master), release_step(master)))
    return (claim_phase(undone, held), undo_phase(PhaseName.RELEASE, "release the hosts", steps))


def _unbegin(undone: Undone, master: Master) -> Iterable[Step]:
    """Deletes what the run has prepared on the host: a snapshot contains every Secret."""
    match undone.plan.kind:
        case "restore":
            yield from unstage(undone, master)
        case "reinit":
            yield from _unjoin(undone, master)


def _unjoin(undone: Undone, master: Master) -> Iterable[Step]:
    """Deletes what a `reinit` has made outside the data. The old data stays where it was set aside. An incomplete
    member stays, too: the next run sets it aside."""
    if master.name in undone.hosts_of(StepName.COMMIT_JOIN):
        paths = undone.before(master).left_by_join
        yield removal_step(
            undone.plan.run, master, StepName.RELEASE_UNJOIN, f"delete, if present: {', '.join(paths)}", *paths
        )
