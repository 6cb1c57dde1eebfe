"""etcd as a static pod of an ordinary kubelet.

Source: kubeadm's manifest (cmd/kubeadm/app/phases/etcd/local.go); Kubernetes documentation, "Operating etcd clusters
for Kubernetes".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host
from orchestrator.core.model.header import Values
from orchestrator.core.model.plan import Exec
from orchestrator.distros import common
from orchestrator.distros.manifest import read_member
from orchestrator.distros.without_agent import WithoutAgent


class EtcdPod(WithoutAgent):
    """Implements ``distros.pair.EtcdPart``."""

    def values(self, host: Host) -> Values:
        return {"manifests": host.paths.manifests, "etcd_file": common.ETCD_POD}

    def read(self, host: Host, view: MasterView, facts: Mapping[str, str]) -> MasterView:
        view = read_member(host, view, facts, common.ETCD_POD, volume=None)
        config = view.member.config
        if config is None:
            return view
        # kubeadm lists only members that existed when this one joined
        return replace(view, member=replace(view.member, config=replace(config, lists_all=False)))

    def units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        return ()

    def manifests(self, host: Host) -> tuple[str, ...]:
        return (common.ETCD_POD,)

    def start(self, host: Host) -> Exec:
        return common.start(common.service(host.units.kubelet))
