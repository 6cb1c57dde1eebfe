"""The laptop's history of a run: one line per event, each with a checksum, each on disk before the run goes on.

A line is the first 16 hex digits of the sha256 of its JSON, a blank, the JSON. It is history only: the hosts are
the truth.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


class FileJournal:
    """Appends to ``folder/journal.jsonl``. Implements ``ports.Journal``."""

    def __init__(self, folder: Path, now_utc: Callable[[], str]) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._now_utc = now_utc
        self._file = os.open(folder / "journal.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    @property
    def folder(self) -> Path:
        return self._folder

    def write(self, kind: str, **fields: Any) -> None:
        """Raises OSError when the laptop's disk is full."""
        text = json.dumps({"at_utc": self._now_utc(), "kind": kind, **fields}, sort_keys=True, default=str)
        os.write(self._file, f"{_checksum(text)} {text}\n".encode())
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


def read_journal(folder: Path) -> Iterator[dict[str, Any]]:
    """The events of a run, in order. Two kinds are ours: ``torn``, a last line that the laptop died over, and
    ``damaged``, a line whose checksum does not fit."""
    path = folder / "journal.jsonl"
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    for number, line in enumerate(lines[:-1], start=1):
        checksum, _, text = line.partition(" ")
        if checksum == _checksum(text):
            yield json.loads(text)
        else:
            yield {"kind": "damaged", "line": number}
    if lines[-1]:
        yield {"kind": "torn", "line": len(lines)}


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
