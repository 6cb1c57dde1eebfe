"""A distribution as a pair: how etcd is installed, and what runs the control plane. The two vary independently.

kubespray, for example, runs etcd as a unit and the API servers as static pods. Nothing outside ``distros/`` asks
which part a distribution has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from orchestrator.core import timeouts
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host, Role
from orchestrator.core.model.header import Values
from orchestrator.core.model.plan import Exec, Script
from orchestrator.distros import common

MEMBER_ROLES = (Role.MASTER, Role.LEFT_OUT)


class EtcdPart(Protocol):
    """How etcd is installed on a master."""

    aided: bool
    """Whether a vendor's agent can do the restore."""

    staggers: bool
    """Whether members start one after the other."""

    def values(self, host: Host) -> Values:
        """Return the values that `observe/host.sh` needs to find this master's etcd."""
        ...

    def read(self, host: Host, view: MasterView, facts: Mapping[str, str]) -> MasterView:
        """Add the member to the view; add what cannot be read to the view's faults."""
        ...

    def units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        """Return the units to stop and hold for etcd alone."""
        ...

    def manifests(self, host: Host) -> tuple[str, ...]:
        """Return the manifests of its static pods in the folder of manifests."""
        ...

    def start(self, host: Host) -> Exec:
        """Start etcd, or the unit that starts everything else; return before it is up."""
        ...

    def take_snapshot(self, host: Host, view: MasterView) -> Script:
        """Take a safety snapshot from a member that still answers."""
        ...

    def schedule(self, host: Host, view: MasterView, snapshot: str, sha256: str) -> Script:
        """Make the vendor's agent restore at the next start of etcd."""
        ...

    def replace_member(self, view: MasterView) -> tuple[str, Script]:
        """Make the vendor's agent discard this member and join it again."""
        ...


class ControlPart(Protocol):
    """How API server, controller-manager and scheduler are installed."""

    api_apart: bool
    """Whether API servers may have hosts of their own."""

    ports: tuple[int, ...]
    """The ports of controller-manager and scheduler, if they are stopped separately from the runtime."""

    def values(self, host: Host) -> Values:
        """Return the values that `observe/host.sh` needs to find this host's API server."""
        ...

    def read(self, host: Host, view: MasterView, facts: Mapping[str, str]) -> MasterView:
        """Add the API server to the view; add what is missing to the view's ``faults`` or ``unfit``."""
        ...

    def stop_units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        """Return the units to stop and hold before etcd ends, in the order of stopping."""
        ...

    def down_units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        """Return the units to stop and hold after etcd's own, in the order of stopping."""
        ...

    def ender(self, host: Host) -> str:
        """Return the unit that ends the containers of static pods; empty if there is none."""
        ...

    def manifests(self, host: Host) -> tuple[str, ...]:
        """Return the manifests of its static pods in the folder of manifests."""
        ...

    def start_api(self, host: Host, view: MasterView, run: str) -> Exec | Script | None:
        """Start the API server; None if it starts together with etcd."""
        ...

    def start_controllers(self, host: Host, view: MasterView, run: str) -> Exec | Script | None:
        """Start controller-manager and scheduler; None if they start together with etcd."""
        ...

    def restart_services(self, host: Host) -> Exec | Script:
        """Restart a worker's services without a reboot."""
        ...


@dataclass(frozen=True, slots=True)
class Pair:
    """Implements ``core.hosts.distro.Distro``."""

    etcd: EtcdPart
    control: ControlPart
    rejoin: str
    default_units: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def aided(self) -> bool:
        return self.etcd.aided

    @property
    def api_apart(self) -> bool:
        return self.control.api_apart

    @property
    def staggers(self) -> bool:
        return self.etcd.staggers

    @property
    def controller_ports(self) -> tuple[int, ...]:
        return self.control.ports

    def look_at_host(self, host: Host) -> Script:
        units = tuple(unit for group in (*self.stop_units(host), *self.down_units(host)) for unit in group)
        etcd = self.etcd.values(host) if host.role in MEMBER_ROLES else {}
        control = self.control.values(host) if host.role is not Role.WORKER else {}
        values = {"state": host.paths.state, "hosts": host.paths.hosts, **etcd, **control, "units": units}
        return Script(file="observe/host.sh", values=values, timeout_s=timeouts.LOOK_S)

    def read_host(self, host: Host, facts: dict[str, str], clock_offset_s: float) -> MasterView:
        view = common.read_basics(host, facts, clock_offset_s)
        if host.role is Role.WORKER:
            return view
        view = self.control.read(host, view, facts)
        return self.etcd.read(host, view, facts) if host.role in MEMBER_ROLES else view

    def look_at_volume(self, host: Host, view: MasterView) -> Script | None:
        return common.look_at_volume(host, view)

    def read_volume(self, view: MasterView, facts: dict[str, str]) -> MasterView:
        return common.read_volume(view, facts)

    def stop_units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        return self.control.stop_units(host)

    def down_units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        etcd = self.etcd.units(host) if host.role in MEMBER_ROLES else ()
        return (*etcd, *self.control.down_units(host))

    def withdraw_api(self, host: Host, run: str) -> Script | None:
        files = self.control.manifests(host)
        return common.move("stop/pods.sh", host, run, *files) if files else None

    def withdraw_etcd(self, host: Host, run: str) -> Script | None:
        files = self.etcd.manifests(host)
        return common.move("down/pods.sh", host, run, *files) if files else None

    def ender(self, host: Host) -> str:
        return self.control.ender(host)

    def admit(self, host: Host, view: MasterView, run: str) -> Script | None:
        files = self.etcd.manifests(host)
        return common.move("start/admit.sh", host, run, *files) if files else None

    def take_snapshot(self, host: Host, view: MasterView) -> Script:
        return self.etcd.take_snapshot(host, view)

    def schedule(self, host: Host, view: MasterView, snapshot: str, sha256: str) -> Script:
        return self.etcd.schedule(host, view, snapshot, sha256)

    def replace_member(self, view: MasterView) -> tuple[str, Script]:
        return self.etcd.replace_member(view)

    def start(self, host: Host, view: MasterView) -> Exec:
        return self.etcd.start(host)

    def start_api(self, host: Host, view: MasterView, run: str) -> Exec | Script | None:
        return self.control.start_api(host, view, run)

    def start_controllers(self, host: Host, view: MasterView, run: str) -> Exec | Script | None:
        return self.control.start_controllers(host, view, run)

    def restart_services(self, host: Host) -> Exec | Script:
        return self.control.restart_services(host)
