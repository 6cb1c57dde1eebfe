"""Hundreds of hosts at once: number of logins, order of waiting, time to close. No network, and virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
import pytest

from orchestrator.adapters.ssh import connection as ssh_line
from orchestrator.adapters.ssh import fleet as ssh
from orchestrator.adapters.ssh import known_hosts
from orchestrator.adapters.ssh.connection import Patience
from orchestrator.adapters.ssh.fleet import Fleet
from orchestrator.adapters.ssh.known_hosts import HostKeyCheck
from orchestrator.adapters.ssh.route import route
from orchestrator.core.inventory.declared import Policies, Sudo
from orchestrator.core.inventory.inventory import Host, Inventory, Role
from orchestrator.core.model.outcome import Output
from tests.sim.clock import play

TEXTS = dict.fromkeys(("host/lib/forget.sh", "host.sh", "relay.sh", "act.sh"), "")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIgRyK1IoXcMnbsGYJzVbDqD8kCo9cTcBV+dTSPLMWPh"
ONE_TRY = Patience(connect_tries=1)


@dataclass
class Network:
    """Replaces ``asyncssh.connect``. A silent host never answers, neither at login nor at close."""

    login_s: float = 0.01
    silent_s: float = 0.0
    silent: frozenset[str] = frozenset()
    under_way: int = 0
    most: int = 0
    told: list[str] = field(default_factory=list)

    async def connect(self, address: str, port: int, **_: object) -> Connection:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if self.silent_s and address in self.silent:
                await asyncio.sleep(self.silent_s)
                self.told.append(f"gave up {address}")
                raise TimeoutError
            await asyncio.sleep(self.login_s)
        finally:
            self.under_way -= 1
        self.told.append(f"opened {address}")
        return Connection(self, address)


@dataclass
class Connection:
    """The parts of a connection that the product uses. No command runs on it."""

    network: Network
    address: str

    def get_server_host_key(self) -> None:
        return None

    def get_extra_info(self, name: str, default: str) -> str:
        return default

    def is_closed(self) -> bool:
        return False

    def close(self) -> None:
        self.network.told.append(f"closing {self.address}")

    async def wait_closed(self) -> None:
        if self.address in self.network.silent:
            await asyncio.Event().wait()
        await asyncio.sleep(self.network.login_s)
        self.network.told.append(f"closed {self.address}")

    def abort(self) -> None:
        self.network.told.append(f"cut {self.address}")

    async def create_process(self, *_: object, **__: object) -> None:
        raise asyncssh.ConnectionLost("no command runs here")


def inventory(names: Sequence[str], *, sudo: Sudo = Sudo.NEVER, jump: str | None = None) -> Inventory:
    hosts = [
        Host(name=name, role=Role.WORKER, address=name, node=name, config="none", sudo=sudo, jump=jump)
        for name in names
    ]
    if jump:
        hosts.append(Host(name=jump, role=Role.BASTION, address=jump, node=jump, config="none"))
    return Inventory(format=1, cluster="many", distribution="kublr", policies=Policies(), hosts=tuple(hosts))


def network_of(monkeypatch: pytest.MonkeyPatch, network: Network) -> Network:
    monkeypatch.setattr(asyncssh, "connect", network.connect)
    return network


NAMES = [f"worker-{number}" for number in range(200)]


async def test_logins_are_bounded_and_all_hosts_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    network = network_of(monkeypatch, Network())
    async with Fleet(inventory(NAMES), TEXTS, None) as fleet:
        opened = await fleet.open(NAMES)
    assert list(opened) == NAMES and not any(isinstance(remote, Output) for remote in opened.values())
    assert network.most == ssh.MOST_LOGINS


def test_silent_hosts_do_not_delay_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are three times as many silent hosts as concurrent logins.

    If each kept its slot until it is given up, the last host would come after most of them.
    """
    monkeypatch.setattr(ssh, "SLOT_S", 0.02)
    silent = frozenset(NAMES[: 3 * ssh.MOST_LOGINS])
    network = network_of(monkeypatch, Network(silent=silent, silent_s=3.0))

    async def story() -> dict[str, object]:
        async with Fleet(inventory(NAMES), TEXTS, None, patience=ONE_TRY) as fleet:
            return dict(await fleet.open(NAMES))

    opened = play(story())
    assert {name for name, remote in opened.items() if isinstance(remote, Output)} == silent
    assert network.told.index(f"opened {NAMES[-1]}") < network.told.index(f"gave up {NAMES[0]}")


@pytest.mark.parametrize("sudo", [Sudo.NEVER, Sudo.AUTO], ids=["hosts", "logins that cannot become root"])
def test_fifty_silent_hosts_are_closed_in_time_of_one(monkeypatch: pytest.MonkeyPatch, sudo: Sudo) -> None:
    monkeypatch.setattr(ssh_line, "GOODBYE_S", 0.2)
    names = NAMES[:50]
    network = network_of(monkeypatch, Network(silent=frozenset(names)))

    async def story() -> tuple[dict[str, object], float]:
        loop = asyncio.get_running_loop()
        async with Fleet(inventory(names, sudo=sudo), TEXTS, None) as fleet:
            opened = await fleet.open(names)
            began = loop.time()
        return dict(opened), loop.time() - began

    opened, took_s = play(story())
    assert took_s < 2 * 0.2
    assert all(isinstance(remote, Output) for remote in opened.values()) == (sudo is Sudo.AUTO)
    assert sum(told.startswith("cut ") for told in network.told) == 50


async def test_bastion_is_closed_after_hosts_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    network = network_of(monkeypatch, Network())
    names = NAMES[:5]
    async with Fleet(inventory(names, sudo=Sudo.AUTO, jump="gate"), TEXTS, None) as fleet:
        await fleet.open(names)
    assert network.told.index("closing gate") > max(network.told.index(f"closed {name}") for name in names)


def test_known_hosts_file_is_read_once_for_all_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "known_hosts"
    file.write_text("".join(f"{name} {KEY}\n" for name in NAMES[:100]))
    read: list[Path] = []
    load = known_hosts._load

    def counted(known: asyncssh.SSHKnownHosts, path: Path) -> None:
        read.append(path)
        load(known, path)

    monkeypatch.setattr(known_hosts, "_load", counted)

    def knows(name: str) -> bool:
        host = Host(name=name, role=Role.WORKER, address=name, node=name, config="none", known_hosts=(str(file),))
        check = HostKeyCheck(route(host, inventory([name])))
        return bool(check.known.match(name, "", None)[0])

    assert [knows(name) for name in NAMES] == [True] * 100 + [False] * 100
    assert read.count(file) == 1
    with file.open("a") as more:
        more.write(f"{NAMES[-1]} {KEY}\n")
    assert knows(NAMES[-1]), "a key that was added meanwhile"
