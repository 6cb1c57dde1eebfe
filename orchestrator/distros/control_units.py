"""The control plane as systemd units. When a unit is stopped, its process has ended; no port needs a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from orchestrator.core import timeouts
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host, Role
from orchestrator.core.model.header import Values
from orchestrator.core.model.plan import Exec
from orchestrator.distros import common
from orchestrator.distros.settings import api_server, flags
from orchestrator.distros.unit import read_service


class ControlUnits:
    """Implements ``distros.pair.ControlPart``."""

    api_apart = True
    ports: tuple[int, ...] = ()

    def values(self, host: Host) -> Values:
        return {"api_unit": common.service(host.units.api_server)}

    def read(self, host: Host, view: MasterView, facts: Mapping[str, str]) -> MasterView:
        words = flags(read_service("api", facts).argv)
        unit = common.service(host.units.api_server)
        server = replace(
            common.with_port(api_server(words), dict(words).get("secure-port", "")), is_there=_is_there(view, unit)
        )
        missing = common.missing_units(host, view, unit) if host.role is Role.API else ()
        return replace(view, api=server, faults=missing)

    def stop_units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        return () if host.role is Role.WORKER else (_controllers(host), (common.service(host.units.api_server),))

    def down_units(self, host: Host) -> tuple[tuple[str, ...], ...]:
        return ((common.service(host.units.kubelet),),) if host.role is Role.WORKER else ()

    def ender(self, host: Host) -> str:
        return ""

    def manifests(self, host: Host) -> tuple[str, ...]:
        return ()

    def start_api(self, host: Host, view: MasterView, run: str) -> Exec | None:
        return common.start(common.service(host.units.api_server)) if view.api.is_there else None

    def start_controllers(self, host: Host, view: MasterView, run: str) -> Exec | None:
        present = [unit for unit in _controllers(host) if _is_there(view, unit)]
        return common.start(*present) if present else None

    def restart_services(self, host: Host) -> Exec:
        argv = ("systemctl", "restart", common.service(host.units.kubelet))
        return Exec(argv=argv, timeout_s=timeouts.STOP_UNIT_S, lets_go=True)


def _controllers(host: Host) -> tuple[str, ...]:
    return common.service(host.units.controller_manager), common.service(host.units.scheduler)


def _is_there(view: MasterView, unit: str) -> bool:
    return view.machine.units.get(unit, "not-found") not in ("not-found", "masked")
