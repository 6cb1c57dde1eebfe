"""What must never be seen, whatever fails: looked at after every command and every second."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.sim.acts import Call
from tests.sim.history import OLD, RESTORED, History
from tests.sim.host import ARMED, MEMBER, STATE, VOLUME, SimHost


@dataclass(frozen=True, slots=True)
class _OnDisk:
    """What lies on a master's disk, as of so many changes."""

    changes: int
    is_kept: bool
    is_held: bool
    has_old_data: bool

    @property
    def is_free(self) -> bool:
        """Whether its old data was kept, and nothing holds it down any more."""
        return self.is_kept and not self.is_held


class Witness:
    """Stands beside all masters at once, and writes down each violation once."""

    def __init__(self, snapshot: History, snapshot_file: bytes, live: History) -> None:
        self._snapshot = snapshot
        self._snapshot_file = snapshot_file
        self._live = live
        self._masters: tuple[SimHost, ...] = ()
        self.violations: dict[str, None] = {}
        self.commands = 0
        self._disks: dict[str, _OnDisk] = {}
        self._begun: set[str] = set()
        self._runs: set[str] = set()

    def watch(self, masters: Iterable[SimHost]) -> None:
        self._masters = tuple(masters)

    def accuse(self, what: str) -> None:
        self.violations[what] = None

    def ran(self, command: tuple[str, ...], shown: bool) -> None:
        """What ran is what the plan showed."""
        self.commands += 1
        if not shown:
            self.accuse(f"it ran what the plan does not show: {' '.join(command)}")

    def act_begins(self, host: str, call: Call) -> None:
        """An act runs once per attempt, whoever is watching; and one run at a time changes the cluster."""
        marker = f"{host}: {call.run} {call.step} {call.attempt}"
        if marker in self._begun:
            self.accuse(f"an act runs twice: {marker}")
        self._begun.add(marker)
        if not call.step.startswith(("claim.", "attempt.")):
            self._runs.add(call.run)
        if len(self._runs) > 1:
            self.accuse(f"two runs are at work: {' and '.join(sorted(self._runs))}")

    def etcd_starts(self, host: SimHost) -> None:
        """Called when an etcd pod starts, before it touches anything."""
        if host.works_on_data:
            self.accuse(f"{host.name}: etcd starts while {host.works_on_data} is at work on its data")
        if host.disk.is_file(ARMED):
            if not self._all_are_committed():
                self.accuse(f"{host.name} starts its restore, not every master being committed")
        elif self._on_disk(host).is_kept and host.load(MEMBER).log == OLD:
            self.accuse(f"{host.name}: the old data comes up again after it was kept")

    def _all_are_committed(self) -> bool:
        return all(self.is_committed(master) for master in self._masters)

    def is_committed(self, host: SimHost) -> bool:
        """The right file is scheduled there, or has been restored."""
        if host.disk.is_file(ARMED):
            return host.disk.read(ARMED) == self._snapshot_file
        known = host.known()
        return known is not None and known.log == RESTORED

    def look(self) -> None:
        """After every command, and every second."""
        logs = {host.etcd.log for host in self._masters if host.etcd}
        if len(logs) > 1:
            self.accuse(f"members of different histories serve at once: {' and '.join(sorted(logs))}")
        for host in self._masters:
            if host.works_on_data and host.etcd:
                self.accuse(f"{host.name}: {host.works_on_data} is at work on the data of a running etcd")
            if self._on_disk(host).is_free and not self._all_are_committed():
                self.accuse(f"{host.name} is free to start, not every master being committed")
            if not (self._on_disk(host).has_old_data or (host.etcd and host.etcd.log == OLD)):
                self.accuse(f"{host.name}: the old data is nowhere to be found whole")

    def _on_disk(self, host: SimHost) -> _OnDisk:
        """Looked at only where something has changed since."""
        known = self._disks.get(host.name)
        if known is None or known.changes != host.disk.changes:
            databases = [path for path in host.disk.below(VOLUME) if path.endswith("/snap/db") and ".part" not in path]
            known = self._disks[host.name] = _OnDisk(
                changes=host.disk.changes,
                is_kept=any(path.endswith("/kept") for path in host.disk.below(STATE)),
                is_held=host.disk.is_file(f"{STATE}/hold"),
                has_old_data=any(self._is_old(host, path.removesuffix("/snap/db")) for path in databases),
            )
        return known

    def _is_old(self, host: SimHost, folder: str) -> bool:
        try:
            history = host.load(folder)
        except ValueError:
            return False
        return history.log == OLD and history.extends(self._live)


def is_restored(history: History | None, snapshot: History) -> bool:
    """Whether a member has the snapshot's data, and what was written on top of it, and nothing else."""
    return history is not None and history.log == RESTORED and history.extends(snapshot)
