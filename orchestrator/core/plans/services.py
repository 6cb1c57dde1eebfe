"""The services of one host: how they are stopped and held, seen to be down, and brought up again. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.core import timeouts
from orchestrator.core.hosts.distro import Distro
from orchestrator.core.hosts.network import peer_address, port_of
from orchestrator.core.hosts.questions import client_values
from orchestrator.core.hosts.sockets import socket_pattern
from orchestrator.core.model.header import Values
from orchestrator.core.model.plan import Exec, Probe, Script, Step
from orchestrator.core.model.step_name import StepName, part_of
from orchestrator.core.plans.master import ApiHost, Machine, Master
from orchestrator.core.plans.steps import all_of, call_step, look, one, plain, script_step


@dataclass(frozen=True, slots=True)
class Services:
    """Those of a run's hosts."""

    distro: Distro
    run: str

    def stop_steps(self, master: Master | ApiHost, *, together: bool = False) -> Iterable[Step]:
        """``together`` says that the other members are stopped at the same time."""
        yield script_step(
            StepName.STOP_HOLD,
            master,
            "keep the services down, even after a reboot",
            {"folder": master.host.paths.units, "units": self.present(master)},
            rerunnable=True,
            undo="lift the hold",
        )
        pods, units = tuple(self._stop_pods(master)), tuple(self._stop_units(master))
        wait = (leader_waits(master),) if together and isinstance(master, Master) else ()
        # etcd ends with its pod, or with the last of the units.
        yield from (*wait, *pods, *units) if pods else (*units[:-1], *wait, *units[-1:])

    def _stop_pods(self, master: Master | ApiHost) -> Iterable[Step]:
        if out := self.distro.withdraw(master.host, master.view, self.run):
            yield Step(
                id=f"{StepName.STOP_PODS}/{master.name}",
                host=master.name,
                title="move the static pods' manifests away, so that kubelet stops their containers",
                act=out,
                done_if=one(master, self.gone(master), wait_s=timeouts.STOPPED_WAIT_S),
                rerunnable=True,
                undo="move them back",
            )

    def _stop_units(self, master: Master | ApiHost) -> Iterable[Step]:
        present = self.present(master)
        for group in self.distro.units(master.host):
            if units := tuple(unit for unit in group if unit in present):
                yield Step(
                    id=f"{part_of(StepName.STOP_UNIT, plain(units[-1]))}/{master.name}",
                    host=master.name,
                    title=f"stop {' and '.join(units)}",
                    act=Exec(argv=("systemctl", "stop", *units), timeout_s=timeouts.STOP_UNIT_S),
                    done_if=one(master, look("stop/is_inactive.sh", {"units": units}, "none of the units runs")),
                    rerunnable=True,
                    undo="start them again",
                )

    def present(self, master: Master | ApiHost) -> tuple[str, ...]:
        units = (unit for group in self.distro.units(master.host) for unit in group)
        return tuple(unit for unit in units if master.view.machine.units.get(unit, "not-found") != "not-found")

    def gone(self, master: Master | ApiHost) -> Script:
        """Whether nothing uses the data and the addresses; units may run."""
        addresses = {"127.0.0.1", peer_address(master.host, master.view)}
        ports = (*((master.view.api.port,) if master.view.api.is_there else ()), *self.distro.controller_ports)
        if isinstance(master, ApiHost):
            return _stopped("", socket_pattern(frozenset(addresses), ports))
        etcd = master.etcd
        pattern = socket_pattern(
            frozenset((*addresses, etcd.address)), (port_of(etcd.peer_url), port_of(etcd.client_url), *ports)
        )
        return _stopped(etcd.member_path, pattern)

    def stopped(self, master: Master | ApiHost) -> Script:
        gone = self.gone(master)
        return gone.model_copy(update={"values": gone.values | {"units": self.present(master)}})

    def down(self, machines: Iterable[Machine]) -> Probe:
        """Whether all are stopped, and stay so."""
        return all_of(machines, self.stopped, wait_s=timeouts.STOPPED_WAIT_S, dwell_s=timeouts.STOPPED_DWELL_S)

    def held(self, master: Master | ApiHost) -> Script:
        values: Values = {
            "state": master.state,
            "run": self.run,
            "folder": master.host.paths.units,
            "units": self.present(master),
        }
        return look("stop/is_held.sh", values, "every unit is held down")

    @staticmethod
    def ready(machine: Master | ApiHost) -> Script:
        """Whether its API server is ready."""
        addresses = tuple(dict.fromkeys(("127.0.0.1", peer_address(machine.host, machine.view))))
        values: Values = {"port": str(machine.view.api.port), "addresses": addresses}
        return look("api/is_ready.sh", values, "the API server on this host says that it is ready")

    def let_go(self, machine: Master | ApiHost) -> Iterable[Step]:
        if rest := self.distro.start_controllers(machine.host, machine.view, self.run):
            yield call_step(StepName.RELEASE_START, machine, "start controller-manager and scheduler", rest)
        values: Values = {"folder": machine.host.paths.units, "units": self.present(machine)}
        yield script_step(StepName.RELEASE_HOLD, machine, "remove the drop-ins", values, rerunnable=True)


def _stopped(member: str, sockets: str) -> Script:
    values = {"member": member, "sockets": sockets}
    return look("stop/is_stopped.sh", values, "nothing uses this member's data or its addresses")


def leader_waits(master: Master) -> Step:
    """A leader that is stopped together with the others would wait for a successor."""
    etcd = master.etcd
    values = {"port": str(port_of(etcd.peer_url)), **client_values(etcd)}
    title = "if this member is the leader, let the others stop first"
    return script_step(StepName.STOP_LAST, master, title, values, rerunnable=True)


def api_host_steps(host: ApiHost, distro: Distro, run: str, undone: str = "") -> Iterable[Step]:
    """Lifts the hold on a host without a member, and starts the API server. ``undone`` is the run that set the hold, if
    that is not this one."""
    yield script_step(StepName.API_LIFT, host, "lift the hold", {"undone": undone}, rerunnable=True)
    if api := distro.start_api(host.host, host.view, run):
        yield call_step(StepName.API_START, host, "start the API server", api)
