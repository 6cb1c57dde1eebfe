"""The interface of a distribution. Implementations are pure: intent -> commands, output -> facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host
from orchestrator.core.model.plan import Exec, Script


class Distro(Protocol):
    """One way in which etcd, the API server and their supervisor are installed."""

    @property
    def aided(self) -> bool:
        """Whether a vendor's agent can restore on request."""
        ...

    @property
    def default_units(self) -> Mapping[str, str]:
        """Names of units by their key in an inventory, if they differ. What an inventory says wins."""
        ...

    @property
    def api_apart(self) -> bool:
        """Whether API servers may have hosts of their own."""
        ...

    @property
    def staggers(self) -> bool:
        """Whether members start one after the other. Members that check one another at start wait for those that
        start at the same time (etcd 3.5, server/etcdserver/corrupt.go, InitialCheck)."""
        ...

    @property
    def controller_ports(self) -> tuple[int, ...]:
        """The ports of controller-manager and scheduler, if they are stopped separately from the runtime."""
        ...

    @property
    def rejoin(self) -> str:
        """How a left-out master joins again on an empty disk: the end of a sentence for the operator."""
        ...

    def look_at_host(self, host: Host) -> Script:
        """The first look: everything that needs no knowledge of this host."""
        ...

    def read_host(self, host: Host, facts: dict[str, str], clock_offset_s: float) -> MasterView:
        """The first look's facts -> a view without the volume. The view's ``faults`` say what could not be read."""
        ...

    def look_at_volume(self, host: Host, view: MasterView) -> Script | None:
        """The second look, at the data volume that the first one found; None if it found none."""
        ...

    def read_volume(self, view: MasterView, facts: dict[str, str]) -> MasterView:
        """The view, completed by the second look's facts."""
        ...

    def stop_units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        """The units that end before etcd does, in the order of stopping; those of one group together."""
        ...

    def down_units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        """The units that end with etcd or after it, in the order of stopping; those of one group together."""
        ...

    def withdraw_api(self, host: Host, run: str) -> Script | None:
        """Static pods: moves the manifests of API server and controllers out of kubelet's sight; None without such.
        ``run`` names the folder where they are meanwhile."""
        ...

    def withdraw_etcd(self, host: Host, run: str) -> Script | None:
        """Static pods: moves etcd's own manifest there; None without such."""
        ...

    def ender(self, host: Host) -> str:
        """The unit that ends the static pods' containers; empty if systemd ends everything."""
        ...

    def admit(self, host: Host, view: MasterView, run: str) -> Script | None:
        """Moves etcd's manifest alone back, before any unit is started; None if it was not moved."""
        ...

    def take_snapshot(self, host: Host, view: MasterView) -> Script:
        """Takes a safety snapshot of the member on this host."""
        ...

    def schedule(self, host: Host, view: MasterView, snapshot: str, sha256: str) -> Script:
        """Aided strategy: has the vendor's agent schedule the restore for the next start of etcd."""
        ...

    def replace_member(self, view: MasterView) -> tuple[str, Script]:
        """Aided strategy: the title and the script of the step that has the vendor's agent discard one member and let
        it join the others again. The script returns before that is done."""
        ...

    def start(self, host: Host, view: MasterView) -> Exec:
        """Starts etcd, or the unit that starts everything else. Returns before it is up."""
        ...

    def start_api(self, host: Host, view: MasterView, run: str) -> Exec | Script | None:
        """Starts the API server after etcd is proven; None if it starts with etcd."""
        ...

    def start_controllers(self, host: Host, view: MasterView, run: str) -> Exec | Script | None:
        """Starts controller-manager and scheduler after the workers are Ready; None if they start earlier."""
        ...

    def restart_services(self, host: Host) -> Exec | Script:
        """Restarts a worker's services without a reboot."""
        ...
