"""What differs between the ways to restore: how a member comes to the snapshot's data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from orchestrator.core.model.plan import PhaseName, Script, Step
from orchestrator.core.plans.master import Master
from orchestrator.core.proof.restored import Expected
from orchestrator.core.snapshots.locations import OnHost
from orchestrator.etcd.snapshot import SnapshotFacts


class Strategy(Protocol):
    """The parts of a restore's phases that are its own, for one master each."""

    @property
    def snapshot(self) -> SnapshotFacts:
        """What is restored."""
        ...

    @property
    def resolves_first(self) -> bool:
        """Whether staging needs the peers' names."""
        ...

    @property
    def titles(self) -> Mapping[PhaseName, str]:
        """Of the phases that it does in its own way."""
        ...

    @property
    def origin(self) -> OnHost | None:
        """The master that has the snapshot already, if one has."""
        ...

    @property
    def expected(self) -> Expected:
        """What every restored member must show."""
        ...

    def stage(self, master: Master) -> Iterable[Step]:
        """All that can be made ready while the old etcd still serves."""
        ...

    def staged(self, master: Master) -> Script:
        """The look for that."""
        ...

    def keep(self, master: Master) -> Step:
        """Sets the old data aside."""
        ...

    def commit(self, master: Master) -> Iterable[Step]:
        """Makes the next start one with the snapshot's data."""
        ...

    def in_place(self, master: Master) -> Script:
        """The look for that."""
        ...

    def committed(self, master: Master) -> Script:
        """The same look, where this run may have let the host start since."""
        ...

    def proven(self, master: Master) -> Iterable[Step]:
        """What is left to do once the member is proven to be restored."""
        ...
