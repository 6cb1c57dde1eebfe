"""Sources of a push: a file on the laptop, a few bytes, or a file on another host."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from orchestrator.core.model.plan import Script
from orchestrator.core.timeouts import HASH_S
from orchestrator.ports import HostError, Remote

CHUNK_BYTES = 1024 * 1024


class FileSource:
    """A file on the laptop. It must not change while it is pushed; the sha256 at the end would show a change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size_bytes = path.stat().st_size
        self._sums: dict[int, str] = {}

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    async def chunks(self, offset: int) -> AsyncIterator[bytes]:
        """Yield the bytes from ``offset`` on, in pieces of at most 1 MiB."""
        with self._path.open("rb") as file:
            file.seek(offset)
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield chunk

    async def sha256(self, length: int) -> str:
        """Return the sha256 of the first ``length`` bytes, cached per length, because several hosts ask for the
        same one."""
        if length not in self._sums:
            self._sums[length] = await asyncio.to_thread(self._sum, length)
        return self._sums[length]

    def _sum(self, length: int) -> str:
        digest = hashlib.sha256()
        with self._path.open("rb") as file:
            while length and (chunk := file.read(min(CHUNK_BYTES, length))):
                digest.update(chunk)
                length -= len(chunk)
        return digest.hexdigest()


class BytesSource:
    """A few bytes in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    @property
    def size_bytes(self) -> int:
        return len(self._content)

    async def chunks(self, offset: int) -> AsyncIterator[bytes]:
        """Yield the bytes from ``offset`` on, in one piece."""
        yield self._content[offset:]

    async def sha256(self, length: int) -> str:
        """Return the sha256 of the first ``length`` bytes."""
        return hashlib.sha256(self._content[:length]).hexdigest()


class RemoteSource:
    """A file on another host, relayed through the laptop without being stored there.

    ``head`` is the text of the script `head.sh`, which hashes the beginning of a file.
    """

    def __init__(self, remote: Remote, path: str, size_bytes: int, head: str, sha256: str = "") -> None:
        self._remote = remote
        self._path = path
        self._size_bytes = size_bytes
        self._head = head
        self._sha256 = sha256

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    async def chunks(self, offset: int) -> AsyncIterator[bytes]:
        """Yield the bytes from ``offset`` on; those before it are read and dropped. Raises HostError."""
        async for chunk in self._remote.read(self._path):
            if offset < len(chunk):
                yield chunk[offset:]
            offset = max(0, offset - len(chunk))

    async def sha256(self, length: int) -> str:
        """Return the sha256 of the first ``length`` bytes, computed on the file's host. Raises HostError."""
        if length == self._size_bytes and self._sha256:
            return self._sha256
        values: dict[str, str | tuple[str, ...]] = {"path": self._path, "bytes": str(length), "hashed": "yes"}
        script = Script(file="observe/head.sh", values=values, timeout_s=HASH_S)
        output = await self._remote.look(script.command(self._head))
        if output.exit_code != 0:
            why = output.detail or output.stderr.decode("utf-8", "replace").strip()
            raise HostError(f"{self._remote.name}: cannot hash {self._path}: {why}")
        return output.text.split()[0]
