"""etcd as a systemd unit, with the API server as a unit beside it or on hosts of its own.

Source: etcd's documentation, "Configuration options" and "Clustering guide"; the unit etcd.service of Debian's package
etcd-server and of etcd's own contrib/systemd.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any

import yaml

from orchestrator.core import timeouts
from orchestrator.core.hosts.view import MasterView, MemberView
from orchestrator.core.inventory.inventory import Host, Role
from orchestrator.core.model.plan import Exec, Script
from orchestrator.distros import common
from orchestrator.distros.settings import (
    SettingsError,
    api_server,
    certificates_in,
    environment_settings,
    etcd_config,
    flags,
    required,
)
from orchestrator.distros.unit import Service, parse_service

_REMEDY = "make ExecStart start etcd itself, with arguments, environment or --config-file; or set `units.etcd`"
_SECURITY = {"client-transport-security": "", "peer-transport-security": "peer-"}


class Systemd:
    """Implements ``hosts.distro.Distro``. Type=notify has etcd's start wait for a quorum, so nothing waits for it."""

    aided = False
    default_units: Mapping[str, str] = MappingProxyType({})
    api_apart = True
    controller_ports: tuple[int, ...] = ()  # a stopped unit has ended, whatever it listened on
    rejoin = "add it with `etcdctl member add`, and start it with `initial-cluster-state: existing`"

    def look_at_host(self, host: Host) -> Script:
        paths, units = host.paths, host.units
        asked = tuple(unit for group in self.units(host) for unit in group)
        etcd, api = common.service(units.etcd), common.service(units.api_server)
        values = {"state": paths.state, "hosts": paths.hosts, "etcd": etcd, "api": api, "units": asked}
        return Script(file="observe/units.sh", values=values, timeout_s=timeouts.LOOK_S)

    def read_host(self, host: Host, facts: dict[str, str], clock_offset_s: float) -> MasterView:
        view = common.read_basics(host, facts, clock_offset_s)
        if host.role is Role.WORKER:
            return view
        api = _service("api", facts)
        words = flags(api.argv)
        listens = frozenset(int(number) for number in facts.get("listens", "").split())
        server = common.with_port(api_server(words), dict(words).get("secure-port", ""))
        view = replace(
            view,
            machine=replace(view.machine, listens=listens),
            api=replace(server, is_there=_is_there(view, common.service(host.units.api_server))),
        )
        if host.role is Role.API:
            return replace(view, faults=common.missing_units(host, view, common.service(host.units.api_server)))
        return self._with_etcd(host, view, facts, api)

    def _with_etcd(self, host: Host, view: MasterView, facts: dict[str, str], api: Service) -> MasterView:
        unit = common.service(host.units.etcd)
        if missing := common.missing_units(host, view, unit):
            return replace(view, faults=missing)
        service = _service("etcd", facts)
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
            return replace(view, faults=(common.fault(host, str(error), _REMEDY),))
        read = json.dumps([asdict(service), asdict(api), facts.get("config", "")], sort_keys=True)
        return replace(
            view,
            member=MemberView(
                # each may list those that were members when it joined
                config=replace(etcd, lists_all=False, program=service.argv[0]),
                manifest_sha256=hashlib.sha256(read.encode()).hexdigest(),
            ),
        )

    def look_at_volume(self, host: Host, view: MasterView) -> Script | None:
        return common.look_at_volume(host, view)

    def read_volume(self, view: MasterView, facts: dict[str, str]) -> MasterView:
        return common.read_volume(view, facts)

    def units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        units = host.units
        if host.role is Role.WORKER:
            return ((common.service(units.kubelet),),)
        groups = (_controllers(host), (common.service(units.api_server),))
        return groups if host.role is Role.API else (*groups, (common.service(units.etcd),))

    def withdraw(self, host: Host, view: MasterView, run: str) -> None:
        return None  # a stopped unit has ended

    def admit(self, host: Host, view: MasterView, run: str) -> None:
        return None

    def take_snapshot(self, host: Host, view: MasterView) -> Script:
        return common.save(view)

    def schedule(self, host: Host, view: MasterView, snapshot: str, sha256: str) -> Script:
        raise NotImplementedError("no agent that restores")

    def replace_member(self, view: MasterView) -> tuple[str, Script]:
        raise NotImplementedError("no agent that rejoins a member")

    def start(self, host: Host, view: MasterView) -> Exec:
        return _start(common.service(host.units.etcd))

    def start_api(self, host: Host, view: MasterView, run: str) -> Exec | None:
        return _start(common.service(host.units.api_server)) if view.api.is_there else None

    def start_controllers(self, host: Host, view: MasterView, run: str) -> Exec | None:
        present = [unit for unit in _controllers(host) if _is_there(view, unit)]
        return _start(*present) if present else None

    def restart_services(self, host: Host) -> Exec:
        argv = ("systemctl", "restart", common.service(host.units.kubelet))
        return Exec(argv=argv, timeout_s=timeouts.STOP_UNIT_S, lets_go=True)


def _controllers(host: Host) -> tuple[str, ...]:
    return common.service(host.units.controller_manager), common.service(host.units.scheduler)


def _is_there(view: MasterView, unit: str) -> bool:
    return view.machine.units.get(unit, "not-found") not in ("not-found", "masked")


def _start(*units: str) -> Exec:
    return Exec(argv=("systemctl", "start", "--no-block", *units), timeout_s=timeouts.START_UNIT_S, lets_go=True)


def _service(name: str, facts: dict[str, str]) -> Service:
    prefix = f"{name}_environment_"
    numbers = sorted(int(fact.removeprefix(prefix)) for fact in facts if fact.startswith(prefix))
    return parse_service(facts.get(f"{name}_unit", ""), [facts[f"{prefix}{number}"] for number in numbers])


def _settings(service: Service, facts: dict[str, str], unit: str) -> tuple[dict[str, str], str]:
    """etcd's settings, and where they are written: with a configuration file nothing else counts (etcd 3.5,
    server/etcdmain/config.go). Raises SettingsError."""
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
    """etcd's configuration file: its keys are the flags' names, but for certificates, which stand in sections."""
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
