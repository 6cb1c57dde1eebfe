"""A small Kublr cluster on this machine: three masters with a TLS etcd, two workers, SSH on all of them."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from tests.demo import etcd, host_files
from tests.demo.certificates import Authority
from tests.demo.etcd import Member, SilentError
from tests.demo.hosts import Host, Site
from tests.demo.inventory import inventory

NAME = "demo"
POWER_CYCLE_S = 3.0  # a machine that is back within a second would not look as if it had been away
POLL_S = 0.2


class NotUpError(Exception):
    """The cluster, or one of its hosts, did not come up in time."""


def hosts(subnet: str, masters: int = 3, workers: int = 2) -> tuple[Host, ...]:
    """Return the cluster's hosts; members count from 0, hosts from 1. ``subnet`` is the first three bytes."""
    return (
        *(Host(f"master-{n}", f"{subnet}.{10 + n}", f"etcd{n - 1}") for n in range(1, masters + 1)),
        *(Host(f"worker-{n}", f"{subnet}.{20 + n}") for n in range(1, workers + 1)),
    )


def ports(site: type[Site], host: Host) -> tuple[int, ...]:
    """Return the TCP ports on which a host's programs listen."""
    return (site.ssh_port, *((etcd.PORT, etcd.PEER_PORT, host_files.API_PORT) if host.member else ()))


@dataclass(slots=True)
class Cluster:
    """The hosts of a site, switched on and off together."""

    site: Site
    _powered: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def laptop(self) -> Path:
        """The operator's folder: key, known_hosts, a client certificate of etcd."""
        return self.site.folder / "laptop"

    @property
    def inventory(self) -> Path:
        return self.site.folder / "inventory.yml"

    @property
    def masters(self) -> tuple[Host, ...]:
        return tuple(host for host in self.site.hosts if host.member)

    def make(self) -> None:
        """Write every file of a new cluster; an older one in the folder is removed."""
        for old in ("hosts", "laptop"):
            shutil.rmtree(self.site.folder / old, ignore_errors=True)
        self.laptop.mkdir(parents=True, mode=0o700)
        operator = asyncssh.generate_private_key("ssh-ed25519")
        operator.write_private_key(str(self.laptop / "id_ed25519"))
        authority = Authority.new("demo authority")
        (self.laptop / "ca.crt").write_bytes(authority.pem)
        authority.issue(self.laptop / "client", ["laptop"])
        trust = host_files.Trust(authority, operator)
        keys = {host.address: host_files.write_host_files(self.site, host, trust) for host in self.site.hosts}
        known = "".join(f"{self._known_as(address)} {key}\n" for address, key in keys.items())
        (self.laptop / "known_hosts").write_text(known)
        self.inventory.write_text(inventory(NAME, self.site))

    def _known_as(self, address: str) -> str:
        return address if self.site.ssh_port == 22 else f"[{address}]:{self.site.ssh_port}"

    async def switch_on(self) -> None:
        """Switch every host on; a host that reboots comes back. Raises NotUpError if one does not answer."""
        self.site.prepare()
        for host in self.site.hosts:
            self._powered[host.name] = asyncio.create_task(self._power(host))
        await asyncio.gather(*(self.answers(host) for host in self.site.hosts))

    async def _power(self, host: Host) -> None:
        while True:
            process = self._processes[host.name] = self.site.switch_on(host)
            while process.poll() is None:
                await asyncio.sleep(POLL_S)
            await asyncio.sleep(POWER_CYCLE_S)

    async def switch_off(self) -> None:
        """End everything that runs for this cluster."""
        for power in self._powered.values():
            power.cancel()
        for process in self._processes.values():
            self.site.switch_off(process)

    async def answers(self, host: Host, patience_s: float = 20.0) -> None:
        until = time.monotonic() + patience_s
        while True:
            try:
                await self.run(host, "true")
            except (OSError, asyncssh.Error) as error:
                if time.monotonic() > until:
                    raise NotUpError(f"{host.name} does not answer on {host.address}: {error}") from error
                await asyncio.sleep(POLL_S)
            else:
                return

    @contextlib.asynccontextmanager
    async def connected(self, host: Host) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """A connection of the operator to one host."""
        async with asyncssh.connect(
            host.address,
            self.site.ssh_port,
            username="root",
            client_keys=[str(self.laptop / "id_ed25519")],
            known_hosts=str(self.laptop / "known_hosts"),
            agent_path=None,
            config=None,
        ) as connection:
            yield connection

    async def run(self, host: Host, command: str) -> str:
        """Return what a shell command on the host prints. Raises asyncssh.ProcessError if it fails."""
        async with self.connected(host) as connection:
            result = await connection.run(command, check=True)
        return str(result.stdout)

    def member(self, host: Host) -> Member:
        """Return the client port of the host's etcd member."""
        context = ssl.create_default_context(cafile=str(self.laptop / "ca.crt"))
        context.load_cert_chain(self.laptop / "client.crt", self.laptop / "client.key")
        return Member(host.address, context)

    async def healthy(self, masters: Iterable[Host], patience_s: float = 30.0) -> None:
        """Wait until each of these members answers for the quorum. Raises NotUpError."""
        until = time.monotonic() + patience_s
        for host in masters:
            while True:
                try:
                    await asyncio.to_thread(self.member(host).revision)
                    break
                except SilentError as error:
                    if time.monotonic() > until:
                        raise NotUpError(f"etcd on {host.name}: {error}") from error
                    await asyncio.sleep(POLL_S)
