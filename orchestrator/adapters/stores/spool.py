"""A private folder on the laptop in which a file arrives; it is removed when the command ends."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from orchestrator.errors import UsageError

_PREFIX = "spool-"


class Spool:
    """A folder for part files, created if missing. All methods raise UsageError if it is not writable."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise refused(path, error) from error

    def part(self, name: str) -> Path:
        """Return the path of the bytes received so far, a name that is never taken for a backup."""
        return self.path / f"{name}.part"

    async def receive(self, name: str, chunks: AsyncIterator[bytes], moved: Callable[[int], None]) -> str:
        """Write the part file and return its sha256. ``moved`` receives the number of bytes so far."""
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
            raise refused(part, error) from error
        return digest.hexdigest()

    def discard(self, name: str) -> None:
        """Delete a part file, if there is one."""
        self.part(name).unlink(missing_ok=True)


@contextlib.contextmanager
def passing_spool(below: Path) -> Iterator[Spool]:
    """A spool that is removed at the end; spools of killed commands are removed first.

    What they contain holds every Secret of a cluster. Each is locked by its command while that runs.
    """
    Spool(below)
    for old in below.glob(f"{_PREFIX}*"):
        with _locked(old) as free:
            if free:
                shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=below))
    with _locked(folder):
        try:
            yield Spool(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Return whether this process now owns the folder; False if another process does, or the folder is gone."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def refused(path: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write {path}: {error.strerror}")
