"""The steps and looks that stop, hold and start the services of a host. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.core import timeouts
from orchestrator.core.hosts.distro import Distro
from orchestrator.core.hosts.network import peer_address, port_of
from orchestrator.core.hosts.questions import client_values
from orchestrator.core.hosts.sockets import socket_pattern
from orchestrator.core.inventory.inventory import Host
from orchestrator.core.model.header import Values
from orchestrator.core.model.plan import Exec, Probe, Script, Step
from orchestrator.core.model.step_name import StepName, part_of
from orchestrator.core.plans.master import ApiHost, Machine, Master
from orchestrator.core.plans.steps import all_of, call_step, look, one, plain, script_step


def units_of(distro: Distro, host: Host) -> tuple[str, ...]:
    """All units that a run stops and holds on a host."""
    return tuple(unit for group in (*distro.stop_units(host), *distro.down_units(host)) for unit in group)


@dataclass(frozen=True, slots=True)
class Services:
    """The services of a run's hosts. ``stop_timeout_s``: how long a process has until its second signal."""

    distro: Distro
    run: str
    stop_timeout_s: int

    # --- phase stop: etcd's clients, while etcd still answers -------------------------------------------

    def stop_steps(self, machine: Master | ApiHost) -> Iterable[Step]:
        """Keeps everything down, and ends API server, controller-manager and scheduler."""
        yield script_step(
            StepName.STOP_HOLD,
            machine,
            "keep the services down, even after a reboot",
            {"folder": machine.host.paths.units, "units": self.present(machine)},
            rerunnable=True,
            undo="lift the hold",
        )
        if act := self.distro.withdraw_api(machine.host, self.run):
            title = "move the manifests of API server and controllers away, so that kubelet ends them"
            yield self._withdrawal(StepName.STOP_PODS, machine, title, act)
        yield from self._unit_steps(StepName.STOP_UNIT, machine, self.distro.stop_units(machine.host))
        seconds = self.stop_timeout_s
        yield self._processes(
            StepName.STOP_PROCESSES,
            machine,
            f"end API server and controllers: SIGTERM again after {seconds} s, SIGKILL after {2 * seconds} s",
            {},
            seconds,
            done_if=one(machine, self.quiet(machine)),
        )

    def quiet(self, machine: Master | ApiHost, lifts: str = "") -> Script:
        """Whether no process of API server, controller-manager and scheduler is alive on it, or ``lifts``, the folder
        of the step that lets it start again, has begun."""
        values = {"sockets": socket_pattern(self._addresses(machine), self._api_ports(machine)), "lifts": lifts}
        question = "no API server, controller-manager or scheduler is alive, and their ports are closed"
        return look("stop/is_quiet.sh", values, question)

    def all_quiet(self, machines: Iterable[Machine]) -> Probe:
        """Whether they have ended on all."""
        return all_of(machines, self.quiet, wait_s=timeouts.STOPPED_WAIT_S)

    # --- phase down: etcd, then what is held besides ----------------------------------------------------

    def down_steps(self, machine: Master | ApiHost, *, together: bool = False) -> Iterable[Step]:
        """Ends etcd, and the units that are stopped with it or after it. ``together`` says that the other members are
        stopped at the same time."""
        if isinstance(machine, Master):
            yield from (leader_waits(machine),) if together else ()
            if act := self.distro.withdraw_etcd(machine.host, self.run):
                title, grace_s = "move etcd's manifest away, so that kubelet ends it", timeouts.MEMBER_GRACE_S
                yield self._withdrawal(StepName.DOWN_PODS, machine, title, act)
                yield self._processes(
                    StepName.DOWN_PROCESSES,
                    machine,
                    f"end etcd: SIGTERM again after {grace_s} s, SIGKILL after {2 * grace_s} s",
                    {"member": machine.etcd.member_path},
                    grace_s,
                )
        yield from self._unit_steps(StepName.DOWN_UNIT, machine, self.distro.down_units(machine.host))

    def is_down(self, machine: Master | ApiHost) -> Script:
        """Whether nothing of the control plane is alive on it, and nothing uses the member's data or its addresses."""
        member, addresses, ports = "", self._addresses(machine), self._api_ports(machine)
        if isinstance(machine, Master):
            etcd = machine.etcd
            member, addresses = etcd.member_path, addresses | {etcd.address}
            ports = (port_of(etcd.peer_url), port_of(etcd.client_url), *ports)
        values: Values = {"member": member, "sockets": socket_pattern(addresses, ports), "units": self.present(machine)}
        return look("down/is_down.sh", values, "nothing of the control plane is alive, and nothing uses etcd's data")

    def all_down(self, machines: Iterable[Machine]) -> Probe:
        """Whether all are stopped, and stay so."""
        return all_of(machines, self.is_down, wait_s=timeouts.STOPPED_WAIT_S, dwell_s=timeouts.STOPPED_DWELL_S)

    # --- what both share --------------------------------------------------------------------------------

    def _withdrawal(self, name: StepName, machine: Master | ApiHost, title: str, act: Script) -> Step:
        step = call_step(name, machine, title, act)
        return step.model_copy(update={"undo": "move them back"})

    def _processes(
        self, name: StepName, machine: Master | ApiHost, title: str, values: Values, seconds: int, **more: Probe
    ) -> Step:
        return script_step(
            name,
            machine,
            title,
            {**values, "seconds": str(seconds), "ender": self.distro.ender(machine.host)},
            timeout_s=2 * seconds + timeouts.MARK_S,
            rerunnable=True,
            undo="start them again",
            **more,
        )

    def _unit_steps(
        self, name: StepName, machine: Master | ApiHost, groups: Iterable[tuple[str, ...]]
    ) -> Iterable[Step]:
        present = self.present(machine)
        # systemd waits 90 s for a process that hangs; the step that follows ends it sooner.
        processes_follow = name is StepName.STOP_UNIT and not self.distro.ender(machine.host)
        stop = ("systemctl", "stop", "--no-block") if processes_follow else ("systemctl", "stop")
        for group in groups:
            if units := tuple(unit for unit in group if unit in present):
                yield Step(
                    id=f"{part_of(name, plain(units[-1]))}/{machine.name}",
                    host=machine.name,
                    title=f"stop {' and '.join(units)}",
                    act=Exec(argv=(*stop, *units), timeout_s=timeouts.STOP_UNIT_S),
                    done_if=one(machine, look("stop/is_inactive.sh", {"units": units}, "none of the units runs")),
                    rerunnable=True,
                    undo="start them again",
                )

    def present(self, machine: Master | ApiHost) -> tuple[str, ...]:
        """The units of this host that exist."""
        seen = machine.view.machine.units
        return tuple(unit for unit in units_of(self.distro, machine.host) if seen.get(unit, "not-found") != "not-found")

    def _addresses(self, machine: Master | ApiHost) -> frozenset[str]:
        return frozenset(("127.0.0.1", peer_address(machine.host, machine.view)))

    def _api_ports(self, machine: Master | ApiHost) -> tuple[int, ...]:
        return (*((machine.view.api.port,) if machine.view.api.is_there else ()), *self.distro.controller_ports)

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
        """Asks whether the host's API server is ready."""
        addresses = tuple(dict.fromkeys(("127.0.0.1", peer_address(machine.host, machine.view))))
        values: Values = {"port": str(machine.view.api.port), "addresses": addresses}
        return look("api/is_ready.sh", values, "the API server on this host says that it is ready")

    def let_go(self, machine: Master | ApiHost) -> Iterable[Step]:
        if rest := self.distro.start_controllers(machine.host, machine.view, self.run):
            yield call_step(StepName.RELEASE_START, machine, "start controller-manager and scheduler", rest)
        values: Values = {"folder": machine.host.paths.units, "units": self.present(machine)}
        yield script_step(StepName.RELEASE_HOLD, machine, "remove the drop-ins", values, rerunnable=True)


def leader_waits(master: Master) -> Step:
    """A step in which a leader waits until the others have stopped. Stopped with them, it would await a successor."""
    etcd = master.etcd
    values = {"port": str(port_of(etcd.peer_url)), **client_values(etcd)}
    title = "if this member is the leader, let the others stop first"
    return script_step(StepName.DOWN_LAST, master, title, values, rerunnable=True)


def api_host_steps(host: ApiHost, distro: Distro, run: str, undone: str = "") -> Iterable[Step]:
    """The steps that lift the hold on a host without a member, and start its API server. ``undone`` is the run that set
    the hold, if it is not this one."""
    yield script_step(StepName.API_LIFT, host, "lift the hold", {"undone": undone}, rerunnable=True)
    if api := distro.start_api(host.host, host.view, run):
        yield call_step(StepName.API_START, host, "start the API server", api)
