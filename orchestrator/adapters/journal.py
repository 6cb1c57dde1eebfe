"""The laptop's history of a run: one line per event, each with a checksum, each on disk before the run continues.

A line is the first 16 hex digits of the sha256 of its JSON, a blank, the JSON. It is history only: the hosts are
the truth.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


class FileJournal:
    """Appends to ``folder/journal.jsonl``. Implements ``ports.Journal``.

    A line that a crash or a full disk cut short stays; the event ``torn`` after it says so.
    """

    def __init__(self, folder: Path, now_utc: Callable[[], str]) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._now_utc = now_utc
        self._file = os.open(folder / "journal.jsonl", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        size = os.fstat(self._file).st_size
        self._is_torn = size > 0 and os.pread(self._file, 1, size - 1) != b"\n"

    @property
    def folder(self) -> Path:
        return self._folder

    def write(self, kind: str, **fields: Any) -> None:
        """Append an event. Raises OSError if the laptop's disk is full."""
        text = _line({"at_utc": self._now_utc(), "kind": kind, **fields})
        if self._is_torn:
            text = "\n" + _line({"kind": "torn"}) + text
        data = text.encode()
        written = os.write(self._file, data)
        self._is_torn = written < len(data)
        if self._is_torn:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


def read_journal(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the events of a run, in order.

    Two kinds are not the run's own: ``torn``, a line that was cut short, and ``damaged``, a line that was whole
    once and whose checksum no longer matches.
    """
    path = folder / "journal.jsonl"
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    events = [_event(line) for line in lines[:-1]]
    for number, event in enumerate(events, start=1):
        following = events[number] if number < len(events) else None
        if event and event["kind"] != "torn":
            yield event
        elif event is None:
            was_torn = following is not None and following["kind"] == "torn"
            yield {"kind": "torn" if was_torn else "damaged", "line": number}
    if lines[-1]:
        yield {"kind": "torn", "line": len(lines)}


def _line(event: dict[str, Any]) -> str:
    text = json.dumps(event, sort_keys=True, default=str)
    return f"{_checksum(text)} {text}\n"


def _event(line: str) -> dict[str, Any] | None:
    """Parse a line; None if its checksum does not match."""
    checksum, _, text = line.partition(" ")
    if checksum != _checksum(text):
        return None
    event: dict[str, Any] = json.loads(text)
    return event


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
