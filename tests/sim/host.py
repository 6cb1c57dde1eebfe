"""One simulated machine: its disk, its units, its etcd pod, and the acts that laptops send to it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from tests.sim.acts import Acts, Call
from tests.sim.clock import FOR_EVER_S
from tests.sim.disk import Disk
from tests.sim.history import EMPTY, HALF, RESTORED, History, from_file, to_file
from tests.sim.units import DOCKER, KUBELET, SOCKET, Units

STATE = "/var/lib/orchestrator"
VOLUME = "/mnt/master-pd"
DATA = f"{VOLUME}/etcd"
MEMBER = f"{DATA}/member"
DB, WAL = f"{MEMBER}/snap/db", f"{MEMBER}/wal/0.wal"
ARMED = f"{DATA}/restore.db"
BOOT_S = 20.0
DOCKER_ASKED_EVERY_S = 5
POD_S, RESTORE_S = 1.0, 2.0


@dataclass(frozen=True, slots=True)
class Vendor:
    """The vendor's behaviour that its documentation does not describe. The defaults are the worst case."""

    ignores_restore: bool = False
    leaves_restore_db: bool = False
    keeps_old_data: bool = False
    live_restore: bool = False  # Docker's option: containers continue without it
    api_outlives: bool = True  # an API server that hangs at shutdown outlives Docker: only our signal ends it
    fresh_token: bool = False
    idle: bool = False  # the manual strategy restores, without the vendor's software


class Witness(Protocol):
    """Observer of a host: it gets the events that violate an invariant if they occur at the wrong time."""

    def etcd_starts(self, host: SimHost) -> None: ...

    def act_begins(self, host: str, call: Call) -> None: ...


@dataclass(slots=True)
class Pod:
    """The pod of etcd: it restores a scheduled snapshot, then runs etcd."""

    ready_at_s: float
    restores: bool
    etcd: History | None = None


@dataclass(slots=True)
class ApiServer:
    """One API server process. Its port closes when etcd ends or when it gets a signal; its cache does not change."""

    cached_log: str
    port_is_open: bool = True


