"""The plan for one failed member: Kublr has it join the others anew, and copy what they hold. Pure.

The cluster serves all the while, so nothing is stopped. What is lost is the member's own data, which the others have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.core import timeouts
from orchestrator.core.distro import Distro
from orchestrator.core.inventory import Inventory
from orchestrator.core.masters import MasterView
from orchestrator.core.model import Phase, PhaseName, Probe, Step
from orchestrator.core.plans.master import Master, claim_phase, equal, look, masters_of, one, release_step
from orchestrator.core.plans.safeguard import safeguard_phase


@dataclass(frozen=True, slots=True)
class Reinit:
    """Plans that for the member of ``host``."""

    inventory: Inventory
    views: Mapping[str, MasterView]
    distro: Distro
    run: str
    laptop: str
    host: str

    def phases(self) -> tuple[Phase, ...]:
        """No phase of a restore that stops, keeps or starts anything."""
        return (
            claim_phase(self._masters, self.laptop),
            safeguard_phase(tuple(master for master in self._masters if master.name != self.host), self.distro),
            self._order(),
            Phase(name=PhaseName.START, title="prove that all members agree", barrier=self._equal, destructive=True),
            self._release(),
        )

    @property
    def _masters(self) -> tuple[Master, ...]:
        return masters_of(self.inventory, self.views, self.run)

    def _order(self) -> Phase:
        (master,) = (master for master in self._masters if master.name == self.host)
        data = master.etcd.data
        step = Step(
            id=f"commit.reinit/{master.name}",
            host=master.name,
            title=f"write `reinitialize` to {data}/command, and wait until the pod has obeyed",
            act=self.distro.reinitialize(master.view),
            done_if=one(master, look("reinited.sh", master.state, master.run, data), wait_s=timeouts.PROVEN_WAIT_S),
            rerunnable=True,
        )
        title = "have the member thrown away, and join the others anew"
        return Phase(name=PhaseName.COMMIT, title=title, steps=(step,), destructive=True)

    @property
    def _equal(self) -> Probe:
        clusters = {view.live.cluster_id for name, view in self.views.items() if name != self.host and view.live}
        return equal(self._masters, {"cluster_id": clusters.pop()} if len(clusters) == 1 else {})

    def _release(self) -> Phase:
        steps = tuple(release_step(master) for master in self._masters)
        return Phase(name=PhaseName.RELEASE, title="give the hosts back", steps=steps)
