"""The plan of a finish: delete what a run has left on the hosts."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.core import timeouts
from orchestrator.core.model.plan import Phase, PhaseName, Step
from orchestrator.core.model.step_name import StepName, part_of
from orchestrator.core.plans.master import Master
from orchestrator.core.plans.steps import script_step
from orchestrator.core.plans.undo.phases import (
    claim_phase,
    release_step,
    removal_step,
    undo_phase,
)
from orchestrator.core.plans.undo.target import Undone
from orchestrator.core.text import size
from orchestrator.errors import RefusedError, ours


def finish(undone: Undone) -> tuple[Phase, ...]:
    """The phases of a finish: prove the members once more, then delete. Raises RefusedError before the release."""
    masters = undone.masters
    if not all(undone.left[master.name].released for master in masters):
        raise undone.refused("is still open", "resume")
    _refuse_open(undone)
    if not any(it.paths for it in undone.left.values()):
        raise RefusedError(f"run {undone.plan.run} has nothing left to delete", ours("status", undone.plan.run))
    steps = tuple(step for master in masters for step in (*_removals(undone, master), release_step(master)))
    return (
        claim_phase(undone, masters, takes_over=False),
        undo_phase(PhaseName.START, "prove again that all members agree", barrier=undone.equal(masters, old=False)),
        undo_phase(PhaseName.RELEASE, "delete what the run left, and release the hosts", steps, destructive=True),
    )


def _refuse_open(undone: Undone) -> None:
    """Raises RefusedError until every left-out master is a member of the restored cluster again."""
    clusters = {master.view.member.live.cluster_id for master in undone.masters if master.view.member.live}
    for host in undone.inventory.left_out:
        live = undone.views[host.name].member.live if host.name in undone.views else None
        if live is None or not live.has_quorum or {live.cluster_id} != clusters:
            raise RefusedError(
                f"{host.name} was left out, and has not rejoined the restored cluster; "
                'let it rejoin: docs/restore.md, "A master is lost for good"',
                ours("finish", undone.plan.run),
            )


def _removals(undone: Undone, master: Master) -> Iterable[Step]:
    """A step for each path that is deleted; its title has the size."""
    left = undone.left[master.name]
    with_data = undone.before(master).kept_wal if left.kept == "whole" else ""  # the old log goes with the old data
    paths = [found for found in left.paths if found[0] != with_data]
    for number, (path, size_bytes) in enumerate(paths, start=1):
        name, title = part_of(StepName.RELEASE_REMOVE, str(number)), f"delete {path} ({size(size_bytes)})"
        if left.kept == "whole" and path == undone.before(master).kept:
            yield _unkeep(undone, master, title)
        else:
            maker = undone.plan.run if undone.plan.run in path else undone.plan.undoes
            yield removal_step(maker, master, name, title, path)


def _unkeep(undone: Undone, master: Master, title: str) -> Step:
    before = undone.before(master)
    values = {
        "member": master.etcd.member_path,
        "kept": before.kept,
        "undone": undone.plan.run,
        "kept_wal": before.kept_wal,
    }
    return script_step(StepName.RELEASE_UNKEEP, master, title, values, timeout_s=timeouts.HASH_S, rerunnable=True)
