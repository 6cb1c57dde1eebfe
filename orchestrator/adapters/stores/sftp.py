"""Files on another host over SFTP: backups stored there, and snapshots read from there.

The route to that host is the operator's ssh_config. Its host key is checked in the same way as for a host of the
inventory, and the only login is by key.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import posixpath
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncssh

from orchestrator.adapters.ssh.connection import Line, NoAnswerError, Patience
from orchestrator.adapters.ssh.route import Endpoint, named
from orchestrator.core.model.outcome import Failure
from orchestrator.core.snapshots.backups import (
    ENDING,
    FACTS_ENDING,
    MOST_FACTS_BYTES,
    BackupFacts,
    Kept,
    beside,
    facts_text,
    is_good,
    taken_at_s,
)
from orchestrator.core.snapshots.locations import Sftp
from orchestrator.errors import LoginError, OrchestratorError, UnreachableError, UsageError, again, program
from orchestrator.ports import Progress

_PIECE_BYTES = 4 << 20
"""asyncssh sends a piece as many concurrent requests: on a slow route each piece costs one round trip."""


@contextlib.asynccontextmanager
async def open_sftp(place: Sftp) -> AsyncIterator[SftpFiles]:
    """Connect to a place. Raises UnreachableError, LoginError or UsageError."""
    async with contextlib.AsyncExitStack() as stack:
        line = _line(named(place.login), stack)
        try:
            await line.open()
            client = await stack.enter_async_context(await (await line.connection()).start_sftp_client())
        except NoAnswerError as error:
            kind = LoginError if error.failure is Failure.LOGIN else UnreachableError
            raise kind(error.detail, program("sftp", place.login)) from error
        except (asyncssh.Error, OSError) as error:
            raise UnreachableError(f"{place}: SFTP is not available: {error}", program("sftp", place.login)) from error
        yield SftpFiles(client, place)


def _line(endpoint: Endpoint, stack: contextlib.AsyncExitStack) -> Line:
    """Open a line so that a bastion is closed after the lines through it."""
    line = Line(endpoint, _line(endpoint.via, stack) if endpoint.via else None, Patience())
    stack.push_async_callback(line.close)
    return line


class SftpFiles:
    """Implements ``ports.BackupStore`` for a folder, and ``ports.StoredSnapshot`` for a single file."""

    def __init__(self, client: asyncssh.SFTPClient, place: Sftp) -> None:
        self.link = str(place)
        self._client = client
        self._place = place
        self._folder = place.path.removeprefix("~/") or "."  # a relative path starts at the home folder

    async def keep(self, name: str, part: Path, facts: BackupFacts, progress: Progress) -> str:
        path, arriving = self._path(f"{name}{ENDING}"), self._path(f"{name}.part")
        with self._translated_errors(f"{self._place}: cannot keep {name}{ENDING}"):
            await self._make_folder()
            private = asyncssh.SFTPAttrs(permissions=0o600)
            file = await self._client.open(arriving, "xb", attrs=private)  # never touches another process's part file
            try:
                await self._write(file, part, progress)
                await self._compare(arriving, facts)
                await self._put_facts(name, facts)
                await self._rename(arriving, path)
            except BaseException:
                with contextlib.suppress(asyncssh.Error, OSError):
                    await self._client.remove(arriving)
                raise
        return str(self._place.child(f"{name}{ENDING}"))

    async def _make_folder(self) -> None:
        if not await self._client.exists(self._folder):
            await self._client.makedirs(self._folder, asyncssh.SFTPAttrs(permissions=0o700), exist_ok=True)

    async def _write(self, file: asyncssh.SFTPClientFile, part: Path, progress: Progress) -> None:
        done = 0
        async with file:
            with part.open("rb") as source:
                while piece := source.read(_PIECE_BYTES):
                    await file.write(piece)
                    done += len(piece)
                    progress(done)
            await _flush(file)

    async def _compare(self, path: str, facts: BackupFacts) -> None:
        """Read the file back: SFTP as in OpenSSH offers no checksum."""
        digest, done = hashlib.sha256(), 0
        async for piece in self._pieces(path):
            digest.update(piece)
            done += len(piece)
        if (done, digest.hexdigest()) != (facts.snapshot.size_bytes, facts.snapshot.sha256):
            text = f"{self._place}: the stored file differs from the sent one: wrong size or sha256"
            raise OrchestratorError(text, again())

    async def _put_facts(self, name: str, facts: BackupFacts) -> None:
        path = self._path(f"{name}{FACTS_ENDING}")
        async with self._client.open(path, "wb", attrs=asyncssh.SFTPAttrs(permissions=0o600)) as file:
            await file.write(facts_text(facts).encode())
            await _flush(file)

    async def _rename(self, old: str, new: str) -> None:
        """Rename without overwriting another file: SFTP's own rename refuses that."""
        await self._client.rename(old, new)

    async def backups(self, cluster: str) -> tuple[Kept, ...]:
        found = []
        with self._translated_errors(f"{self._place}: cannot list the backups"):
            for entry in await self._client.readdir(self._folder):
                name, ending = os.path.splitext(_text(entry.filename))  # noqa: PTH122 - a name on another host
                moment = taken_at_s(cluster, name)
                if moment is not None and ending == ENDING:
                    facts = await self._read_facts(f"{name}{FACTS_ENDING}")
                    found.append(Kept(name, moment, is_good(facts, entry.attrs.size or 0)))
        return tuple(sorted(found, key=lambda it: it.name))

    async def _read_facts(self, name: str) -> bytes:
        try:
            async with self._client.open(self._path(name), "rb") as file:
                content = await file.read()
        except asyncssh.SFTPNoSuchFile:
            return b""
        assert isinstance(content, bytes)
        return content

    async def remove(self, name: str) -> None:
        with self._translated_errors(f"{self._place}: cannot remove {name}"):
            for ending in (ENDING, FACTS_ENDING):
                with contextlib.suppress(asyncssh.SFTPNoSuchFile):
                    await self._client.remove(self._path(f"{name}{ending}"))

    async def size_bytes(self) -> int:
        """Return the size of the single file that the place names. Raises UsageError if there is none."""
        with self._translated_errors(f"cannot read {self._place}"):
            attrs = await self._client.stat(self._folder)
        if not stat.S_ISREG(attrs.permissions or stat.S_IFREG):
            raise UsageError(f"{self._place} is not a file")
        return attrs.size or 0

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the single file that the place names."""
        with self._translated_errors(f"cannot read {self._place}"):
            async for piece in self._pieces(self._folder):
                yield piece

    async def _pieces(self, path: str) -> AsyncIterator[bytes]:
        async with self._client.open(path, "rb") as file:
            while piece := await file.read(_PIECE_BYTES):
                assert isinstance(piece, bytes)
                yield piece

    async def facts(self) -> bytes:
        """Return the facts beside the single file that the place names; empty if they cannot be read."""
        if path := beside(self._folder):
            with contextlib.suppress(asyncssh.Error, OSError):
                async with self._client.open(path, "rb") as file:
                    content = await file.read(MOST_FACTS_BYTES)
                    assert isinstance(content, bytes)
                    return content
        return b""

    def _path(self, name: str) -> str:
        return posixpath.join(self._folder, name)

    @contextlib.contextmanager
    def _translated_errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except asyncssh.SFTPNoSuchFile as error:
            raise UsageError(f"{what}: {error.reason}", program("sftp", self._place.login)) from error
        except (asyncssh.Error, OSError) as error:
            raise OrchestratorError(f"{what}: {error}", again()) from error


async def _flush(file: asyncssh.SFTPClientFile) -> None:
    """Flush to the disk, if the server offers that (`fsync@openssh.com`)."""
    with contextlib.suppress(asyncssh.SFTPOpUnsupported):
        await file.fsync()


def _text(name: str | bytes) -> str:
    return name if isinstance(name, str) else name.decode("utf-8", "replace")
