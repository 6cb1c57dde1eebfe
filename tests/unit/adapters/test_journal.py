"""The laptop's history: whole lines, in order, readable by their owner only."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.adapters.journal import FileJournal, read_journal

AT_UTC = "2026-11-22T03:10:07Z"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    journal = FileJournal(tmp_path / "prod-1/run", lambda: AT_UTC)
    journal.write("attempt", attempt="1-a1b2", laptop="ana@laptop")
    journal.write("step", step="keep.copy/master-1", exit_code=0, said="two\nlines \u00e9")
    journal.close()
    return journal.folder


def test_events_are_read_in_order(folder: Path) -> None:
    assert list(read_journal(folder)) == [
        {"at_utc": AT_UTC, "kind": "attempt", "attempt": "1-a1b2", "laptop": "ana@laptop"},
        {"at_utc": AT_UTC, "kind": "step", "step": "keep.copy/master-1", "exit_code": 0, "said": "two\nlines \u00e9"},
    ]


def test_later_attempt_appends_to_same_file(folder: Path) -> None:
    journal = FileJournal(folder, lambda: AT_UTC)
    journal.write("attempt", attempt="2-c3d4")
    journal.close()
    assert [event["kind"] for event in read_journal(folder)] == ["attempt", "step", "attempt"]


def test_unknown_run_has_no_events(tmp_path: Path) -> None:
    assert list(read_journal(tmp_path)) == []


def test_journal_is_readable_by_owner_only(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "journal.jsonl").stat().st_mode & 0o777 == 0o600


def test_line_cut_by_crash_is_torn(folder: Path) -> None:
    path = folder / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    assert [event["kind"] for event in read_journal(folder)] == ["attempt", "torn"]


def test_later_attempt_continues_after_torn_line(folder: Path) -> None:
    path = folder / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    journal = FileJournal(folder, lambda: AT_UTC)
    journal.write("attempt", attempt="2-c3d4")
    journal.close()
    assert [event["kind"] for event in read_journal(folder)] == ["attempt", "torn", "attempt"]
    path.write_bytes(path.read_bytes().replace(b"ana@laptop", b"bob@laptop"))
    assert [event["kind"] for event in read_journal(folder)] == ["damaged", "torn", "attempt"]


def test_full_disk_raises_without_damage(folder: Path) -> None:
    journal = FileJournal(folder, lambda: AT_UTC)
    full = (folder / "journal.jsonl").stat().st_size + 20
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with ignoring_signal(signal.SIGXFSZ):
        resource.setrlimit(resource.RLIMIT_FSIZE, (full, hard))
        try:
            for _ in range(2):
                with pytest.raises(OSError, match=r"space|large"):
                    journal.write("step", step="keep.copy/master-2")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal.write("attempt-ended", exit_code=10)
    journal.close()
    assert [event["kind"] for event in read_journal(folder)] == ["attempt", "step", "torn", "attempt-ended"]


@contextmanager
def ignoring_signal(number: signal.Signals) -> Iterator[None]:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


def test_changed_line_is_damaged(folder: Path) -> None:
    path = folder / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b"ana@laptop", b"bob@laptop"))
    first, second = read_journal(folder)
    assert first == {"kind": "damaged", "line": 1}
    assert second["kind"] == "step"


def test_bytes_that_are_not_text_are_damaged(folder: Path) -> None:
    path = folder / "journal.jsonl"
    path.write_bytes(b"\xff\xfe\n" + path.read_bytes())
    assert [event["kind"] for event in read_journal(folder)] == ["damaged", "attempt", "step"]
