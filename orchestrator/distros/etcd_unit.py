"""etcd as a systemd unit. With Type=notify, etcd's start waits for a quorum, so no step waits for the start.

Source: etcd's documentation, "Configuration options" and "Clustering guide"; the unit etcd.service of Debian's package
etcd-server and of etcd's own contrib/systemd.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import yaml

from orchestrator.core.hosts.view import MasterView, MemberView
from orchestrator.core.inventory.inventory import Host
from orchestrator.core.model.header import Values
from orchestrator.core.model.plan import Exec
from orchestrator.distros import common
from orchestrator.distros.settings import (
    SettingsError,
    certificates_in,
    environment_settings,
    etcd_config,
    flags,
    required,
)
from orchestrator.distros.unit import Service, read_service
from orchestrator.distros.without_agent import WithoutAgent

_REMEDY = "make ExecStart start etcd itself, with arguments, environment or --config-file; or set `units.etcd`"
_SECURITY = {"client-transport-security": "", "peer-transport-security": "peer-"}

FACTS = {"lib/unit_facts.sh": "config config_path owner"}


class EtcdUnit(WithoutAgent):
    """Implements ``distros.pair.EtcdPart``."""

    def values(self, host: Host) -> Values:
        return {"etcd_unit": common.service(host.units.etcd)}

    def read(self, host: Host, view: MasterView, facts: Mapping[str, str]) -> MasterView:
        unit = common.service(host.units.etcd)
        if missing := common.missing_units(host, view, unit):
            return replace(view, faults=(*view.faults, *missing))
        service = read_service("etcd", facts)
        try:
            settings, where = _settings(service, facts, unit)
            data = host.paths.data or posixpath.join(service.folder, required(settings, "data-dir", where))
            etcd = etcd_config(
                settings,
                where,
                data=posixpath.normpath(data),
                member_path=posixpath.join(posixpath.normpath(data), "member"),
                certificate=certificates_in(host.paths.certificates),
                owner=facts.get("owner", "").strip() or "0:0",
            )
        except SettingsError as error:
            return replace(
                view,
                faults=(
                    *view.faults,
                    common.fault(host, str(error), _REMEDY),
                ),
            )
        # The hash covers the API server's unit too: a plan is valid only while both stay unchanged.
        bound = [asdict(service), asdict(read_service("api", facts)), facts.get("config", "")]
        return replace(
            view,
            member=MemberView(
                # each may list only the members that existed when it joined
                config=replace(etcd, lists_all=False, program=service.argv[0]),
                manifest_sha256=hashlib.sha256(json.dumps(bound, sort_keys=True).encode()).hexdigest(),
            ),
        )

    def units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        return ((common.service(host.units.etcd),),)

    def manifests(self, host: Host) -> tuple[str, ...]:
        return ()  # when a unit is stopped, its process has ended

    def start(self, host: Host) -> Exec:
        return common.start(common.service(host.units.etcd))


def _settings(service: Service, facts: Mapping[str, str], unit: str) -> tuple[dict[str, str], str]:
    """Return etcd's settings and the file that has them. With a configuration file etcd ignores all other settings
    (etcd 3.5, server/etcdmain/config.go). Raises SettingsError."""
    if not service.argv:
        raise SettingsError(f"cannot ask systemd what {unit} starts: D-Bus and busctl are required")
    if not posixpath.basename(service.argv[0]).startswith("etcd"):
        raise SettingsError(f"{unit} starts {service.argv[0]}, not etcd itself: its settings cannot be read")
    if service.root not in ("", "/"):
        raise SettingsError(f"{unit} has RootDirectory={service.root}: its paths are not those of the host")
    words = dict(flags(service.argv[1:]))
    config = words.get("config-file") or service.environment.get("ETCD_CONFIG_FILE", "")
    if not config:
        from_environment = environment_settings(service.environment.items())
        return {name: value for name, value in from_environment.items() if value} | words, unit
    if facts.get("config_path", "").strip() != config:
        raise SettingsError(f"{unit}: etcd's configuration file {config} cannot be read")
    return _configuration(facts.get("config", ""), config), config


def _configuration(text: str, path: str) -> dict[str, str]:
    """Parse etcd's configuration file. Its keys are the names of the flags; only certificates are in sections."""
    try:
        document: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not YAML: {error}") from error
    if not isinstance(document, dict):
        raise SettingsError(f"{path} is not an etcd configuration: expected a mapping")
    settings = {str(key): str(value) for key, value in document.items() if not isinstance(value, dict | list)}
    for section, prefix in _SECURITY.items():
        inside = document.get(section)
        for key, value in inside.items() if isinstance(inside, dict) else ():
            settings[f"{prefix}{key}"] = str(value)
    return settings
