"""The folder on the laptop in which backups lie: each with its facts beside it, for its owner's eyes only."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from pydantic import ValidationError

from orchestrator.core.backups import ENDING, FACTS_ENDING, BackupFacts, Kept, taken_at_s
from orchestrator.core.model import canonical_json
from orchestrator.errors import UsageError


class BackupFolder:
    """Made where it is missing. Raises UsageError where it cannot be written to, as all methods do."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _refused(path, error) from error

    def part(self, name: str) -> Path:
        """What has arrived so far, under a name that nobody takes for a backup's."""
        return self.path / f"{name}.part"

    async def receive(self, name: str, chunks: AsyncIterator[bytes], moved: Callable[[int], None]) -> str:
        """Writes the part file; its sha256. ``moved`` gets the number of bytes so far."""
        part = self.part(name)
        digest, done = hashlib.sha256(), 0
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                async for chunk in chunks:
                    file.write(chunk)
                    digest.update(chunk)
                    done += len(chunk)
                    moved(done)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _refused(part, error) from error
        return digest.hexdigest()

    def discard(self, name: str) -> None:
        """Removes a part file, if there is one."""
        self.part(name).unlink(missing_ok=True)

    def keep(self, name: str, facts: BackupFacts) -> Path:
        """Gives the part file its name, behind its facts: a backup that has none beside it is not whole."""
        path = self.path / f"{name}{ENDING}"
        try:
            beside = path.with_suffix(FACTS_ENDING)
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(canonical_json(facts) + "\n")
                file.flush()
                os.fsync(file.fileno())
            self.part(name).rename(path)
            folder = os.open(self.path, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise _refused(path, error) from error
        return path

    def backups(self, cluster: str) -> tuple[Kept, ...]:
        """Those of that cluster, by their names."""
        return tuple(
            Kept(path.stem, moment, _is_good(path))
            for path in sorted(self.path.glob(f"*{ENDING}"))
            if (moment := taken_at_s(cluster, path.stem)) is not None
        )

    def remove(self, name: str) -> None:
        """A backup, then its facts."""
        for ending in (ENDING, FACTS_ENDING):
            (self.path / f"{name}{ending}").unlink(missing_ok=True)


def _is_good(path: Path) -> bool:
    try:
        facts = BackupFacts.model_validate_json(path.with_suffix(FACTS_ENDING).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return False
    return path.stat().st_size == facts.snapshot.size_bytes


def _refused(path: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write {path}: {error.strerror}", "make room there, or name another folder with --to")
