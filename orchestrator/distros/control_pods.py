"""The control plane as static pods of an ordinary kubelet. The runtime stays up: without manifests no pod restarts.

Source: Kubernetes documentation, "Creating Highly Available Clusters with kubeadm" and "Ports and Protocols".
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import replace

from orchestrator.core import timeouts
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host
from orchestrator.core.model.finding import Finding
from orchestrator.core.model.header import Values
from orchestrator.core.model.plan import Exec, Script
from orchestrator.distros import common
from orchestrator.distros.manifest import parse_api_manifest

API = "kube-apiserver.yaml"
CONTROLLERS = ("kube-controller-manager.yaml", "kube-scheduler.yaml")

FACTS = {"lib/pod_facts.sh": "api_manifest api_port pods"}


class ControlPods:
    """Implements ``distros.pair.ControlPart``."""

    api_apart = True
    ports: tuple[int, ...] = (10257, 10259)

    def values(self, host: Host) -> Values:
        return {"manifests": host.paths.manifests, "api_pods": "yes"}

    def read(self, host: Host, view: MasterView, facts: Mapping[str, str]) -> MasterView:
        return replace(
            view,
            api=common.with_port(parse_api_manifest(facts.get("api_manifest", "")), facts.get("api_port", "")),
            faults=(
                *_strangers(host, facts.get("pods", "")),
                *common.missing_units(host, view, common.service(host.units.kubelet)),
            ),
        )

    def stop_units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        return ()  # kubelet must stay up, because it ends the pods

    def down_units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        return ((common.service(host.units.kubelet),),)

    def ender(self, host: Host) -> str:
        return common.service(host.units.kubelet)

    def manifests(self, host: Host) -> tuple[str, ...]:
        return (*CONTROLLERS, API)

    def start_api(self, host: Host, view: MasterView, run: str) -> Script:
        act = common.move("api/start.sh", host, run, API)
        return act.model_copy(update={"values": {**act.values, "kubelet": common.service(host.units.kubelet)}})

    def start_controllers(self, host: Host, view: MasterView, run: str) -> Script:
        return common.move("release/start.sh", host, run, *CONTROLLERS)

    def restart_services(self, host: Host) -> Exec:
        argv = ("systemctl", "restart", common.service(host.units.kubelet))
        return Exec(argv=argv, timeout_s=timeouts.STOP_UNIT_S, lets_go=True)


def _strangers(host: Host, paths: str) -> list[Finding]:
    """Find manifests that would start a second etcd or API server.

    kubelet runs every file in that folder, whatever its suffix, unless its name begins with a dot (Kubernetes issue
    129364). So a copy of etcd's manifest in the folder starts a second etcd on the same data.
    """
    return [
        common.fault(host, f"{path} also runs etcd or an API server", f"move it out of {host.paths.manifests}")
        for path in paths.splitlines()
        if posixpath.basename(path) not in (common.ETCD_POD, API)
    ]
