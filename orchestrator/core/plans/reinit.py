"""The plan to replace one failed member: it rejoins the others and copies their data. Pure.

The cluster serves throughout: the other members are not stopped. A vendor's agent does it on request. Without an agent
the member is removed, its data set aside, added and started (``rejoin.py``). Only the member's own data is lost, which
the others have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.core import timeouts
from orchestrator.core.hosts.distro import Distro
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Inventory
from orchestrator.core.model.plan import Phase, PhaseName, Probe, Step
from orchestrator.core.model.step_name import StepName
from orchestrator.core.plans.master import Master, masters_of
from orchestrator.core.plans.rejoin import Rejoin
from orchestrator.core.plans.safeguard import safeguard_phase
from orchestrator.core.plans.steps import claim_phase, equal, look, one, release_step


@dataclass(frozen=True, slots=True)
class Reinit:
    """Plans the reinit of the member of ``host``."""

    inventory: Inventory
    views: Mapping[str, MasterView]
    distro: Distro
    run: str
    laptop: str
    host: str

    def phases(self) -> tuple[Phase, ...]:
        """The phases of a restore that one member needs."""
        before = (
            claim_phase(self._masters, self.laptop),
            safeguard_phase(tuple(master for master in self._masters if master.name != self.host), self.distro),
        )
        if self.distro.aided:
            title = "prove that all members agree"
            start = Phase(name=PhaseName.START, title=title, barrier=self._equal, destructive=True)
            return (*before, self._order(), start, self._release())
        rejoin = Rejoin(self._failed, self._others, self.distro, self.inventory.policies.stop_timeout)
        after = (rejoin.start(self._equal), *rejoin.api(), self._release(*rejoin.let_go()))
        return (*before, *rejoin.before(), *after)

    @property
    def _masters(self) -> tuple[Master, ...]:
        return masters_of(self.inventory, self.views, self.run)

    @property
    def _failed(self) -> Master:
        (failed,) = (master for master in self._masters if master.name == self.host)
        return failed

    @property
    def _others(self) -> tuple[Master, ...]:
        """The masters that answer with a quorum. A check has shown that they are enough."""
        return tuple(master for master in self._masters if master.name != self.host and master.view.member.has_quorum)

    def _order(self) -> Phase:
        master = self._failed
        data = master.etcd.data
        values = {"state": master.state, "run": master.run, "data": data}
        obeyed = look("commit/is_reinitialized.sh", values, "the pod has obeyed, and left a new command-result")
        title, order = self.distro.replace_member(master.view)
        step = Step(
            id=f"{StepName.COMMIT_REINIT}/{master.name}",
            host=master.name,
            title=title,
            act=order,
            done_if=one(
                master,
                obeyed,
                wait_s=timeouts.PROVEN_WAIT_S,
            ),
            rerunnable=True,
        )
        what = "remove the member, and let it rejoin the others"
        return Phase(name=PhaseName.COMMIT, title=what, steps=(step,), destructive=True)

    @property
    def _equal(self) -> Probe:
        clusters = {
            view.member.live.cluster_id for name, view in self.views.items() if name != self.host and view.member.live
        }
        return equal(self._masters, {"cluster_id": clusters.pop()} if len(clusters) == 1 else {})

    def _release(self, *before: Step) -> Phase:
        steps = (*before, *(release_step(master) for master in self._masters))
        return Phase(name=PhaseName.RELEASE, title="release the hosts", steps=steps)
