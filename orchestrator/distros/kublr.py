"""Kublr: an agent that supervises kubelet and Docker, with etcd as a critical static pod.

Source: the vendor's page "Backup and restore of etcd database"; section names are given where a fact is used.
"""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import Any

import yaml

from orchestrator.core import timeouts
from orchestrator.core.inventory import Host, Role
from orchestrator.core.masters import MasterView
from orchestrator.core.model import Exec, Finding, Script, Severity
from orchestrator.core.tools import parse_tools
from orchestrator.distros import common
from orchestrator.distros.manifest import ManifestError, parse_api_manifest, parse_manifest


class Kublr:
    """Implements ``core.distro.Distro``."""

    aided = True

    def look_at_host(self, host: Host) -> Script:
        paths = host.paths
        units = [unit for group in self.units(host) for unit in group]
        return Script(
            file="observe.sh",
            args=(paths.state, paths.kublr, paths.manifests, paths.hosts, *units),
            timeout_s=timeouts.LOOK_S,
        )

    def read_host(self, host: Host, facts: dict[str, str], clock_offset_s: float) -> MasterView:
        view = MasterView(
            host=host.name,
            hostname=facts.get("hostname", "").strip(),
            clock_offset_s=clock_offset_s,
            missing_tools=frozenset(facts.get("missing_tools", "").split()),
            systemd="systemd" in facts and facts["systemd"].strip() == "yes",
            kills_user_processes="=yes" in facts.get("kill_user_processes", ""),
            own_addresses=common.parse_own_addresses(facts.get("fib_trie", "")),
            units=common.parse_units(facts.get("units", "")),
            units_sha256=facts.get("units_sha256", "").split(" ")[0],
            resolves=common.parse_names(facts.get("names", "")),
            hosts_file=facts.get("hosts", ""),
            state_disk=common.parse_disk(facts.get("state_disk", "")),
            claim=common.parse_claim(facts["claim"], facts.get("silent_s", "")) if "claim" in facts else None,
            hold=facts.get("hold", "").strip(),
            live_restore=bool(facts.get("live_restore", "").strip()),
            selinux_enforces=facts.get("selinux_enforces", "").strip() == "1",
            attempts=dict(line.split(" ", 1) for line in facts.get("attempts", "").splitlines() if " " in line),
        )
        return self._with_etcd(host, view, facts) if host.role in (Role.MASTER, Role.LEFT_OUT) else view

    def _with_etcd(self, host: Host, view: MasterView, facts: dict[str, str]) -> MasterView:
        manifest = posixpath.join(host.paths.manifests, "etcd.manifest")
        if "manifest" not in facts:
            return replace(view, faults=(_fault(host, "manifest", f"{manifest} is not there or cannot be read"),))
        try:
            etcd = parse_manifest(
                facts["manifest"], path=manifest, certificates=host.paths.certificates, data=host.paths.data
            )
        except ManifestError as error:
            return replace(view, faults=(_fault(host, "manifest", str(error)),))
        port = facts.get("api_port", "").strip().rpartition("=")[2]
        return replace(
            view,
            etcd=etcd,
            manifest_sha256=facts.get("manifest_sha256", "").split(" ")[0],
            other_data=_etcd_storage_path(facts.get("kublr_validate", "")),
            api_port=int(port) if port.isdigit() else view.api_port,
            api=parse_api_manifest(facts.get("api_manifest", "")),
        )

    def look_at_volume(self, host: Host, view: MasterView) -> Script | None:
        etcd = view.etcd
        if etcd is None:
            return None
        return Script(
            file="volume.sh",
            args=(
                etcd.data,
                host.paths.state,
                etcd.peer_url,
                etcd.client_url,
                etcd.address,
                *_certificates(view),
                view.api.etcd_prefix,
                view.api.encryption,
                etcd.member_path,
                etcd.wal_dir,
                etcd.image,
                *((view.api.client_ca,) if view.api.client_ca else ()),
                *view.api.service_account_keys,
            ),
            timeout_s=timeouts.LOOK_S,
        )

    def read_volume(self, view: MasterView, facts: dict[str, str]) -> MasterView:
        stat = facts.get("data_stat", "").split()
        inodes = facts.get("data_inodes", "").split()
        kib = facts.get("data_kib", "").split()
        return replace(
            view,
            data_disk=common.parse_disk(facts.get("data_disk", "")),
            free_inodes=int(inodes[3]) if len(inodes) > 3 and inodes[3].isdigit() else None,
            data_bytes=int(kib[0]) * 1024 if kib else 0,
            data_written_s=int(facts.get("data_written", "").strip() or 0),
            keeps_beside=bool(stat) and stat[0] == facts.get("parent_device", "").strip(),
            members_on_disk=tuple(facts.get("members_on_disk", "").split()),
            data_entries=tuple(facts.get("data_entries", "").splitlines()),
            member_links=tuple(facts.get("member_links", "").splitlines()),
            missing_certificates=tuple(facts.get("missing_certificates", "").split()),
            wal_mounted=bool(facts.get("wal_mounted", "").strip()),
            owner=facts.get("owner", "").strip(),
            tools=parse_tools(facts.get("tools", "")),
            mounts_within=tuple(facts.get("mounts_within", "").splitlines()),
            trust=common.parse_trust(facts),
            live=common.parse_live(facts),
        )

    def units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        # "Manually restoring a snapshot": kublr, then kubelet, then Docker. Docker's socket would wake Docker again.
        units = host.units
        return (
            (_service(units.kublr),),
            (_service(units.kubelet),),
            (units.runtime_socket, _service(units.runtime)),
        )

    def withdraw(self, host: Host, view: MasterView, run: str) -> None:
        return None  # the pods end with the runtime

    def admit(self, host: Host, view: MasterView, run: str) -> None:
        return None

    def take_snapshot(self, host: Host, view: MasterView) -> Script:
        return Script(file="safety.sh", args=(host.paths.kublr,), timeout_s=timeouts.BACKUP_S)

    def schedule(self, host: Host, view: MasterView, snapshot: str, sha256: str) -> Script:
        assert view.etcd is not None
        return Script(
            file="schedule.sh",
            args=(host.paths.kublr, snapshot, view.etcd.member_path, view.etcd.data, sha256),
            timeout_s=timeouts.COPY_S,
        )

    def reinitialize(self, view: MasterView) -> Script:
        assert view.etcd is not None
        return Script(file="reinit.sh", args=(view.etcd.data,), timeout_s=timeouts.MARK_S)

    def start(self, host: Host, view: MasterView) -> Exec:
        # "no need to manually start" kubelet and Docker: the agent does that.
        return Exec(
            argv=("systemctl", "start", "--no-block", _service(host.units.kublr)),
            timeout_s=timeouts.START_UNIT_S,
            lets_go=True,
        )

    def start_api(self, host: Host, view: MasterView, run: str) -> None:
        return None

    def start_controllers(self, host: Host, view: MasterView, run: str) -> None:
        return None

    def restart_services(self, host: Host) -> Script:
        units = tuple(unit for group in self.units(host) for unit in group)
        return Script(file="services.sh", args=units, timeout_s=timeouts.STOP_UNIT_S, lets_go=True)


def _service(unit: str) -> str:
    return unit if "." in unit else f"{unit}.service"


def _certificates(view: MasterView) -> tuple[str, ...]:
    assert view.etcd is not None
    peer, client = view.etcd.peer_tls, view.etcd.client_tls
    return (peer.ca, peer.cert, peer.key, client.ca, client.cert, client.key)


def _fault(host: Host, name: str, what: str) -> Finding:
    return Finding(
        name=name,
        severity=Severity.BLOCK,
        host=host.name,
        what=what,
        remedy="set `paths.manifests` for this host in the inventory, or mend the file",
    )


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
