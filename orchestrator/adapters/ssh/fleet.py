"""Hosts over SSH: `Fleet` opens the connections of an inventory, `SshRemote` is one host.

An act outlives its connection, so a broken one is opened again and the act joined; see ``templates/host.sh``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

import asyncssh

from orchestrator.adapters.ssh.connection import Line, NoAnswerError, Patience
from orchestrator.adapters.ssh.push import Pusher, Target
from orchestrator.adapters.ssh.relay import End, Limit, SshCarrier
from orchestrator.adapters.ssh.route import Endpoint, route
from orchestrator.adapters.ssh.shell import AskPassword, Shell, call_line, look_words, run_text
from orchestrator.core.inventory.inventory import Host, Inventory
from orchestrator.core.model.plan import Command, Ended, Failure, Outcome, Output, Settled
from orchestrator.core.runs.markers import fenced, parse_join, parse_settle
from orchestrator.core.timeouts import CONNECT_S, GRACE_S, SLACK_S
from orchestrator.core.transfer.relay import Relay
from orchestrator.ports import HostError, Progress, Remote, Source

log = logging.getLogger(__name__)

MOST_LOGINS = 16
"""Logins at once: a key on a token signs some three times a second, and a login has 10 s."""

SLOT_S = CONNECT_S / 2
"""So long a login keeps others waiting. A host that is silent for longer costs neither processor nor signatures."""


class SshRemote:
    """One host behind SSH; implements ``Remote``."""

    def __init__(self, host: Host, shell: Shell, texts: Mapping[str, str]) -> None:
        self._host = host
        self._shell = shell
        self._functions = "\n".join((texts["host/forget.sh"], texts["host.sh"]))
        self._relaying = texts["relay.sh"]
        self._wrapper = texts["act.sh"]
        self._run = ""
        self._fenced_by = ""
        self._heartbeat: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return self._host.name

    async def look(self, command: Command) -> Output:
        words, text = look_words(command)
        try:
            return await self._shell.ask_again(words, text, as_root=command.as_root, timeout_s=command.timeout_s)
        except NoAnswerError as error:
            detail = error.detail
            if error.failure is Failure.TIMEOUT:
                detail = f"{self.name}: {' '.join(command.argv)} took longer than {command.timeout_s:g} s"
            return Output(None, failure=error.failure, detail=detail)

    async def act(self, step: str, attempt: str, command: Command) -> Outcome:
        place = (self._host.paths.state, self._bound_run(), attempt, step)
        limit_s = math.ceil(command.timeout_s)
        values = (*place, limit_s, int(command.lets_go), self._wrapper, run_text(command))
        give_up = time.monotonic() + limit_s + GRACE_S
        while time.monotonic() < give_up:
            outcome = await self._join(values)
            if outcome is not None:
                return outcome
        return Outcome(Ended.LOST, detail=f"{self.name}: {step} has not ended {GRACE_S:g} s after its time")

    async def _join(self, values: tuple[object, ...]) -> Outcome | None:
        """Hand the act over, or join it, for a while; None where it has not ended by then."""
        if self._fenced_by:
            return Outcome(Ended.FENCED, detail=fenced(self._fenced_by))
        join_s = self._shell.patience.join_s
        try:
            output = await self._shell.call(self._functions, "act", join_s, *values, timeout_s=join_s + SLACK_S)
            outcome = parse_join(output.text)
        except NoAnswerError as error:
            return Outcome(Ended.LOST, detail=error.detail)
        except ValueError as error:
            return Outcome(Ended.LOST, detail=f"{self.name}: {error}: {_said(output)}")
        if outcome is not None and outcome.ended is Ended.FAILED and outcome.exit_code is None:
            return replace(outcome, log=_said(output), detail=f"{outcome.detail}: {_said(output)}")
        return outcome

    async def push(
        self, source: Source, path: str, sha256: str, attempt: str, progress: Progress | None = None
    ) -> Outcome:
        if self._fenced_by:
            return Outcome(Ended.FENCED, detail=fenced(self._fenced_by))
        try:
            sha256 = sha256 or await source.sha256(source.size_bytes)
        except HostError as error:
            return Outcome(Ended.FAILED, detail=str(error))
        target = Target(self._host.paths.state, self._bound_run(), attempt, path, sha256)
        return await Pusher(self._shell, self._functions, source, target).push(progress)

    def end(self) -> End:
        """What a chain from host to host needs of this one, after a settle."""
        return End(self._shell, f"{self._functions}\n{self._relaying}", self._host.paths.state, self._bound_run())

    async def read(self, path: str) -> AsyncIterator[bytes]:
        try:
            async with self._shell.channel(("cat", "--", path)) as process:
                process.stdin.write_eof()
                while chunk := await process.stdout.read(256 * 1024):
                    yield chunk
                stderr = await process.stderr.read()
                await process.wait_closed()
                exit_code = self._shell.exit_code(process)
        except (NoAnswerError, asyncssh.Error, OSError) as error:
            raise HostError(f"{self.name}: cannot read {path}: {error}") from error
        if exit_code:
            raise HostError(f"{self.name}: cannot read {path}: {stderr.decode('utf-8', 'replace').strip()}")

    async def settle(self, run: str, attempt: str, wait_s: float) -> Settled:
        await self._stop_heartbeat()
        self._run, self._fenced_by = run, ""
        place = (self._host.paths.state, run, attempt)
        values = (*place, math.ceil(wait_s))
        try:
            output = await self._shell.call(self._functions, "settle", *values, timeout_s=wait_s + SLACK_S)
            settled = parse_settle(output.text)
        except NoAnswerError as error:
            return Settled(failure=error.failure, detail=error.detail)
        except ValueError as error:
            return Settled(failure=Failure.UNREACHABLE, detail=f"{self.name}: {error}: {_said(output)}")
        self._fenced_by = settled.fenced_by
        if settled.ok:
            self._heartbeat = asyncio.create_task(self._beat(call_line("heartbeat", *place)))
        return settled

    async def close(self) -> None:
        await self._stop_heartbeat()
        await self._shell.line.close()

    def _bound_run(self) -> str:
        if not self._run:
            raise RuntimeError(f"{self.name}: an act or a push needs a settle before it")
        return self._run

    async def _stop_heartbeat(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._heartbeat
            self._heartbeat = None

    async def _beat(self, line: str) -> None:
        """Send a line every so often, over a new connection when one breaks, until a later attempt fences us."""
        words = ("sh", "-c", f"{self._functions}\n{line}")
        every_s = self._shell.patience.heartbeat_s
        while not self._fenced_by:
            try:
                async with self._shell.channel(words) as process:
                    while not self._fenced_by:
                        process.stdin.write(b"\n")
                        async with asyncio.timeout(every_s):
                            answer = (await process.stdout.readline()).decode().split()
                        if not answer:
                            raise self._shell.broken("the heartbeat's channel has closed")
                        if answer[0] == "fenced":
                            self._fenced_by = answer[1]
                        await asyncio.sleep(every_s)
            except (NoAnswerError, asyncssh.Error, OSError) as error:
                log.info("%s: heartbeat: %s", self.name, error)
                await asyncio.sleep(min(1.0, every_s))


def _said(output: Output) -> str:
    return output.stderr.decode("utf-8", "replace").strip()


class Fleet:
    """The connections to an inventory's hosts: one for each host, and one for each bastion whoever goes through.

    ``texts`` holds the templates. ``sudo_password`` is asked for a host's password by its
    name, only where sudo wants one, and for one host at a time.
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
        left = list(self._lines.items())  # logins without a remote, and bastions: each after those who go through it
        while left:
            ways = {endpoint.via for endpoint, _ in left}
            await asyncio.gather(*(line.close() for endpoint, line in left if endpoint not in ways))
            left = [(endpoint, line) for endpoint, line in left if endpoint in ways]

    async def open(self, hosts: Sequence[str]) -> dict[str, Remote | Output]:
        """Log in to all of them at once. A host that fails is an Output that says why. Raises UsageError."""
        lines = [self._way(name) for name in hosts]
        opened = await asyncio.gather(
            *(self._open(self._inventory.host(name), line) for name, line in zip(hosts, lines, strict=True))
        )
        return dict(zip(hosts, opened, strict=True))

    def host_key(self, name: str) -> str:
        """The fingerprint of the host key that a host has shown; empty before it was opened."""
        return self._way(name).host_key

    def _way(self, name: str) -> Line:
        """The line to a host, worked out once: each time it costs a reading of the ssh_config."""
        if name not in self._ways:
            self._ways[name] = self._line(route(self._inventory.host(name), self._inventory))
        return self._ways[name]

    def public_key(self, name: str) -> str:
        """The same key, as a known_hosts file has it: `ssh-ed25519 AAAA...`."""
        return self._way(name).public_key

    def port(self, name: str) -> int:
        """The port of a host's sshd, as the laptop reaches it."""
        return self._way(name).endpoint.port

    def carrier(self, relay: Relay, bytes_per_s: float = 0) -> SshCarrier:
        """Brings files along chains of the hosts that were opened, once each is settled."""
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
        """Raises NoAnswerError."""
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
            async with self._asking:  # one prompt at a time; in a thread, so that keep-alives go on
                return await asyncio.to_thread(ask, host)

        return password
