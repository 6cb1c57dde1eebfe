"""The folder on the laptop that holds backups, each with its facts beside it, readable by its owner only."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from orchestrator.adapters.stores.spool import Spool, refused
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
from orchestrator.errors import UsageError
from orchestrator.ports import Progress

_PIECE_BYTES = 1 << 20


class BackupFolder:
    """Implements ``ports.BackupStore``. A backup arrives in the folder itself and only needs renaming."""

    link = ""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spool = Spool(path)

    async def keep(self, name: str, part: Path, facts: BackupFacts, progress: Progress) -> str:
        return str(self._keep(name, part, facts))

    def _keep(self, name: str, part: Path, facts: BackupFacts) -> Path:
        path = self.path / f"{name}{ENDING}"
        try:
            beside = path.with_suffix(FACTS_ENDING)
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(facts_text(facts))
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
            folder = os.open(self.path, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise refused(path, error) from error
        return path

    async def backups(self, cluster: str) -> tuple[Kept, ...]:
        return tuple(
            Kept(path.stem, moment, is_good(_read_facts(path.with_suffix(FACTS_ENDING)), path.stat().st_size))
            for path in sorted(self.path.glob(f"*{ENDING}"))
            if (moment := taken_at_s(cluster, path.stem)) is not None
        )

    async def remove(self, name: str) -> None:
        for ending in (ENDING, FACTS_ENDING):
            (self.path / f"{name}{ending}").unlink(missing_ok=True)


class LocalSnapshot:
    """Implements ``ports.StoredSnapshot`` for a file on this laptop."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def size_bytes(self) -> int:
        with self._translated_errors():
            return self._path.stat().st_size

    async def chunks(self) -> AsyncIterator[bytes]:
        with self._translated_errors(), self._path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece

    async def facts(self) -> bytes:
        name = beside(str(self._path))
        return _read_facts(Path(name), MOST_FACTS_BYTES) if name else b""

    @contextlib.contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UsageError(f"cannot read {self._path}: {error.strerror}") from error


def _read_facts(path: Path, most: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError:
        return b""