class SimHost:
    """A master or a worker. Only ``reboot``, the ticks of the world and the programs that it runs change it."""

    def __init__(self, name: str, *, is_master: bool, vendor: Vendor, witness: Witness) -> None:
        self.name = name
        self.is_master = is_master
        self.vendor = vendor
        self.disk = Disk()
        self.units = Units(self.disk)
        self.acts = Acts(self.disk, STATE, lambda call: witness.act_begins(name, call))
        self.pod: Pod | None = None
        self.api: ApiServer | None = None
        self.is_up = True
        self.is_reachable = True
        self.booted_at_s = 0.0
        self.alive_at_s = 0.0
        self.works_on_data = ""
        self._boots_at_s = 0.0
        self.first_inode = 0
        self._witness = witness

    @property
    def answers(self) -> bool:
        """Return True if the laptop can reach it."""
        return self.is_up and self.is_reachable

    @property
    def etcd(self) -> History | None:
        return self.pod.etcd if self.pod else None

    @property
    def log(self) -> str:
        """Return the raft log that its etcd serves; empty if etcd does not run."""
        return self.pod.etcd.log if self.pod and self.pod.etcd else ""

    def set_etcd(self, history: History) -> None:
        """Set the data of a running member."""
        assert self.pod
        self.pod.etcd = history

    @property
    def pods_run(self) -> bool:
        """Return True if the pods of a master run. An API server is one of them."""
        return self.is_master and self.etcd is not None

    def known(self) -> History | None:
        """Return the data of this master's member folder, whether etcd runs or not."""
        if self.etcd:
            return self.etcd
        try:
            return self.load(MEMBER) if self.disk.is_file(DB) else None
        except ValueError:  # incomplete
            return None

    def load(self, member: str) -> History:
        """Return what an etcd reads from a member folder. Without its raft log a database starts, with wrong data."""
        history = from_file(self.disk.read(f"{member}/snap/db"))
        if not self.disk.is_file(f"{member}/wal/0.wal"):
            return replace(history, log=HALF)
        return replace(history, log=self.disk.text(f"{member}/wal/0.wal"))

    @contextmanager
    def at_work(self, step: str) -> Iterator[None]:
        """Mark the time in which an act reads or changes etcd's files."""
        self.works_on_data = step
        try:
            yield
        finally:
            self.works_on_data = ""

    # --- power ------------------------------------------------------------------------------------------

    def reboot(self, now_s: float, *, in_good_order: bool = False) -> None:
        """End all processes at once, and boot ``BOOT_S`` seconds later."""
        self._end_pod()
        self.api = None
        if not in_good_order:
            self.disk.cut_power()
        self.acts.power_off()
        self.units.power_off()
        self.works_on_data = ""
        self.is_up = False
        self._boots_at_s = now_s + BOOT_S

    def destroy(self) -> None:
        self.reboot(FOR_EVER_S)

    def tick(self, now_s: float) -> None:
        """Let one second pass."""
        if not self.is_up:
            if now_s < self._boots_at_s:
                return
            self.is_up, self.booted_at_s = True, now_s
            self.units.boot(now_s)
        self.units.supervise(now_s, docker_is_asked_for=int(now_s) % DOCKER_ASKED_EVERY_S == 0)
        self.end_containers()
        if not self.is_master:
            return
        if self.pod is None and self.units.is_active(DOCKER) and self.units.is_active(KUBELET):
            self._begin_pod(now_s)
        elif self.pod and self.pod.etcd is None and now_s >= self.pod.ready_at_s:
            self._run_etcd(self.pod)
        elif self.pod and self.pod.etcd and self.api is None and self.units.is_active(KUBELET):
            self.api = ApiServer(self.pod.etcd.log)

    def end_containers(self) -> None:
        """End the containers if Docker has ended, unless live-restore is set."""
        if self.pod and not self.units.is_active(DOCKER) and not self.vendor.live_restore:
            self._end_pod()
            self._end_api()

    def _end_api(self) -> None:
        if self.api and self.vendor.api_outlives:
            self.api.port_is_open = False
        else:
            self.api = None

    def wake_docker(self, now_s: float) -> None:
        """Start Docker by its socket, as a call of its command line does."""
        if self.units.is_active(SOCKET):
            self.units.start(DOCKER, now_s)

    # --- the pod ----------------------------------------------------------------------------------------

    def _begin_pod(self, now_s: float) -> None:
        restores = self.disk.is_file(ARMED) and not self.vendor.ignores_restore
        self.pod = Pod(now_s + (RESTORE_S if restores else POD_S), restores)
        self._witness.etcd_starts(self)
        if restores:
            if self.vendor.keeps_old_data and self.disk.is_file(DB):
                self.disk.move(MEMBER, f"{DATA}/member.old-{int(now_s)}")
            self.disk.remove(MEMBER)
            self.disk.create(DB, self.disk.read(ARMED))  # incomplete: the raft log is written last

    def _run_etcd(self, pod: Pod) -> None:
        try:
            if pod.restores and self.disk.is_file(ARMED):
                self._restore()
            if not self.disk.is_file(DB):
                self.disk.create(DB, to_file(History("new", EMPTY, ())))
                self.disk.create(WAL, EMPTY)
            pod.etcd = self.load(MEMBER)
        except ValueError:  # half a snapshot, or a damaged database: the pod ends and starts again
            self.pod = None

    def _restore(self) -> None:
        snapshot = self.disk.read(ARMED)
        old = from_file(snapshot)
        token = f"{zlib.crc32(snapshot):x}" if self.vendor.fresh_token else old.cluster_id
        self.disk.write(DB, to_file(replace(old, cluster_id=token, log=RESTORED)))
        self.disk.create(WAL, RESTORED)
        if not self.vendor.leaves_restore_db:
            self.disk.remove(ARMED)

    def _end_pod(self) -> None:
        """End the pod in any way. The member keeps all acknowledged writes for its next start."""
        if self.etcd:
            self.disk.write(DB, to_file(self.etcd))
        self.pod = None
