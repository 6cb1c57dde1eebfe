"""The interface of a restore strategy: how a member gets the snapshot's data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from orchestrator.core.model.plan import PhaseName, Script, Step
from orchestrator.core.model.restored import Restored
from orchestrator.core.plans.master import Master
from orchestrator.core.snapshots.locations import OnHost
from orchestrator.etcd.snapshot import SnapshotFacts


class Strategy(Protocol):
    """The steps and looks that differ between strategies, for one master each."""

    @property
    def snapshot(self) -> SnapshotFacts:
        """The snapshot that is restored."""
        ...

    @property
    def resolves_first(self) -> bool:
        """Whether staging needs the peers' names."""
        ...

    @property
    def titles(self) -> Mapping[PhaseName, str]:
        """Titles of the phases that differ from the usual."""
        ...

    @property
    def origin(self) -> OnHost | None:
        """The master's file that is the snapshot, if it is on a master already."""
        ...

    @property
    def expected(self) -> Restored:
        """What every restored member must show."""
        ...

    def stage(self, master: Master) -> Iterable[Step]:
        """The steps that prepare the restore while the old etcd still serves."""
        ...

    def staged(self, master: Master) -> Script:
        """The look that asks whether all of it is prepared."""
        ...

    def keep(self, master: Master) -> Step:
        """The step that sets the old data aside."""
        ...

    def commit(self, master: Master) -> Iterable[Step]:
        """The steps that make etcd's next start use the snapshot's data."""
        ...

    def in_place(self, master: Master) -> Script:
        """The look that asks whether the next start uses the snapshot's data."""
        ...

    def committed(self, master: Master) -> Script:
        """The same look, for a host that this run may have started since."""
        ...

    def proven(self, master: Master) -> Iterable[Step]:
        """The steps after the member is proven restored."""
        ...
