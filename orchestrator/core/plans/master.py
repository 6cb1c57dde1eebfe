"""A master, and a host with an API server alone, as plans need them: paths, names, programs."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from orchestrator.core.hosts.view import EtcdConfig, MasterView
from orchestrator.core.inventory.inventory import Host, Inventory


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
        """The path of the old member folder: next to the data folder, or in it if that is its own filesystem."""
        return (
            f"{self.etcd.data}.kr-{self.run}" if self.view.volume.keeps_beside else f"{self.etcd.data}/.kr-{self.run}"
        )

    @property
    def kept_wal(self) -> str:
        """The path of the old log, if it is outside the data: in the log's own folder, which may be a mount point."""
        return f"{self.etcd.wal_dir}/.kr-{self.run}" if self.etcd.wal_dir else ""

    @property
    def wal_and_kept(self) -> tuple[str, ...]:
        """The path of a log outside the data, and the path where it is kept; empty if there is no such log."""
        return (self.etcd.wal_dir, self.kept_wal) if self.etcd.wal_dir else ()

    @property
    def kept_words(self) -> str:
        """Where the old data is kept, and how, in words."""
        apart = f"; its log, file by file, to {self.kept_wal}" if self.etcd.wal_dir else ""
        return f"{self.kept}, by a rename{apart}"

    @property
    def staged(self) -> str:
        """The folder that the manual strategy restores to: next to the live one, so that a rename is enough."""
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
        """The path of etcd's program: the host's own, or the run's copy."""
        return self.etcd.program or f"{self.folder}/etcd"

    @property
    def left_by_join(self) -> tuple[str, ...]:
        """The paths that ``join.sh`` and the step before it leave if they do not finish: the log that etcd writes
        first, which begins as `.tmp` (etcd 3.5, server/storage/wal/wal.go), the client socket, and a program."""
        program = () if self.etcd.program else (self.program, f"{self.program}.part")
        log = (self.staged_wal, f"{self.staged_wal}.tmp") if self.staged_wal else ()
        return (*log, f"{posixpath.dirname(self.etcd.member_path)}/kr-{self.run}:0", *program)

    @property
    def certificates(self) -> tuple[str, ...]:
        peer, client = self.etcd.peer_tls, self.etcd.client_tls
        return (peer.ca, peer.cert, peer.key, client.ca, client.cert, client.key)


@dataclass(frozen=True, slots=True)
class ApiHost:
    """A host with an API server and without an etcd member. It is stopped, held and started with the masters."""

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
    """The hosts with an API server alone; empty if the masters have the API servers."""
    return tuple(ApiHost(host, views[host.name]) for host in inventory.api_hosts)


def masters_of(inventory: Inventory, views: Mapping[str, MasterView], run: str) -> tuple[Master, ...]:
    """All masters of the inventory. Their configurations are known: an unreadable one blocks the plan."""
    found = []
    for host in inventory.masters:
        etcd = views[host.name].member.config
        assert etcd is not None
        found.append(Master(host, views[host.name], etcd, run))
    return tuple(found)
