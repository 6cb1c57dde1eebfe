"""kubeadm: etcd, the API server, controller-manager and scheduler as static pods of an ordinary kubelet.

Source: Kubernetes documentation, "Creating Highly Available Clusters with kubeadm" and "Operating etcd clusters for
Kubernetes"; kubeadm's own manifests (cmd/kubeadm/app/phases/etcd/local.go).
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from orchestrator.core import timeouts
from orchestrator.core.hosts.view import MasterView, MemberView
from orchestrator.core.inventory.inventory import Host, Role
from orchestrator.core.model.finding import Finding
from orchestrator.core.model.plan import Exec, Script
from orchestrator.distros import common
from orchestrator.distros.manifest import ManifestError, parse_api_manifest, parse_manifest

ETCD, API = "etcd.yaml", "kube-apiserver.yaml"
CONTROLLERS = ("kube-controller-manager.yaml", "kube-scheduler.yaml")


class Kubeadm:
    """Implements ``hosts.distro.Distro``. The runtime stays up: without their manifests its pods do not come back."""

    aided = False
    default_units: Mapping[str, str] = MappingProxyType({})
    api_apart = True
    controller_ports: tuple[int, ...] = (10257, 10259)  # Kubernetes documentation, "Ports and Protocols"
    rejoin = "join it with `kubeadm join --control-plane`"

    def look_at_host(self, host: Host) -> Script:
        paths = host.paths
        units = tuple(unit for group in self.units(host) for unit in group)
        return Script(
            file="observe/pods.sh",
            values={
                "state": paths.state,
                "hosts": paths.hosts,
                "manifests": paths.manifests,
                "etcd": ETCD,
                "units": units,
            },
            timeout_s=timeouts.LOOK_S,
        )

    def read_host(self, host: Host, facts: dict[str, str], clock_offset_s: float) -> MasterView:
        view = common.read_basics(host, facts, clock_offset_s)
        return self._with_etcd(host, view, facts) if host.role in (Role.MASTER, Role.LEFT_OUT) else view

    def _with_etcd(self, host: Host, view: MasterView, facts: dict[str, str]) -> MasterView:
        manifest = posixpath.join(host.paths.manifests, ETCD)
        if "manifest" not in facts:
            return replace(view, faults=(common.fault(host, f"{manifest} is missing or cannot be read"),))
        try:
            etcd = parse_manifest(
                facts["manifest"],
                path=manifest,
                certificates=host.paths.certificates,
                data=host.paths.data,
                volume=None,
            )
        except ManifestError as error:
            return replace(view, faults=(common.fault(host, str(error)),))
        return replace(
            view,
            member=MemberView(
                config=replace(etcd, lists_all=False),  # kubeadm lists those that were members when this one joined
                manifest_sha256=facts.get("manifest_sha256", "").split(" ")[0],
            ),
            api=common.with_port(parse_api_manifest(facts.get("api_manifest", "")), facts.get("api_port", "")),
            faults=(
                *_strangers(host, facts.get("pods", "")),
                *common.missing_units(host, view, common.service(host.units.kubelet)),
            ),
        )

    def look_at_volume(self, host: Host, view: MasterView) -> Script | None:
        return common.look_at_volume(host, view)

    def read_volume(self, view: MasterView, facts: dict[str, str]) -> MasterView:
        return common.read_volume(view, facts)

    def units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        return ((common.service(host.units.kubelet),),)

    def withdraw(self, host: Host, view: MasterView, run: str) -> Script:
        return _move("stop/pods.sh", host, run, *CONTROLLERS, API, ETCD)

    def admit(self, host: Host, view: MasterView, run: str) -> Script:
        return _move("start/admit.sh", host, run, ETCD)

    def take_snapshot(self, host: Host, view: MasterView) -> Script:
        return common.save(view)

    def start(self, host: Host, view: MasterView) -> Exec:
        return Exec(
            argv=("systemctl", "start", "--no-block", common.service(host.units.kubelet)),
            timeout_s=timeouts.START_UNIT_S,
            lets_go=True,
        )

    def start_api(self, host: Host, view: MasterView, run: str) -> Script:
        return _move("api/start.sh", host, run, API)

    def start_controllers(self, host: Host, view: MasterView, run: str) -> Script:
        return _move("release/start.sh", host, run, *CONTROLLERS)

    def schedule(self, host: Host, view: MasterView, snapshot: str, sha256: str) -> Script:
        raise NotImplementedError("no agent that restores")

    def replace_member(self, view: MasterView) -> tuple[str, Script]:
        raise NotImplementedError("no agent that rejoins a member")

    def restart_services(self, host: Host) -> Exec:
        return Exec(
            argv=("systemctl", "restart", common.service(host.units.kubelet)),
            timeout_s=timeouts.STOP_UNIT_S,
            lets_go=True,
        )


def _move(file: str, host: Host, run: str, *files: str) -> Script:
    folder = host.paths.manifests
    values = {"manifests": folder, "aside": f"{folder}.kr-{run}", "files": files}
    return Script(file=file, values=values, timeout_s=timeouts.MARK_S)


def _strangers(host: Host, paths: str) -> list[Finding]:
    """kubelet runs every file of that folder whose name does not begin with a dot, whatever its ending (Kubernetes
    issue 129364): a copy of etcd's manifest beside it starts a second etcd on the same data."""
    return [
        common.fault(host, f"{path} also runs etcd or an API server", f"move it out of {host.paths.manifests}")
        for path in paths.splitlines()
        if posixpath.basename(path) not in (ETCD, API)
    ]
