"""A snapshot on the laptop's disk. It is mapped, never read into memory."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.etcd.live import Consumer
from orchestrator.etcd.snapshot import Reading, SnapshotError, read_snapshot
from orchestrator.etcd.verify import Verification, verify


def open_snapshot(
    path: Path,
    *consumers: Consumer,
    allow_unhashed: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Reading:
    """What is in the file; every live key is offered to the consumers.

    Raises UsageError where there is none, SnapshotError (exit 3) where it is not whole.
    """
    try:
        return read_snapshot(_mapped(path), *consumers, allow_unhashed=allow_unhashed, progress=progress)
    except SnapshotError as error:
        raise SnapshotError(error.fault, f"snapshot {path}: {error.message}", error.next_step) from error


def verify_snapshot(path: Path, progress: Callable[[int], None]) -> Verification:
    """The verdict on the file, of whose size ``progress`` is told twice. Raises UsageError where there is none."""
    return verify(_mapped(path), progress)


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
