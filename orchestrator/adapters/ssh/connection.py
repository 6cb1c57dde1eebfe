"""One SSH connection that is opened when needed, opened again when broken, and shared by all who go that way."""

from __future__ import annotations

import asyncio
import logging
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
"""AES-GCM before the other defaults: one call of OpenSSL for a packet, where asyncssh's ChaCha20, which would come
first, takes four. On a calm machine a GiB sent costs 3.2 s of CPU instead of 7.6, and sshd 1.5 s instead of 3.6."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a host is waited for, in seconds.

    ``unanswered_s`` bounds the tries to reach a host again that has answered before; ``join_s`` is how long one
    question for the end of an act may stay open.
    """

    connect_timeout_s: float = CONNECT_S
    connect_tries: int = 3
    unanswered_s: float = UNANSWERED_S
    keepalive_s: float = BEAT_S
    heartbeat_s: float = BEAT_S
    join_s: int = JOIN_S


class NoAnswerError(Exception):
    """A host gave no answer. It does not leave the adapter: each verb turns it into a value."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail

    def output(self) -> Output:
        return Output(None, failure=self.failure, detail=self.detail)


def may_pass(error: BaseException) -> bool:
    """Whether asking again can help: a broken network can heal, a refused login cannot."""
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
        """Connect for the first time, with a few tries. Raises NoAnswerError."""
        await self._tries(stop_after_attempt(self._patience.connect_tries))(self.connection)

    async def reopen(self) -> None:
        """Connect again to a host that has answered before, within our patience. Raises NoAnswerError."""
        await self._tries(stop_after_delay(self._patience.unanswered_s))(self.connection)

    def _tries(self, stop: StopBaseT) -> AsyncRetrying:
        wait = wait_random_exponential(0.2, max=3)
        return AsyncRetrying(stop=stop, wait=wait, retry=retry_if_exception(may_pass), reraise=True)

    async def connection(self) -> asyncssh.SSHClientConnection:
        """The live connection; one try to make it where there is none. Raises NoAnswerError."""
        async with self._lock:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._connect()
            return self._connection

    def abort(self) -> None:
        """Give up a connection that does not answer, without a farewell."""
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
                encryption_algs=() if endpoint.ciphers else _CIPHERS,  # an argument would beat the ssh_config's line
                tunnel=tunnel,
                username=endpoint.user or (),
                client_keys=list(endpoint.keys) or (),
                ignore_encrypted=True,
                agent_forwarding=False,
                x11_forwarding=False,
                # What is large is packed already, and zlib here would hold the event loop up: 38 s for each GiB.
                compression_algs=("none", "zlib@openssh.com"),
                request_pty=False,
                command=None,
                connect_timeout=patience.connect_timeout_s,
                login_timeout=patience.connect_timeout_s,
                keepalive_interval=patience.keepalive_s,
                keepalive_count_max=3,
            )


def _reason(error: Exception, check: HostKeyCheck) -> tuple[Failure, str]:
    """What kept us out, most specific first: asyncssh's errors overlap."""
    text = str(error) or type(error).__name__
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return Failure.HOST_KEY, check.complaint()
    if isinstance(error, asyncssh.KeyExchangeFailed) and "host key" in text:
        return Failure.HOST_KEY, check.complaint()
    if isinstance(error, asyncssh.PermissionDenied | asyncssh.KeyImportError | asyncssh.KeyEncryptionError):
        return Failure.LOGIN, f"the login is refused: {text}"
    if "too many authentication failures" in text.lower():
        return Failure.LOGIN, f"{text}; the agent offers many keys: name one as `key:` and set IdentitiesOnly"
    if isinstance(error, OSError) and error.filename:
        return Failure.LOGIN, f"cannot read a key or its configuration: {text}"
    if isinstance(error, TimeoutError):
        return Failure.UNREACHABLE, "no answer in time"
    return Failure.UNREACHABLE, text


def _locked_keys(endpoint: Endpoint) -> str:
    """The likeliest cause of a refused login: a key with a passphrase, and no agent that holds it."""
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
