"""An outside view of a restore: when the first service went down, and when the last member had the right data again.

It asks systemd and the members' peer ports, and knows nothing about the contender. All times are seconds of the
monotonic clock, which the lab's hosts share with this machine.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.bench.cluster import Cluster
from tests.lab.commands import LabError
from tests.lab.hosts import MASTERS

POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Seen:
    """The times that an observer saw.

    ``stopped_s``: the agent of the first master left the active state; ``quiet_s``: the last runtime was down;
    ``started_s``: the last agent was up again; ``restored_s``: the last member showed the snapshot's HashKV.
    """

    stopped_s: float
    quiet_s: float
    started_s: float
    restored_s: float

    @property
    def outage_s(self) -> float:
        return self.restored_s - self.stopped_s


@dataclass(slots=True)
class Observer:
    cluster: Cluster
    _over: threading.Event = field(default_factory=threading.Event)
    _gone: set[str] = field(default_factory=set)
    _restored_s: dict[str, float] = field(default_factory=dict)

    def seen(self) -> Seen:
        """Return what happened. Raises LabError if a member was never down, or did not return with the right data."""
        for master in MASTERS:
            if master.name not in self._restored_s:
                raise LabError(f"{master.name} was not seen to go and to come back restored")
        agents = [self._unit_times(master.name, "kublr.service") for master in MASTERS]
        runtimes = [self._unit_times(master.name, "docker.service") for master in MASTERS]
        return Seen(
            stopped_s=min(times["ActiveExitTimestampMonotonic"] for times in agents),
            quiet_s=max(times["InactiveEnterTimestampMonotonic"] for times in runtimes),
            started_s=max(times["ActiveEnterTimestampMonotonic"] for times in agents),
            restored_s=max(self._restored_s.values()),
        )

    def _unit_times(self, host: str, unit: str) -> dict[str, float]:
        lines = self.cluster.lab.exec(host, ["systemctl", "show", unit]).splitlines()
        times = (line.split("=", 1) for line in lines if line.split("=", 1)[0].endswith("TimestampMonotonic"))
        return {name: int(value) / 1e6 for name, value in times}

    def watch(self, host: str) -> None:
        """Poll one member until it has been down and is back with the right data."""
        while not self._over.is_set() and host not in self._restored_s:
            try:
                shown = self.cluster.lab.hashkv(host, self.cluster.revision).hash
            except (OSError, http.client.HTTPException):
                self._gone.add(host)
            except LabError:
                pass  # it answers, but not at this revision
            else:
                if host in self._gone and shown == self.cluster.hash_kv:
                    self._restored_s[host] = time.monotonic()
            self._over.wait(POLL_S)

    def stop(self) -> None:
        """Ask every member once more, then end."""
        deadline = time.monotonic() + 10 * POLL_S
        while len(self._restored_s) < len(MASTERS) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        self._over.set()


@contextmanager
def observing(cluster: Cluster) -> Iterator[Observer]:
    """Watch all masters for the duration of the block."""
    observer = Observer(cluster)
    threads = [threading.Thread(target=observer.watch, args=(master.name,)) for master in MASTERS]
    for thread in threads:
        thread.start()
    try:
        yield observer
    finally:
        observer.stop()
        for thread in threads:
            thread.join()
