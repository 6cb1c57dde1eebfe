"""An SSH server that an ordinary user can run: real protocol, real processes, one login.

OpenSSH's server needs root and several uids, which a user namespace with one mapped uid cannot provide. What a
client can notice is as in OpenSSH: a command runs under ``sh -c`` in its own session and survives when the
connection is lost (only its pipes close); the exit status follows the end of the output; an eleventh session on one
connection is refused (``MaxSessions 10`` in sshd_config(5)). Missing: terminals, passwords, sftp.

This file imports nothing of the project, so that it can be copied into a host and run there.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncssh

MAX_SESSIONS = 10
PIECE_BYTES = 256 * 1024

_GONE = (asyncssh.Error, BrokenPipeError, ConnectionError)


async def serve(
    address: str, port: int, host_key: Path, authorized_keys: Path, environment: Mapping[str, str]
) -> asyncssh.SSHAcceptor:
    """Listen on ``address:port``; processes get ``environment``. Raises OSError if the port is in use."""
    return await asyncssh.create_server(
        lambda: _Server(dict(environment)),
        address,
        port,
        server_host_keys=[str(host_key)],
        authorized_client_keys=str(authorized_keys),
        encoding=None,
        allow_pty=False,
        agent_forwarding=False,
    )


class _Server(asyncssh.SSHServer):
    """One client's connection."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._sessions = 0

    def session_requested(self) -> asyncssh.SSHServerProcess[bytes]:
        if self._sessions >= MAX_SESSIONS:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, "open failed")
        self._sessions += 1
        return asyncssh.SSHServerProcess(self._session, None, 3, False)

    async def _session(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        try:
            await _run(process, self._environment)
        finally:
            self._sessions -= 1

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        """Let a client jump through this host."""
        return True


async def _run(process: asyncssh.SSHServerProcess[bytes], environment: dict[str, str]) -> None:
    command = ("-c", process.command) if process.command else ()
    out, child_out = os.pipe()
    err, child_err = os.pipe()
    child = await asyncio.create_subprocess_exec(
        "/bin/sh",
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=child_out,
        stderr=child_err,
        env=environment,
        cwd=environment.get("HOME", "/"),
        start_new_session=True,
    )
    os.close(child_out)
    os.close(child_err)
    assert child.stdin is not None
    inward = asyncio.create_task(_inward(process.stdin, child.stdin))
    outward = asyncio.gather(_outward(out, process.stdout), _outward(err, process.stderr))
    hung_up = asyncio.create_task(process.wait_closed())
    either: set[asyncio.Future[Any]] = {outward, hung_up}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    for task in (inward, outward):
        task.cancel()
    with suppress(asyncio.CancelledError):
        await outward
    # Wait even if nobody listens any more: asyncio kills a child whose transport it forgets.
    code = await child.wait()
    hung_up.cancel()
    with suppress(*_GONE):
        if code < 0:
            process.exit_with_signal(signal.Signals(-code).name.removeprefix("SIG"))
        else:
            process.exit(code)


async def _inward(source: asyncssh.SSHReader[bytes], target: asyncio.StreamWriter) -> None:
    """Copy the client's bytes to the child's standard input, until they end or the client is gone."""
    with suppress(*_GONE):
        try:
            while piece := await source.read(PIECE_BYTES):
                target.write(piece)
                await target.drain()
        finally:
            target.close()


async def _outward(descriptor: int, target: asyncssh.SSHWriter[bytes]) -> None:
    """Copy the child's output to the client. Ends, with the pipe closed, at its end or when cancelled."""
    loop = asyncio.get_running_loop()
    source = asyncio.StreamReader(limit=PIECE_BYTES)
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(source), os.fdopen(descriptor, "rb", buffering=0)
    )
    with suppress(*_GONE):
        try:
            while piece := await source.read(PIECE_BYTES):
                target.write(piece)
                await target.drain()
        finally:
            transport.close()


async def _main() -> None:
    parser = argparse.ArgumentParser(description="the SSH server of one demo host")
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host-key", type=Path, required=True)
    parser.add_argument("--authorized-keys", type=Path, required=True)
    arguments = parser.parse_args()
    server = await serve(arguments.address, arguments.port, arguments.host_key, arguments.authorized_keys, os.environ)
    await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(_main())
