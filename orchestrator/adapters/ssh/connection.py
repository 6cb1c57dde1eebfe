"""One SSH connection: opened when needed, reopened when broken, shared by all hosts on that route."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path

import asyncssh
from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)
from tenacity.stop import StopBaseT

from orchestrator.adapters.ssh.known_hosts import HostKeyCheck, fingerprint
from orchestrator.adapters.ssh.route import Endpoint
from orchestrator.core.model.outcome import Failure, Output
from orchestrator.core.timeouts import BEAT_S, CONNECT_S, GOODBYE_S, JOIN_S, UNANSWERED_S

log = logging.getLogger(__name__)

_CIPHERS = "^aes256-gcm@openssh.com,aes128-gcm@openssh.com"
"""AES-GCM before the other defaults: it takes one call of OpenSSL per packet, where asyncssh's ChaCha20, otherwise
first, takes four. On an idle machine, sending a GiB costs 3.2 s of CPU instead of 7.6, and sshd 1.5 s instead of
3.6."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a host, in seconds.

    ``unanswered_s`` bounds the attempts to reconnect to a host that has answered before; ``join_s`` is how long one
    request for the end of an act may stay open.
    """

    connect_timeout_s: float = CONNECT_S
    connect_tries: int = 3
    unanswered_s: float = UNANSWERED_S
    keepalive_s: float = BEAT_S
    heartbeat_s: float = BEAT_S
    join_s: int = JOIN_S


class NoAnswerError(Exception):
    """A host gave no answer. It never leaves the adapter: each verb turns it into a value."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail

    def output(self) -> Output:
        return Output(None, failure=self.failure, detail=self.detail)


def is_worth_retrying(error: BaseException) -> bool:
    """Return whether a retry can help: a broken network can recover, a refused login cannot."""
    return isinstance(error, NoAnswerError) and error.failure is Failure.UNREACHABLE


class Line:
    """The connection to one endpoint, through the line to its bastion."""

    def __init__(self, endpoint: Endpoint, via: Line | None, patience: Patience) -> None:
        self.endpoint = endpoint
        self.host_key = ""
        self.public_key = ""
        self.login = ""
        self._via = via
        self._patience = patience
        self._lock = asyncio.Lock()
        self._connection: asyncssh.SSHClientConnection | None = None

    async def open(self) -> None:
        """Connect for the first time, with a few attempts. Raises NoAnswerError."""
        await self._retrying(stop_after_attempt(self._patience.connect_tries))(self.connection)

    async def reopen(self) -> None:
        """Reconnect to a host that has answered before, within our patience. Raises NoAnswerError."""
        await self._retrying(stop_after_delay(self._patience.unanswered_s))(self.connection)

    def _retrying(self, stop: StopBaseT) -> AsyncRetrying:
        wait = wait_random_exponential(0.2, max=3)
        return AsyncRetrying(stop=stop, wait=wait, retry=retry_if_exception(is_worth_retrying), reraise=True)

    async def connection(self) -> asyncssh.SSHClientConnection:
        """Return the live connection, with one attempt to open it if there is none. Raises NoAnswerError."""
        async with self._lock:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._connect()
            return self._connection

    def abort(self) -> None:
        """Drop a connection that does not answer, without closing it properly."""
        if self._connection is not None:
            self._connection.abort()
            self._connection = None

    async def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()
            try:
                async with asyncio.timeout(GOODBYE_S):
                    await connection.wait_closed()
            except TimeoutError:
                connection.abort()

    async def _connect(self) -> asyncssh.SSHClientConnection:
        tunnel = await self._via.connection() if self._via else None
        check = HostKeyCheck(self.endpoint)
        try:
            connection = await self._login(check, tunnel)
        except (asyncssh.Error, OSError, ValueError) as error:
            failure, why = _reason(error, check)
            if failure is Failure.LOGIN:
                why += _locked_keys(self.endpoint)
            raise NoAnswerError(failure, f"{self.endpoint.name} ({self.endpoint}): {why}") from error
        self.login = connection.get_extra_info("username", "")
        key = connection.get_server_host_key()
        self.host_key = fingerprint(key) if key else ""
        self.public_key = " ".join(key.export_public_key().decode().split()[:2]) if key else ""
        return connection

    async def _login(
        self, check: HostKeyCheck, tunnel: asyncssh.SSHClientConnection | None
    ) -> asyncssh.SSHClientConnection:
        endpoint, patience = self.endpoint, self._patience
        async with asyncio.timeout(2 * patience.connect_timeout_s):
            return await asyncssh.connect(
                endpoint.address,
                endpoint.port,
                client_factory=lambda: check,
                config=list(endpoint.configs),
                known_hosts=check.known,
                server_host_key_algs=check.algorithms,
                encryption_algs=() if endpoint.ciphers else _CIPHERS,  # an argument would override the ssh_config
                tunnel=tunnel,
                username=endpoint.user or (),
                client_keys=list(endpoint.keys) or (),
                ignore_encrypted=True,
                agent_forwarding=False,
                x11_forwarding=False,
                # Large data is already compressed, and zlib here would block the event loop: 38 s per GiB.
                compression_algs=("none", "zlib@openssh.com"),
                request_pty=False,
                command=None,
                connect_timeout=patience.connect_timeout_s,
                login_timeout=patience.connect_timeout_s,
                keepalive_interval=patience.keepalive_s,
                keepalive_count_max=3,
            )


def _reason(error: Exception, check: HostKeyCheck) -> tuple[Failure, str]:
    """Return why the login failed, most specific first: asyncssh's errors overlap."""
    text = str(error) or type(error).__name__
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return Failure.HOST_KEY, check.refusal()
    if isinstance(error, asyncssh.KeyExchangeFailed) and "host key" in text:
        return Failure.HOST_KEY, check.refusal()
    if isinstance(error, asyncssh.PermissionDenied | asyncssh.KeyImportError | asyncssh.KeyEncryptionError):
        return Failure.LOGIN, f"login refused: {text}"
    if "too many authentication failures" in text.lower():
        return Failure.LOGIN, f"{text}: the ssh-agent offers too many keys; set `key:` and IdentitiesOnly"
    if isinstance(error, OSError) and error.filename:
        return Failure.LOGIN, f"cannot read a key or its configuration: {text}"
    if isinstance(error, TimeoutError):
        return Failure.UNREACHABLE, "no answer in time"
    return Failure.UNREACHABLE, _network_error(error) or text


def _network_error(error: Exception) -> str:
    """Return `no route to host` and the like; asyncio buries it in "[Errno 113] Connect call failed (...)"."""
    if isinstance(error, socket.gaierror):
        return f"cannot resolve the address: {error.strerror}"
    numbers = dict.fromkeys(re.findall(r"\[Errno (\d+)\]", str(error)))  # one for each address of the name
    return ", ".join(os.strerror(int(number)).lower() for number in numbers)


def _locked_keys(endpoint: Endpoint) -> str:
    """Return the most likely cause of a refused login: a key with a passphrase that is in no agent."""
    files = [Path(key) for key in endpoint.keys] or sorted(Path("~/.ssh").expanduser().glob("id_*"))
    for file in files:
        if file.suffix == ".pub":
            continue
        try:
            asyncssh.read_private_key(file)
        except asyncssh.KeyImportError as error:
            if str(error).startswith("Passphrase"):
                return f"; {file} has a passphrase: run `ssh-add {file}`"
        except OSError:
            continue
    return ""
