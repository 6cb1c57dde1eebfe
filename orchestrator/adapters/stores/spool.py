"""A private folder on the laptop in which a file arrives: read while it lies there, and gone with the command."""

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
    """Made where it is missing. Raises UsageError where it cannot be written to, as all methods do."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise refused(path, error) from error

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
            raise refused(part, error) from error
        return digest.hexdigest()

    def discard(self, name: str) -> None:
        """Removes a part file, if there is one."""
        self.part(name).unlink(missing_ok=True)


@contextlib.contextmanager
def passing_spool(below: Path) -> Iterator[Spool]:
    """A spool that is removed at the end; those of commands that were killed are removed first, for what lies in them
    holds every Secret of a cluster. Each is locked by its command as long as that lives."""
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
    """Whether the folder is ours now; False where another holds it, or it has just gone."""
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
    return UsageError(f"cannot write {path}: {error.strerror}", "make room there, or name another place")
