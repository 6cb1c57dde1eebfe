"""Picks the adapters, draws ids, reads the clock: the only place where the program meets the world."""

from __future__ import annotations

import asyncio
import getpass
import os
import re
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import platformdirs

from orchestrator.adapters.clock import SystemClock
from orchestrator.adapters.journal import FileJournal
from orchestrator.adapters.ssh.fleet import Fleet
from orchestrator.adapters.templates import read_templates
from orchestrator.core.hosts.distro import Distro
from orchestrator.core.inventory.inventory import Host, Inventory, Role
from orchestrator.core.model.plan import Output
from orchestrator.core.scripts import Scripts
from orchestrator.core.transfer.relay import Relay
from orchestrator.distros import DISTROS
from orchestrator.engine.coordinator import Stop
from orchestrator.engine.observe import refuse_silent
from orchestrator.errors import LoginError, RefusedError
from orchestrator.ports import Carrier, Remote, Reporter


@dataclass(slots=True)
class Cluster:
    """The cluster of one command: its inventory, the open connections, what the hosts may be told."""

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

    def leave_out(self, names: Collection[str]) -> Cluster:
        """The same cluster and connections, without these masters."""
        return replace(self, inventory=self.inventory.leave_out(names))

    def refuse_silent_masters(self) -> None:
        """Raises UnreachableError or LoginError where a master could not be opened."""
        masters = {host.name for host in self.inventory.stopped}
        refuse_silent({name: it for name, it in self.opened.items() if name in masters and isinstance(it, Output)})


@asynccontextmanager
async def open_cluster(inventory: Inventory, reporter: Reporter) -> AsyncIterator[Cluster]:
    """Logs in to every master and worker at once. Raises RefusedError."""
    distro = DISTROS.get(inventory.distribution)
    if distro is None:
        raise RefusedError(f"there is no distribution {inventory.distribution}", f"name one of {', '.join(DISTROS)}")
    templates = read_templates()
    names = [host.name for host in inventory.hosts if host.role is not Role.BASTION]
    stop = Stop()
    with _signals(stop):
        async with Fleet(inventory, templates, _sudo_password(inventory)) as fleet:
            reporter.note(f"connecting to {len(names)} hosts")
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


_last_signal = 0


def last_signal() -> int:
    """The newest signal that this process was sent; 0 for none."""
    return _last_signal


class _signals:  # noqa: N801 - used as a statement
    """First SIGINT or SIGTERM: no new steps. A second one, or SIGHUP at once: leave now; hosts finish by themselves."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._task = asyncio.current_task()

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._handle, number)

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)

    def _handle(self, number: int) -> None:
        global _last_signal
        _last_signal = number
        again = bool(self._stop.signal_number)
        self._stop.signal_number = number
        if again or number == signal.SIGHUP or not self._stop.gracefully:
            if self._task:
                self._task.cancel()
            return
        print(
            "\ninterrupt received: what is under way is brought to its end; once more to leave at once",
            file=sys.stderr,
        )


def _sudo_password(inventory: Inventory) -> Callable[[str], str]:
    """Asks on the terminal, or reads the file that ORCHESTRATOR_SUDO_PASSWORD_FILE names; one answer for all hosts."""
    known: list[str] = []

    def ask(host: str) -> str:
        if not known:
            known.append(_read_password(inventory.host(host)))
        return known[0]

    return ask


def _read_password(host: Host) -> str:
    if name := os.environ.get("ORCHESTRATOR_SUDO_PASSWORD_FILE"):
        path = Path(name)
        if path.stat().st_mode & 0o077:
            raise LoginError(f"{path} can be read by others", f"chmod 600 {path}")
        return path.read_text(encoding="utf-8").rstrip("\n")
    if not sys.stdin.isatty():
        raise LoginError(
            f"{host.name}: sudo wants a password, and there is no terminal to ask on",
            "set ORCHESTRATOR_SUDO_PASSWORD_FILE to a file that only you can read",
        )
    return getpass.getpass(f"sudo password for {host.user or getpass.getuser()} on {host.name}: ")


async def ask(question: str) -> str:
    """One typed line, without the blanks around it. Connections stay alive meanwhile, and a signal ends it."""
    print(f"\n{question}", end="", file=sys.stderr, flush=True)
    loop = asyncio.get_running_loop()
    typed: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        if not typed.done():
            typed.set_result(sys.stdin.readline())

    loop.add_reader(sys.stdin, read)
    try:
        return (await typed).strip()
    finally:
        loop.remove_reader(sys.stdin)


def new_run(clock: SystemClock) -> str:
    """A run's id: when it was planned, and four hex digits; fit for file names."""
    return f"{clock.now_utc().replace('-', '').replace(':', '').lower()}-{secrets.token_hex(2)}"


def new_attempt(number: int) -> str:
    """An attempt: its number, and a nonce that tells two laptops with the same number apart."""
    return f"{number}-{secrets.token_hex(3)}"


def laptop() -> str:
    """Who is at work, for the eyes of others; without what would need quoting in the claim's JSON."""
    return re.sub(r"[^A-Za-z0-9@._-]", "_", f"{getpass.getuser()}@{socket.gethostname()}")


def run_folder(cluster: str, run: str) -> Path:
    """The laptop's own folder of a run."""
    return platformdirs.user_state_path("orchestrator") / cluster / run


def open_journal(cluster: str, run: str, clock: SystemClock) -> FileJournal:
    return FileJournal(run_folder(cluster, run), clock.now_utc)
