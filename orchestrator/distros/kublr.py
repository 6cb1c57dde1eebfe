"""Kublr: an agent that supervises kubelet and Docker, with etcd as a critical static pod.

Source: the vendor's page "Backup and restore of etcd database"; section names are given where a fact is used.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import yaml

from orchestrator.core import timeouts
from orchestrator.core.hosts.view import MasterView, MemberView
from orchestrator.core.inventory.inventory import Host, Role
from orchestrator.core.model.finding import Finding, block
from orchestrator.core.model.plan import Exec, Script
from orchestrator.distros import common
from orchestrator.distros.manifest import ManifestError, parse_api_manifest, parse_manifest

OTHER_RUNTIMES = frozenset(("containerd", "crio", "cri-o"))
"""Units that leave their containers running when they are stopped; Docker's own containerd is one of them."""


class Kublr:
    """Implements ``core.hosts.distro.Distro``."""

    aided = True
    default_units: Mapping[str, str] = MappingProxyType({"kubelet": "kublr-kubelet", "runtime": "docker"})
    api_apart = False
    controller_ports: tuple[int, ...] = ()
    rejoin = "write `reinitialize` to the file `command` in the root of its data volume"

    def look_at_host(self, host: Host) -> Script:
        paths = host.paths
        units = tuple(unit for group in self.units(host) for unit in group)
        return Script(
            file="observe/pods.sh",
            values={
                "state": paths.state,
                "hosts": paths.hosts,
                "agent": paths.kublr,
                "manifests": paths.manifests,
                "etcd": "etcd.manifest",
                "units": units,
            },
            timeout_s=timeouts.LOOK_S,
        )

    def read_host(self, host: Host, facts: dict[str, str], clock_offset_s: float) -> MasterView:
        view = common.read_basics(host, facts, clock_offset_s)
        if host.role not in (Role.MASTER, Role.LEFT_OUT):
            return view
        return replace(self._with_etcd(host, view, facts), unfit=tuple(unfit(host, view)))

    def _with_etcd(self, host: Host, view: MasterView, facts: dict[str, str]) -> MasterView:
        manifest = posixpath.join(host.paths.manifests, "etcd.manifest")
        if "manifest" not in facts:
            return replace(view, faults=(common.fault(host, f"{manifest} is missing or cannot be read"),))
        try:
            etcd = parse_manifest(
                facts["manifest"], path=manifest, certificates=host.paths.certificates, data=host.paths.data
            )
        except ManifestError as error:
            return replace(view, faults=(common.fault(host, str(error)),))
        return replace(
            view,
            member=MemberView(
                config=etcd,
                manifest_sha256=facts.get("manifest_sha256", "").split(" ")[0],
                other_source="`kublr validate`",
                other_data=_etcd_storage_path(facts.get("kublr_validate", "")),
            ),
            api=common.with_port(parse_api_manifest(facts.get("api_manifest", "")), facts.get("api_port", "")),
        )

    def look_at_volume(self, host: Host, view: MasterView) -> Script | None:
        return common.look_at_volume(host, view)

    def read_volume(self, view: MasterView, facts: dict[str, str]) -> MasterView:
        return common.read_volume(view, facts)

    def units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        # "Manually restoring a snapshot": kublr, then kubelet, then Docker. Docker's socket would wake Docker again.
        units = host.units
        return (
            (common.service(units.kublr),),
            (common.service(units.kubelet),),
            (units.runtime_socket, common.service(units.runtime)),
        )

    def withdraw(self, host: Host, view: MasterView, run: str) -> None:
        return None  # the pods end with the runtime

    def admit(self, host: Host, view: MasterView, run: str) -> None:
        return None

    def take_snapshot(self, host: Host, view: MasterView) -> Script:
        return Script(file="safeguard/take.sh", values={"agent": host.paths.kublr}, timeout_s=timeouts.BACKUP_S)

    def schedule(self, host: Host, view: MasterView, snapshot: str, sha256: str) -> Script:
        assert view.member.config is not None
        return Script(
            file="commit/schedule.sh",
            values={
                "agent": host.paths.kublr,
                "snapshot": snapshot,
                "member": view.member.config.member_path,
                "data": view.member.config.data,
                "sha256": sha256,
            },
            timeout_s=timeouts.COPY_S,
        )

    def replace_member(self, view: MasterView) -> tuple[str, Script]:
        assert view.member.config is not None
        data = view.member.config.data
        title = f"write `reinitialize` to {data}/command, and wait until the pod has carried it out"
        return title, Script(file="commit/reinit.sh", values={"data": data}, timeout_s=timeouts.MARK_S)

    def start(self, host: Host, view: MasterView) -> Exec:
        # "no need to manually start" kubelet and Docker: the agent does that.
        return Exec(
            argv=("systemctl", "start", "--no-block", common.service(host.units.kublr)),
            timeout_s=timeouts.START_UNIT_S,
            lets_go=True,
        )

    def start_api(self, host: Host, view: MasterView, run: str) -> None:
        return None

    def start_controllers(self, host: Host, view: MasterView, run: str) -> None:
        return None

    def restart_services(self, host: Host) -> Script:
        agent, kubelet, *runtime = (unit for group in self.units(host) for unit in group)
        values = {"agent": agent, "kubelet": kubelet, "runtime": tuple(runtime)}
        return Script(file="workers/restart.sh", values=values, timeout_s=timeouts.STOP_UNIT_S, lets_go=True)


def unfit(host: Host, view: MasterView) -> Iterator[Finding]:
    """What stopping Kublr's services must stop with them."""
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


def _etcd_storage_path(stream: str) -> str:
    """`kublr validate` prints a YAML stream; the last document that names etcd_storage.path wins."""
    found = ""
    try:
        for document in yaml.safe_load_all(stream):
            storage: Any = document.get("etcd_storage") if isinstance(document, dict) else None
            if isinstance(storage, dict) and storage.get("path"):
                found = posixpath.normpath(str(storage["path"]))
    except yaml.YAMLError:
        return found
    return found
