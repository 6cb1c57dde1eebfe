"""A snapshot on the laptop's disk. It is mapped, never read into memory."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.etcd.details import Details, bumped, read_details
from orchestrator.etcd.live import Consumer, walk
from orchestrator.etcd.snapshot import SnapshotError, SnapshotFacts, body_bytes, read_snapshot
from orchestrator.etcd.verify import Verification, verify


def open_snapshot(
    path: Path, *, allow_unhashed: bool = False, progress: Callable[[int], None] | None = None
) -> SnapshotFacts:
    """What is in the file. Raises UsageError where there is none, SnapshotError (exit 3) where it is not whole."""
    try:
        return read_snapshot(_mapped(path), allow_unhashed=allow_unhashed, progress=progress)
    except SnapshotError as error:
        raise SnapshotError(error.fault, f"snapshot {path}: {error.message}", error.next_step) from error


def verify_snapshot(path: Path, progress: Callable[[int], None]) -> Verification:
    """The verdict on the file, of whose size ``progress`` is told twice. Raises UsageError where there is none."""
    return verify(_mapped(path), progress)


def read_beside(path: Path, bump: int | None) -> tuple[Details, tuple[int, int] | None]:
    """etcd's own figures for a file that `open_snapshot` accepted, and (revision, HashKV) after a bump by that much."""
    buffer = _mapped(path)
    body = buffer[: body_bytes(len(buffer))]
    return read_details(body), None if bump is None else bumped(body, bump)


def read_live_keys(path: Path, *consumers: Consumer) -> None:
    """Offers every live key of a file that `open_snapshot` accepted to the consumers. Raises UsageError."""
    try:
        walk(_mapped(path), *consumers)
    except ValueError as error:
        raise UsageError(f"cannot read the snapshot {path} again: {error}", f"ls -l {path}") from error


def _mapped(path: Path) -> memoryview:
    """Not closed by hand: a traceback may still hold slices of it. It goes with its last reference."""
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:  # mmap refuses an empty file
                return memoryview(b"")
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        text = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"cannot read the snapshot {path}: {text}", f"ls -l {path}") from error
