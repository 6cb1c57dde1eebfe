"""Invariants that must hold under every fault. They are checked after every command and every second."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.core.model.plan import Plan
from tests.sim.acts import Call
from tests.sim.history import OLD, RESTORED, History
from tests.sim.hooks import Ledger
from tests.sim.host import ARMED, DB, MEMBER, STATE, VOLUME, WAL, SimHost


@dataclass(frozen=True, slots=True)
class _OnDisk:
    """The state of a master's disk after ``changes`` changes."""

    changes: int
    is_kept: bool
    is_held: bool
    has_old_data: bool

    @property
    def is_free(self) -> bool:
        """Return True if its old data was kept, and no hold file stops etcd."""
        return self.is_kept and not self.is_held


TAKES_BACK = ("abort", "rollback")


@dataclass(slots=True)
class Undo:
    """A run that aborts, rolls back or finishes another run."""

    kind: str
    undone: str
    seen_equal: bool = False


class Witness:
    """Observe all masters and record each violation once."""

    def __init__(self, snapshot: History, snapshot_file: bytes, live: History) -> None:
        self._snapshot = snapshot
        self._snapshot_file = snapshot_file
        self._live = live
        self._masters: tuple[SimHost, ...] = ()
        self.hooks = Ledger(None, self.accuse, self._serving)
        self.violations: dict[str, None] = {}
        self.commands = 0
        self._disks: dict[str, _OnDisk] = {}
        self._begun: set[str] = set()
        self._runs: list[str] = []
        self._undos: dict[str, Undo] = {}
        self._removes = False
        self._seen: tuple[object, ...] = ()

    def watch(self, masters: Iterable[SimHost]) -> None:
        self._masters = tuple(masters)

    def _serving(self) -> list[str]:
        return [host.name for host in self._masters if host.etcd]

    def accuse(self, what: str) -> None:
        self.violations[what] = None

    def ran(self, command: tuple[str, ...], shown: bool) -> None:
        """Count a command, and report a violation if the plan does not show it."""
        self.commands += 1
        if not shown:
            self.accuse(f"it ran what the plan does not show: {' '.join(command)}")

    def act_begins(self, host: str, call: Call) -> None:
        """Check that an act runs once per attempt, and that only one run at a time changes the cluster."""
        marker = f"{host}: {call.run} {call.step} {call.attempt}"
        if marker in self._begun:
            self.accuse(f"an act runs twice: {marker}")
        self._begun.add(marker)
        if not call.step.startswith(("claim.", "attempt.")):
            self._works(call.run)
            self._watch_removals(call)
        if any(
            undo.undone == call.run and undo.kind != "finish" and self._is_taken(host, call.run)
            for undo in self._undos.values()
        ):
            self.accuse(f"{host}: {call.step} of a run begins that was taken back")

    def takes_over(self, plan: Plan, undone: str) -> None:
        """Register a run that undoes or finishes another one, before it begins."""
        self._undos[plan.run] = Undo(plan.kind, undone)

    @property
    def is_taken_back(self) -> bool:
        return any(undo.kind in TAKES_BACK for undo in self._undos.values())

    def _is_taken(self, host: str, run: str) -> bool:
        return any(it.name == host and it.disk.is_file(f"{STATE}/{run}/undone") for it in self._masters)

    def _works(self, run: str) -> None:
        """Check that one run at a time works. After a run that undoes it has begun, the first run never works again."""
        undo = self._undos.get(run)
        if run not in self._runs and (not self._runs or undo):
            self._runs.append(run)
        if self._runs[-1] != run:
            self.accuse(f"two runs are at work: {' and '.join(sorted({run, *self._runs}))}")

    def _watch_removals(self, call: Call) -> None:
        """Check that finish removes the old data only after it has seen that all members agree."""
        undo = self._undos.get(call.run)
        if undo and undo.kind == "finish" and call.step.startswith("release.remove"):
            self._removes = True
            if not undo.seen_equal:
                self.accuse("finish removes the old data, and has not seen all members agree")

    def etcd_starts(self, host: SimHost) -> None:
        """Check the start of an etcd pod, before the pod changes anything."""
        if host.works_on_data:
            self.accuse(f"{host.name}: etcd starts while {host.works_on_data} is at work on its data")
        if host.disk.is_file(ARMED):
            self.hooks.starts_restore(master.name for master in self._masters)
            if not self._all_are_committed():
                self.accuse(f"{host.name} starts its restore, not every master being committed")
        elif self._on_disk(host).is_kept and not self.is_committed(host) and not self._all_are_back():
            self.accuse(f"{host.name}: the old data comes up again after it was kept")

    def _all_are_committed(self) -> bool:
        return all(self.is_committed(master) for master in self._masters)

    def _all_are_back(self) -> bool:
        """Return True if a run was taken back and every master can start only from its old data."""
        return self.is_taken_back and all(self._is_back(master) for master in self._masters)

    def _is_back(self, host: SimHost) -> bool:
        return not host.disk.is_file(ARMED) and host.disk.is_file(DB) and self._is_old(host, MEMBER)

    def is_committed(self, host: SimHost) -> bool:
        """Return True if the right file is scheduled on the host, or is restored there."""
        if host.disk.is_file(ARMED):
            return host.disk.read(ARMED) == self._snapshot_file
        known = host.known()
        return known is not None and known.log == RESTORED

    def look(self) -> None:
        """Check all masters. Called after every command and every second."""
        self._see_whether_equal()
        seen = (
            self._removes,
            len(self._undos),
            *((it.disk.changes, it.log, it.works_on_data, it.api is None) for it in self._masters),
        )
        if seen == self._seen:
            return
        self._seen = seen
        logs = {host.etcd.log for host in self._masters if host.etcd}
        if len(logs) > 1:
            self.accuse(f"members of different histories serve at once: {' and '.join(sorted(logs))}")
        for host in self._masters:
            if host.api and host.etcd and host.api.cached_log != host.etcd.log:
                self.accuse(f"{host.name}: an API server from before serves its old cache on other data")
            if host.works_on_data and host.etcd:
                self.accuse(f"{host.name}: {host.works_on_data} is at work on the data of a running etcd")
            if host.vendor.idle and not host.etcd and host.disk.is_file(DB) and not host.disk.is_file(WAL):
                self.accuse(f"{host.name}: half a member lies where etcd would start")
            if self._on_disk(host).is_free and not (self._all_are_committed() or self._all_are_back()):
                self.accuse(f"{host.name} is free to start, not every master being committed")
            if not (self._removes or self._on_disk(host).has_old_data or (host.etcd and host.etcd.log == OLD)):
                self.accuse(f"{host.name}: the old data is nowhere to be found whole")

    def _see_whether_equal(self) -> None:
        """Record for a finish if all members have served the same data since it began."""
        for undo in self._undos.values():
            if undo.kind == "finish" and not undo.seen_equal:
                undo.seen_equal = len({host.etcd for host in self._masters}) == 1 and bool(self._masters[0].etcd)

    def _on_disk(self, host: SimHost) -> _OnDisk:
        """Return the state of a host's disk. Read it again only if the disk has changed."""
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
        except (KeyError, ValueError):
            return False
        return history.log == OLD and history.extends(self._live)


def is_restored(history: History | None, snapshot: History) -> bool:
    """Return True if a member has the snapshot's data, the writes after it, and nothing else."""
    return history is not None and history.log == RESTORED and history.extends(snapshot)
