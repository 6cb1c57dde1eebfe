"""etcd as a static pod of an ordinary kubelet.

Source: kubeadm's manifest (cmd/kubeadm/app/phases/etcd/local.go); Kubernetes documentation, "Operating etcd clusters
for Kubernetes".
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import replace

from orchestrator.core.hosts.view import MasterView, MemberView
from orchestrator.core.inventory.inventory import Host
from orchestrator.core.model.header import Values
from orchestrator.core.model.plan import Exec
from orchestrator.distros import common
from orchestrator.distros.manifest import ManifestError, parse_manifest
from orchestrator.distros.without_agent import WithoutAgent

FACTS = {"lib/pod_facts.sh": "manifest manifest_sha256"}


class EtcdPod(WithoutAgent):
    """Implements ``distros.pair.EtcdPart``."""

    def values(self, host: Host) -> Values:
        return {"manifests": host.paths.manifests, "etcd_file": common.ETCD_POD}

    def read(self, host: Host, view: MasterView, facts: Mapping[str, str]) -> MasterView:
        path = posixpath.join(host.paths.manifests, common.ETCD_POD)
        if "manifest" not in facts:
            return replace(
                view,
                faults=(
                    *view.faults,
                    common.fault(host, f"{path} is missing or cannot be read"),
                ),
            )
        try:
            etcd = parse_manifest(
                facts["manifest"],
                path=path,
                certificates=host.paths.certificates,
                data=host.paths.data,
                volume=None,
            )
        except ManifestError as error:
            return replace(
                view,
                faults=(
                    *view.faults,
                    common.fault(host, str(error)),
                ),
            )
        return replace(
            view,
            member=MemberView(
                config=replace(etcd, lists_all=False),  # kubeadm lists only members that existed when this one joined
                manifest_sha256=facts.get("manifest_sha256", "").split(" ")[0],
            ),
        )

    def units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        return ()

    def manifests(self, host: Host) -> tuple[str, ...]:
        return (common.ETCD_POD,)

    def start(self, host: Host) -> Exec:
        return common.start(common.service(host.units.kubelet))
