"""Kublr's etcd: a static pod that contains the vendor's agent. The agent can restore when the pod starts.

Source: the vendor's page "Backup and restore of etcd database". Next to each fact is the name of its section.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import yaml

from orchestrator.core import timeouts
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host
from orchestrator.core.model.header import Values
from orchestrator.core.model.plan import Exec, Script
from orchestrator.distros import common
from orchestrator.distros.manifest import read_member

ETCD = "etcd.manifest"

FACTS = {"lib/pod_facts.sh": "kublr_validate"}


class EtcdKublr:
    """Implements ``distros.pair.EtcdPart``."""

    aided = True
    staggers = False  # the agent starts runtime and kubelet first, which takes several seconds on each master

    def values(self, host: Host) -> Values:
        return {"manifests": host.paths.manifests, "etcd_file": ETCD, "agent": host.paths.kublr}

    def read(self, host: Host, view: MasterView, facts: Mapping[str, str]) -> MasterView:
        view = read_member(host, view, facts, ETCD)
        if view.member.config is None:
            return view
        other = _etcd_storage_path(facts.get("kublr_validate", ""))
        return replace(view, member=replace(view.member, other_source="`kublr validate`", other_data=other))

    def units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        return ()  # etcd ends with the runtime

    def manifests(self, host: Host) -> tuple[str, ...]:
        return ()  # the manifests stay: kubelet is down

    def start(self, host: Host) -> Exec:
        # "no need to manually start" kubelet and Docker: the agent does that.
        return common.start(common.service(host.units.kublr))

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


def _etcd_storage_path(stream: str) -> str:
    """Read etcd_storage.path from `kublr validate`, a YAML stream; the last document that has it wins."""
    found = ""
    try:
        for document in yaml.safe_load_all(stream):
            storage: Any = document.get("etcd_storage") if isinstance(document, dict) else None
            if isinstance(storage, dict) and storage.get("path"):
                found = posixpath.normpath(str(storage["path"]))
    except yaml.YAMLError:
        return found
    return found
