"""Removes lost masters from a plan, so that its run can continue without them. Pure.

It is the same run: what was done on the other masters stays done, and the rest is done on them alone. That is safe in
every phase, because the operator has confirmed that a left-out master never starts on its old disk: before the start
the others agree on the snapshot without it, and after the start they are a quorum without it. If it starts anyway
before the run has started it, its own hold keeps it down.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from orchestrator.core.model.hooks import LocalHook
from orchestrator.core.model.plan import Pause, Phase, PhaseName, Plan, Probe, Push, Step
from orchestrator.core.plans.summary import never_start
from orchestrator.core.plans.volumes import with_masters
from orchestrator.errors import RefusedError


def leave_out(plan: Plan, names: Collection[str]) -> Plan:
    """The plan without these masters, unchanged if it leaves them out already. Raises UsageError for a host that is
    not a master, RefusedError if too few masters would remain."""
    inventory = plan.inventory.leave_out(names)
    if inventory == plan.inventory:
        return plan
    gone = {host.name for host in inventory.left_out}
    refuse_minority(len(inventory.masters), len(gone))
    masters = tuple(host.name for host in inventory.masters)
    phases = tuple(_phase(phase, gone, masters) for phase in plan.phases)
    facts = tuple(fact for fact in plan.facts if fact.host not in gone)
    lost = tuple(dict.fromkeys((*plan.lost, *never_start(inventory))))
    return plan.model_copy(update={"inventory": inventory, "phases": phases, "facts": facts, "lost": lost})


def refuse_minority(left: int, gone: int) -> None:
    """Raises RefusedError if the remaining masters would not be a quorum of the restored cluster."""
    if left <= gone:
        raise RefusedError(
            f"{left} of {left + gone} masters would remain, which is not a quorum; "
            "set up the lost masters again with empty disks, and restore on all masters"
        )


def _phase(phase: Phase, gone: Collection[str], masters: Sequence[str]) -> Phase:
    orphans = {step.host for step in phase.steps if isinstance(step.act, Push) and step.act.source_host in gone}
    if phase.name is PhaseName.SAFEGUARD and (orphans or any(step.host in gone for step in phase.steps)):
        # The source or the second copy is lost. A snapshot that was taken stays, and nothing waits for more.
        return phase.model_copy(
            update={"steps": (), "barrier": None, "note": "not completed: a master was lost during it"}
        )
    return phase.model_copy(
        update={
            "steps": tuple(found for step in phase.steps if (found := _step(step, gone, masters))),
            "requires": _probe(phase.requires, gone),
            "barrier": _probe(phase.barrier, gone),
        }
    )


def _step(step: Step, gone: Collection[str], masters: Sequence[str]) -> Step | None:
    step = with_masters(step, masters)
    if step.host in gone:
        # The marker of the operator's answer is on the first master. If that is lost, another master has it.
        return _moved(step, masters[0]) if isinstance(step.act, Pause | LocalHook) else None
    return step.model_copy(
        update={"requires": _probe(step.requires, gone), "done_if": _probe(step.done_if, gone)},
    )


def _moved(step: Step, heir: str) -> Step:
    return step.model_copy(update={"id": f"{step.name}/{heir}", "host": heir})


def _probe(probe: Probe | None, gone: Collection[str]) -> Probe | None:
    if probe is None:
        return None
    return probe.model_copy(update={"looks": tuple(look for look in probe.looks if look.host not in gone)})
