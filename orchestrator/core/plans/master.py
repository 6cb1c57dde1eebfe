"""One master as plans see it, and the small pieces of which phases are made."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from orchestrator.core import timeouts
from orchestrator.core.hosts.view import EtcdConfig, MasterView
from orchestrator.core.inventory.inventory import Host, Inventory
from orchestrator.core.model.plan import Call, Exec, Judge, Look, Order, Phase, PhaseName, Probe, Push, Script, Step
from orchestrator.core.runs.phases import PHASES
from orchestrator.core.snapshots.locations import OnHost
from orchestrator.etcd.snapshot import SnapshotFacts


@dataclass(frozen=True, slots=True)
class Master:
    """One master with what the planner needs to know of it."""

    host: Host
    view: MasterView
    etcd: EtcdConfig
    run: str

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def state(self) -> str:
        return self.host.paths.state

    @property
    def folder(self) -> str:
        """The run's folder on this host."""
        return f"{self.state}/{self.run}"

    @property
    def snapshot(self) -> str:
        return f"{self.folder}/snapshot.db"

    @property
    def kept(self) -> str:
        """Where the old member folder is copied: beside the volume, or inside it where that is its own filesystem."""
        return f"{self.etcd.data}.kr-{self.run}" if self.view.keeps_beside else f"{self.etcd.data}/.kr-{self.run}"

    @property
    def kept_wal(self) -> str:
        """Where the old log goes, if it lies apart: within its folder, which may be mounted by itself."""
        return f"{self.etcd.wal_dir}/.kr-{self.run}" if self.etcd.wal_dir else ""

    @property
    def wal_and_kept(self) -> tuple[str, ...]:
        """A log that lies apart, and where it is kept; nothing without such a log."""
        return (self.etcd.wal_dir, self.kept_wal) if self.etcd.wal_dir else ()

    @property
    def kept_words(self) -> str:
        """Where the old data goes, and how."""
        apart = f"; its log, file by file, in {self.kept_wal}" if self.etcd.wal_dir else ""
        return f"in {self.kept}, by a rename{apart}"

    @property
    def staged(self) -> str:
        """Where the manual strategy restores to: beside the live folder, so that a rename puts it in its place."""
        return f"{posixpath.dirname(self.etcd.member_path)}/.kr-{self.run}.staged"

    @property
    def staged_wal(self) -> str:
        return f"{self.kept_wal}.staged" if self.etcd.wal_dir else ""

    @property
    def tool(self) -> str:
        """The run's own copy of etcd's restore tool."""
        return f"{self.folder}/etcdutl"

    @property
    def program(self) -> str:
        """etcd itself: on the host, or the run's own copy."""
        return self.etcd.program or f"{self.folder}/etcd"

    @property
    def left_by_join(self) -> tuple[str, ...]:
        """What ``join.sh`` and the step before it leave where they do not come to their end: the log that etcd writes
        first, which etcd begins as `.tmp` (etcd 3.5, server/storage/wal/wal.go), its clients' socket, and a program."""
        program = () if self.etcd.program else (self.program, f"{self.program}.part")
        log = (self.staged_wal, f"{self.staged_wal}.tmp") if self.staged_wal else ()
        return (*log, f"{posixpath.dirname(self.etcd.member_path)}/kr-{self.run}:0", *program)

    @property
    def certificates(self) -> tuple[str, ...]:
        peer, client = self.etcd.peer_tls, self.etcd.client_tls
        return (peer.ca, peer.cert, peer.key, client.ca, client.cert, client.key)


@dataclass(frozen=True, slots=True)
class ApiHost:
    """One host with an API server and no etcd member: stopped, held and started with the masters."""

    host: Host
    view: MasterView

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def state(self) -> str:
        return self.host.paths.state


Machine = TypeVar("Machine", Master, ApiHost, Master | ApiHost)


def api_hosts_of(inventory: Inventory, views: Mapping[str, MasterView]) -> tuple[ApiHost, ...]:
    """All of them; none where the masters carry the API servers."""
    return tuple(ApiHost(host, views[host.name]) for host in inventory.api_hosts)


def masters_of(inventory: Inventory, views: Mapping[str, MasterView], run: str) -> tuple[Master, ...]:
    """All masters of the inventory. Their configurations are known: one that cannot be read blocks the plan."""
    found = []
    for host in inventory.masters:
        etcd = views[host.name].etcd
        assert etcd is not None
        found.append(Master(host, views[host.name], etcd, run))
    return tuple(found)


