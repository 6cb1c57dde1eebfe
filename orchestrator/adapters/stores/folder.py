"""The folder on the laptop that holds backups, each with its facts beside it, readable by its owner only."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.adapters.stores.spool import Spool, refused
from orchestrator.core.snapshots.backups import ENDING, FACTS_ENDING, BackupFacts, Kept, facts_text, is_good, taken_at_s
from orchestrator.ports import Progress


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


def _read_facts(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
