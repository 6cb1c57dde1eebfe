"""A snapshot on the laptop's disk. It is mapped, never read into memory."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable
from pathlib import Path

from orchestrator.errors import UsageError, program
from orchestrator.etcd.live import Consumer
from orchestrator.etcd.snapshot import Digest, Reading, SnapshotError, digest, read_snapshot
from orchestrator.etcd.verify import Verification, verify


def open_snapshot(
    path: Path,
    *consumers: Consumer,
    allow_unhashed: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Reading:
    """Read a snapshot; every live key is passed to the consumers. ``progress`` receives the number of bytes hashed.

    Raises UsageError if there is no file, SnapshotError (exit 3) if it is not whole.
    """
    buffer = _mapped(path)
    hashing = _Hashing(buffer, progress)
    hashing.start()
    try:
        return read_snapshot(buffer, *consumers, allow_unhashed=allow_unhashed, hashed_by=hashing.result)
    except SnapshotError as error:
        raise SnapshotError(error.fault, f"snapshot {path}: {error.message}; {error.remedy}") from error
    finally:
        hashing.join()


class _Hashing(threading.Thread):
    """Computes the digest while the pages are walked: hashlib releases the GIL."""

    def __init__(self, buffer: memoryview, progress: Callable[[int], None] | None) -> None:
        super().__init__(daemon=True)
        self._buffer, self._progress = buffer, progress
        self._digest: Digest | None = None

    def run(self) -> None:
        self._digest = digest(self._buffer, self._progress)

    def result(self) -> Digest:
        """Wait for the digest and return it."""
        self.join()
        assert self._digest is not None
        return self._digest


def verify_snapshot(path: Path, progress: Callable[[int], None]) -> Verification:
    """Verify a snapshot file; ``progress`` counts up to twice its size. Raises UsageError if there is no file."""
    return verify(_mapped(path), progress)


def _mapped(path: Path) -> memoryview:
    """Map a file. The map is not closed explicitly, because a traceback may still hold slices of it."""
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:  # mmap refuses an empty file
                return memoryview(b"")
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        text = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"cannot read the snapshot {path}: {text}", program("ls", "-l", str(path))) from error