def claim_phase(masters: Iterable[Master], laptop: str) -> Phase:
    """One after another, in the same order on every laptop: of two that race, one stops at the first host."""
    ordered = sorted(masters, key=lambda master: master.name)

    def claimed(master: Master) -> Script:
        return look("claimed.sh", master.state, master.run)

    steps = tuple(
        script_step(
            "claim.take",
            master,
            "take the host",
            "claim.sh",
            laptop,
            done_if=one(master, claimed(master)),  # a claim that was taken may have been given back since
            rerunnable=True,
        )
        for master in ordered
    )
    barrier = all_of(ordered, claimed)
    return make_phase(PhaseName.CLAIM, steps, order=Order.SEQUENCE, barrier=barrier)


def release_step(master: Master) -> Step:
    """Gives a host back to the next run."""
    return script_step("release.claim", master, "give the host back", "release.sh", rerunnable=True)


def push_step(name: str, master: Master, snapshot: SnapshotFacts, title: str, origin: OnHost | None = None) -> Step:
    """Brings the snapshot into the run's folder: from the master that has it already, where there is one."""
    act: Script | Push
    if origin and origin.host == master.name:
        title += ", which lies on this host"
        act = Script(file="copy.sh", args=(origin.path, master.snapshot, snapshot.sha256), timeout_s=timeouts.COPY_S)
    else:
        act = Push(
            source_host=origin.host if origin else "",
            source_path=origin.path if origin else "",
            path=master.snapshot,
            sha256=snapshot.sha256,
            size_bytes=snapshot.size_bytes,
        )
    return Step(
        id=f"{name}/{master.name}",
        host=master.name,
        title=title,
        act=act,
        rerunnable=True,
        undo="remove the copy",
    )


def make_phase(
    name: PhaseName,
    steps: tuple[Step, ...],
    *,
    order: Order = Order.PARALLEL,
    requires: Probe | None = None,
    barrier: Probe | None = None,
    title: str = "",
    note: str = "",
) -> Phase:
    rule = PHASES[name]
    return Phase(
        name=name,
        title=title or rule.title,
        steps=steps,
        order=order,
        requires=requires,
        barrier=barrier,
        destructive=rule.destructive,
        note=note,
    )


def look(file: str, *args: str, timeout_s: float = timeouts.LOOK_S) -> Script:
    return Script(file=file, args=args, timeout_s=timeout_s)


def one(master: Master | ApiHost, call: Call, *, wait_s: float = 0.0) -> Probe:
    return Probe(looks=(Look(host=master.name, call=call),), wait_s=wait_s)


def all_of(
    masters: Iterable[Machine], call: Callable[[Machine], Exec | Script], *, wait_s: float = 0.0, dwell_s: float = 0.0
) -> Probe:
    looks = tuple(Look(host=master.name, call=call(master)) for master in masters)
    return Probe(looks=looks, wait_s=wait_s, dwell_s=dwell_s)


def equal(masters: Iterable[Master], expect: dict[str, str]) -> Probe:
    """Whether the members hold the same, with a quorum: `core.proof.agreement` says what is compared and expected."""
    looks = tuple(Look(host=master.name, call=_agree(master)) for master in masters)
    return Probe(looks=looks, judge=Judge.EQUAL, wait_s=timeouts.PROVEN_WAIT_S, expect=expect)


def _agree(master: Master) -> Script:
    etcd = master.etcd
    where = (etcd.data, etcd.member_path, etcd.peer_url, etcd.client_url, etcd.address)
    return look("agree.sh", master.state, master.run, *where, *master.certificates)


def script_step(
    name: str,
    master: Master | ApiHost,
    title: str,
    file: str,
    *args: str,
    timeout_s: float = timeouts.MARK_S,
    requires: Probe | None = None,
    done_if: Probe | None = None,
    rerunnable: bool = False,
    undo: str = "",
) -> Step:
    return Step(
        id=f"{name}/{master.name}",
        host=master.name,
        title=title,
        act=Script(file=file, args=args, timeout_s=timeout_s),
        requires=requires,
        done_if=done_if,
        rerunnable=rerunnable,
        undo=undo,
    )


def call_step(name: str, master: Master | ApiHost, title: str, act: Exec | Script) -> Step:
    """A step that may be done twice, and is not looked at: what follows it is."""
    return Step(id=f"{name}/{master.name}", host=master.name, title=title, act=act, rerunnable=True)


def plain(unit: str) -> str:
    return unit.removesuffix(".service")
