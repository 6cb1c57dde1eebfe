"""The cluster of a command: chooses the adapters and opens the connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from orchestrator.adapters.clock import SystemClock
from orchestrator.adapters.ssh.fleet import Fleet
from orchestrator.adapters.templates import read_templates
from orchestrator.app.terminal import stop_on_signals, sudo_password
from orchestrator.core.hosts.distro import Distro
from orchestrator.core.inventory.inventory import Inventory, Role
from orchestrator.core.model.outcome import Command, Output
from orchestrator.core.model.plan import Script
from orchestrator.core.scripts import Scripts
from orchestrator.core.text import count
from orchestrator.core.transfer.relay import Relay
from orchestrator.distros import DISTROS
from orchestrator.engine.observe import Seen, observe, refuse_silent
from orchestrator.engine.stop import Stop
from orchestrator.errors import RefusedError
from orchestrator.ports import Carrier, Remote, Reporter


@dataclass(slots=True)
class Cluster:
    """The cluster of one command: its inventory, its open connections, and the scripts for its hosts."""

    inventory: Inventory
    distro: Distro
    scripts: Mapping[str, str]
    opened: dict[str, Remote | Output]
    clock: SystemClock
    reporter: Reporter
    stop: Stop = field(default_factory=Stop)
    host_key: Callable[[str], str] = lambda _: ""
    public_key: Callable[[str], str] = lambda _: ""
    ssh_port: Callable[[str], int] = lambda _: 0
    carrier: Callable[[Relay, float], Carrier] | None = None

    @property
    def remotes(self) -> dict[str, Remote]:
        """The hosts that answer."""
        return {name: remote for name, remote in self.opened.items() if not isinstance(remote, Output)}

    def command(self, script: Script) -> Command:
        """The command that runs this script."""
        return script.command(self.scripts[script.file])

    async def look(self, host: str, script: Script) -> Output:
        """The host's answer to a read-only script, or the reason why there is none."""
        remote = self.opened[host]
        return remote if isinstance(remote, Output) else await remote.look(self.command(script))

    async def observe(self, hosts: Collection[str] | None = None) -> Seen:
        """Look at all hosts, or at these, in one round. Raises UnreachableError or LoginError if a master does not
        answer."""
        opened = {name: it for name, it in self.opened.items() if hosts is None or name in hosts}
        return await observe(self.inventory, opened, self.distro, self.scripts, self.clock)

    def leave_out(self, names: Collection[str]) -> Cluster:
        """The same cluster and connections, without these masters."""
        return replace(self, inventory=self.inventory.leave_out(names))

    def refuse_silent_masters(self) -> None:
        """Raises UnreachableError or LoginError if there is no connection to a master."""
        masters = {host.name for host in self.inventory.stopped}
        refuse_silent({name: it for name, it in self.opened.items() if name in masters and isinstance(it, Output)})


@asynccontextmanager
async def open_cluster(inventory: Inventory, reporter: Reporter) -> AsyncIterator[Cluster]:
    """Logs in to every master and worker at once. Raises RefusedError."""
    distro = DISTROS.get(inventory.distribution)
    if distro is None:
        raise RefusedError(f"unknown distribution {inventory.distribution} (expected one of {', '.join(DISTROS)})")
    templates = read_templates()
    names = [host.name for host in inventory.hosts if host.role is not Role.BASTION]
    stop = Stop()
    with stop_on_signals(stop):
        async with Fleet(inventory, templates, sudo_password(inventory)) as fleet:
            reporter.note(f"connecting to {count(len(names), 'host')}")
            yield Cluster(
                inventory=inventory,
                distro=distro,
                scripts=Scripts(templates),
                opened=await fleet.open(names),
                clock=SystemClock(),
                reporter=reporter,
                stop=stop,
                host_key=fleet.host_key,
                public_key=fleet.public_key,
                ssh_port=fleet.port,
                carrier=fleet.carrier,
            )
