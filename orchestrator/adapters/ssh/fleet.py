"""Hosts over SSH: `Fleet` opens the connections of an inventory, `SshRemote` is one host.

An act survives its connection, so a broken connection is reopened and the act joined; see ``templates/host.sh``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from orchestrator.adapters.ssh.carrier import SshCarrier
from orchestrator.adapters.ssh.connection import Line, NoAnswerError, Patience
from orchestrator.adapters.ssh.packing import Limit
from orchestrator.adapters.ssh.remote import SshRemote
from orchestrator.adapters.ssh.route import Endpoint, route
from orchestrator.adapters.ssh.shell import AskPassword, Shell
from orchestrator.core.inventory.inventory import Host, Inventory
from orchestrator.core.model.outcome import Output
from orchestrator.core.timeouts import CONNECT_S
from orchestrator.core.transfer.relay import Relay
from orchestrator.ports import Remote

MOST_LOGINS = 16
"""Concurrent logins: a key on a token makes about three signatures a second, and a login has 10 s."""

SLOT_S = CONNECT_S / 2
"""How long a login delays others. A host that is silent for longer costs neither CPU nor signatures."""


class Fleet:
    """The connections to an inventory's hosts: one per host, and one per bastion for all hosts behind it.

    ``texts`` holds the templates. ``sudo_password`` is called with a host's name, only if sudo wants a password,
    and for one host at a time.
    """

    def __init__(
        self,
        inventory: Inventory,
        texts: Mapping[str, str],
        sudo_password: Callable[[str], str] | None,
        *,
        patience: Patience | None = None,
    ) -> None:
        self._inventory = inventory
        self._texts = texts
        self._sudo_password = sudo_password
        self._patience = patience or Patience()
        self._lines: dict[Endpoint, Line] = {}
        self._ways: dict[str, Line] = {}
        self._remotes: dict[str, SshRemote] = {}
        self._logins = asyncio.Semaphore(MOST_LOGINS)
        self._asking = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(remote.close() for remote in self._remotes.values()))
        left = list(self._lines.items())  # logins without a remote, and bastions: each after the hosts behind it
        while left:
            ways = {endpoint.via for endpoint, _ in left}
            await asyncio.gather(*(line.close() for endpoint, line in left if endpoint not in ways))
            left = [(endpoint, line) for endpoint, line in left if endpoint in ways]

    async def open(self, hosts: Sequence[str]) -> dict[str, Remote | Output]:
        """Log in to all hosts at once. A host that fails is an Output that says why. Raises UsageError."""
        lines = [self._way(name) for name in hosts]
        opened = await asyncio.gather(
            *(self._open(self._inventory.host(name), line) for name, line in zip(hosts, lines, strict=True))
        )
        return dict(zip(hosts, opened, strict=True))

    def host_key(self, name: str) -> str:
        """Return the fingerprint of the host key that a host has shown; empty before it was opened."""
        return self._way(name).host_key

    def _way(self, name: str) -> Line:
        """Return the line to a host, cached: computing it reads the ssh_config."""
        if name not in self._ways:
            self._ways[name] = self._line(route(self._inventory.host(name), self._inventory))
        return self._ways[name]

    def public_key(self, name: str) -> str:
        """Return the same key in known_hosts format: `ssh-ed25519 AAAA...`."""
        return self._way(name).public_key

    def port(self, name: str) -> int:
        """Return the port of a host's sshd, as the laptop reaches it."""
        return self._way(name).endpoint.port

    def carrier(self, relay: Relay, bytes_per_s: float = 0) -> SshCarrier:
        """Return a carrier for chains of the open hosts; each must be settled first."""
        return SshCarrier({name: remote.end for name, remote in self._remotes.items()}, relay, Limit(bytes_per_s))

    def _line(self, endpoint: Endpoint) -> Line:
        if endpoint not in self._lines:
            via = self._line(endpoint.via) if endpoint.via else None
            self._lines[endpoint] = Line(endpoint, via, self._patience)
        return self._lines[endpoint]

    async def _open(self, host: Host, line: Line) -> Remote | Output:
        shell = Shell(line, self._patience, self._asker(host.name))
        try:
            await self._log_in(line)
            if host.name not in self._remotes:
                await shell.find_root(host.sudo)
                self._remotes[host.name] = SshRemote(host, shell, self._texts)
        except NoAnswerError as error:
            return error.output()
        return self._remotes[host.name]

    async def _log_in(self, line: Line) -> None:
        """Log in within the limit of concurrent logins. Raises NoAnswerError."""
        async with self._logins:
            opening = asyncio.create_task(line.open())
            try:
                await asyncio.wait((opening,), timeout=SLOT_S)
            except asyncio.CancelledError:
                opening.cancel()
                raise
        await opening

    def _asker(self, host: str) -> AskPassword | None:
        ask = self._sudo_password
        if ask is None:
            return None

        async def password() -> str:
            async with self._asking:  # one prompt at a time; in a thread, so that keep-alives continue
                return await asyncio.to_thread(ask, host)

        return password
