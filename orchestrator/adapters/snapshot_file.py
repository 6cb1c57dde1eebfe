"""A snapshot on the laptop's disk. It is mapped, never read into memory."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.etcd.live import Consumer, walk
from orchestrator.etcd.snapshot import SnapshotError, SnapshotFacts, read_snapshot


def open_snapshot(
    path: Path, *, allow_unhashed: bool = False, progress: Callable[[int], None] | None = None
) -> SnapshotFacts:
    """What is in the file. Raises UsageError where there is none, SnapshotError (exit 3) where it is not whole."""
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:  # mmap refuses an empty file
                return read_snapshot(memoryview(b""))
            # Not closed by hand: a traceback may still hold slices of it. It goes with its last reference.
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            return read_snapshot(memoryview(mapped), allow_unhashed=allow_unhashed, progress=progress)
    except OSError as error:
        raise UsageError(f"cannot read the snapshot {path}: {error.strerror}", f"ls -l {path}") from error
    except SnapshotError as error:
        raise SnapshotError(error.fault, f"snapshot {path}: {error.message}", error.next_step) from error


def read_live_keys(path: Path, *consumers: Consumer) -> None:
    """Offers every live key of a file that `open_snapshot` accepted to the consumers. Raises UsageError."""
    try:
        with path.open("rb") as file:
            walk(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)), *consumers)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the snapshot {path} again: {error}", f"ls -l {path}") from error
