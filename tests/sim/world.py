"""The simulated cluster: its hosts, its etcd, and the API servers that write to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from orchestrator.core.inventory.inventory import Inventory
from tests.sim.clock import EPOCH
from tests.sim.history import History
from tests.sim.host import SimHost
from tests.sim.invariants import Witness
from tests.sim.units import KUBELET

LEASE_S, EVENT_S, COMPACT_S = 10, 5, 300


@dataclass(slots=True)
class World:
    """All hosts by name, and what happens between them. ``witness`` observes everything."""

    inventory: Inventory
    hosts: dict[str, SimHost]
    witness: Witness
    laptops: int = 0
    pause_s: float = 300.0
    in_the_pause: Callable[[World], None] | None = None
    lost: set[str] = field(default_factory=set)
    _masters: list[SimHost] = field(init=False)
    _most: int = field(init=False)
    _api_since_s: int | None = None
    _compacts_to: int = -1

    def __post_init__(self) -> None:
        self._masters = [host for host in self.hosts.values() if host.is_master]
        self._most = len(self._masters) // 2 + 1

    @property
    def masters(self) -> list[SimHost]:
        """Return the masters that are not lost for good."""
        return self._masters

    def lose(self, name: str) -> None:
        """Lose a machine and its disk for good."""
        self.lost.add(name)
        self._masters = [host for host in self._masters if host.name != name]
        self.hosts[name].destroy()
        self.witness.watch(self.masters)

    @property
    def workers(self) -> list[SimHost]:
        return [host for host in self.hosts.values() if not host.is_master]

    # --- etcd -------------------------------------------------------------------------------------------

    def quorum(self) -> list[SimHost]:
        """Return the members that form a cluster if enough of them run under one id, else an empty list."""
        running: dict[str, list[SimHost]] = {}
        for host in self.masters:
            if host.is_up and (etcd := host.etcd):
                running.setdefault(etcd.cluster_id, []).append(host)
        return next((members for members in running.values() if len(members) >= self._most), [])

    def has_quorum(self, host: SimHost) -> bool:
        return host in self.quorum()

    def api_ready(self, host: SimHost) -> bool:
        return host.pods_run and self.has_quorum(host)

    def _replicate(self, members: list[SimHost]) -> None:
        """Copy the longest log to the other members, even if its member is stale."""
        known = [host.etcd for host in members if host.etcd]
        newest = max(known, key=lambda history: history.revision)
        if any(history.writes is not newest.writes for history in known):
            self._apply(members, newest)

    def _apply(self, members: list[SimHost], newest: History) -> None:
        """Give all members the same data. Each one keeps its own raft log."""
        for host in members:
            assert host.etcd
            host.set_etcd(newest.in_log(host.etcd.log))

    def _write(self, members: list[SimHost], texts: Iterable[str]) -> None:
        history = members[0].etcd
        assert history
        self._apply(members, history.write(*texts))

    def _compact(self, members: list[SimHost]) -> None:
        """Compact as the API server does every five minutes: to the revision that was newest five minutes ago."""
        history = members[0].etcd
        assert history
        self._apply(members, history.compact(self._compacts_to))
        self._compacts_to = history.revision

    # --- time -------------------------------------------------------------------------------------------

    def tick(self, now_s: float) -> None:
        """Let one second pass on all hosts."""
        for host in self.hosts.values():
            host.tick(now_s)
        members = self.quorum()
        if members:
            self._replicate(members)
            self._serve(members, int(now_s))
        else:
            self._api_since_s, self._compacts_to = None, -1
        self.witness.look()

    def _serve(self, members: list[SimHost], second: int) -> None:
        """Write and compact as the API servers do."""
        self._api_since_s = second if self._api_since_s is None else self._api_since_s
        if second % EVENT_S == 0:
            beat = int(EPOCH.timestamp() + second)
            alive = [host for host in self.workers if second % LEASE_S == 0 and host.units.is_active(KUBELET)]
            self._write(members, [f"events/{second} x", *(f"leases/{host.name} {beat}" for host in alive)])
        if second > self._api_since_s and (second - self._api_since_s) % COMPACT_S == 0:
            self._compact(members)

    def live(self) -> None:
        """Start the ticks, one per second. They continue as long as the event loop runs."""
        loop = asyncio.get_running_loop()

        def second() -> None:
            self.tick(loop.time())
            loop.call_later(1, second)

        loop.call_later(1, second)
