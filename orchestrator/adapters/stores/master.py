"""A snapshot on a master, read over SSH."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from orchestrator.core.model.outcome import Output
from orchestrator.core.model.plan import Script
from orchestrator.core.snapshots.backups import MOST_FACTS_BYTES, beside
from orchestrator.core.timeouts import HASH_S, LOOK_S
from orchestrator.errors import OrchestratorError, UsageError, again
from orchestrator.ports import HostError, Remote


class MasterSnapshot:
    """Implements ``ports.StoredSnapshot``: the file is read as root."""

    def __init__(self, remote: Remote, path: str, scripts: Mapping[str, str]) -> None:
        self._remote, self._path, self._scripts = remote, path, scripts

    async def size_bytes(self) -> int:
        try:
            size_bytes, _ = await self.measure(hashed=False)
        except HostError as error:
            raise UsageError(str(error)) from error
        return size_bytes

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._remote.read(self._path):
                yield chunk
        except HostError as error:
            raise OrchestratorError(str(error), again()) from error

    async def facts(self) -> bytes:
        path = beside(self._path)
        if not path:
            return b""
        values: dict[str, str | tuple[str, ...]] = {"path": path, "bytes": str(MOST_FACTS_BYTES)}
        output = await self._look(Script(file="observe/head.sh", values=values, timeout_s=LOOK_S))
        return output.stdout if output.exit_code == 0 else b""

    async def measure(self, *, hashed: bool = True) -> tuple[int, str]:
        """The size in bytes and, with ``hashed``, the sha256, as the host computes them. Raises HostError."""
        values: dict[str, str | tuple[str, ...]] = {"path": self._path, "hashed": "yes" if hashed else ""}
        output = await self._look(Script(file="observe/measure.sh", values=values, timeout_s=HASH_S))
        words = output.text.split()
        if output.exit_code != 0 or "regular" not in words:
            why = output.detail or output.stderr.decode("utf-8", "replace").strip() or "not a file"
            raise HostError(f"{self._remote.name}: cannot read {self._path}: {why}")
        return int(words[0]), words[-2] if hashed else ""

    async def _look(self, script: Script) -> Output:
        return await self._remote.look(script.command(self._scripts[script.file]))
