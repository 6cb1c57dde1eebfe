"""The phase safeguard: a snapshot of a member that still answers, before anything changes."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.core.hosts.distro import Distro
from orchestrator.core.model.plan import Exec, Order, Phase, PhaseName, Push, Step
from orchestrator.core.model.step_name import StepName
from orchestrator.core.plans.master import Master
from orchestrator.core.plans.steps import all_of, make_phase


def safeguard_phase(masters: Sequence[Master], distro: Distro) -> Phase:
    """Takes a snapshot of the member with a quorum and the highest revision, and copies it to another master."""
    live = [master for master in masters if master.view.member.has_quorum]
    if not live:
        return make_phase(PhaseName.SAFEGUARD, (), note="impossible: no quorum answers")
    best = max(live, key=lambda master: master.view.member.revision)
    others = [master for master in masters if master.name != best.name]
    take = Step(
        id=f"{StepName.SAFEGUARD_TAKE}/{best.name}",
        host=best.name,
        title="take a safety snapshot",
        act=distro.take_snapshot(best.host, best.view),
        rerunnable=True,
    )
    copies = tuple(
        Step(
            id=f"{StepName.SAFEGUARD_COPY}/{other.name}",
            host=other.name,
            title=f"copy the safety snapshot from {best.name}",
            act=Push(source_host=best.name, source_path=f"{best.folder}/safety.db", path=f"{other.folder}/safety.db"),
            rerunnable=True,
        )
        for other in others[:1]
    )
    barrier = all_of((best, *others[:1]), lambda master: Exec(argv=("test", "-s", f"{master.folder}/safety.db")))
    return make_phase(PhaseName.SAFEGUARD, (take, *copies), order=Order.SEQUENCE, barrier=barrier)
