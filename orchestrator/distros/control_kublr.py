"""Kublr's control plane: static pods of a kubelet. An agent supervises that kubelet; Docker is the runtime.

Source: the vendor's page "Backup and restore of etcd database", "Manually restoring a snapshot".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from orchestrator.core import timeouts
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host
from orchestrator.core.model.finding import Finding, block
from orchestrator.core.model.header import Values
from orchestrator.core.model.plan import Script
from orchestrator.distros import common
from orchestrator.distros.manifest import parse_api_manifest

OTHER_RUNTIMES = frozenset(("containerd", "crio", "cri-o"))
"""Runtimes that leave their containers running when they stop; Docker's own containerd is one of them."""

FACTS = {"lib/pod_facts.sh": "api_manifest api_port"}


class ControlKublr:
    """Implements ``distros.pair.ControlPart``."""

    api_apart = False
    ports: tuple[int, ...] = ()

    def values(self, host: Host) -> Values:
        return {"manifests": host.paths.manifests, "api_pods": "yes"}

    def read(self, host: Host, view: MasterView, facts: Mapping[str, str]) -> MasterView:
        api = common.with_port(parse_api_manifest(facts.get("api_manifest", "")), facts.get("api_port", ""))
        return replace(view, api=api, unfit=tuple(unfit(host, view)))

    def stop_units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        # kublr, then kubelet, then Docker: in this order nothing restarts what was stopped.
        return ((common.service(host.units.kublr),), (common.service(host.units.kubelet),))

    def down_units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        # Docker's socket would start Docker again.
        return ((host.units.runtime_socket, common.service(host.units.runtime)),)

    def ender(self, host: Host) -> str:
        return common.service(host.units.kubelet)

    def manifests(self, host: Host) -> tuple[str, ...]:
        return ()  # the manifests stay: kubelet is down

    def start_api(self, host: Host, view: MasterView, run: str) -> None:
        return None

    def start_controllers(self, host: Host, view: MasterView, run: str) -> None:
        return None

    def restart_services(self, host: Host) -> Script:
        (agent,), (kubelet,), runtime = (*self.stop_units(host), *self.down_units(host))
        values = {"agent": agent, "kubelet": kubelet, "runtime": runtime}
        return Script(file="workers/restart.sh", values=values, timeout_s=timeouts.STOP_UNIT_S, lets_go=True)


def unfit(host: Host, view: MasterView) -> Iterator[Finding]:
    """Find why a stop of Kublr's services would not stop the containers too."""
    runtime = host.units.runtime
    state = view.machine.units.get(f"{runtime}.service", "not-found")
    if runtime in OTHER_RUNTIMES or state in ("not-found", "masked") or "docker" in view.machine.missing_tools:
        yield block(
            "runtime",
            host.name,
            f"the container runtime is not Docker: the unit {runtime}.service is {state}",
            "only Docker stops its containers when it stops; set `units.runtime` if its unit has another name",
        )
    if view.machine.live_restore:
        yield block(
            "live-restore",
            host.name,
            "Docker keeps containers running when it stops (live-restore): etcd would keep running",
            'set "live-restore": false in /etc/docker/daemon.json, then: systemctl reload docker',
        )
    for unit in (host.units.kublr, host.units.kubelet):
        if view.machine.units.get(f"{unit}.service", "not-found") in ("not-found", "masked"):
            yield block("units", host.name, f"no unit {unit}.service", "set `units` in the inventory")
