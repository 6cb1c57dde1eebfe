"""Objects of S3, Google Cloud Storage and Azure through one library, obstore: an optional part of the installation.

The library takes credentials, region and endpoint from the environment, or from the machine's own identity; never
from us.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import posixpath
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import ObjectStore, from_url

from orchestrator.core.snapshots.backups import (
    ENDING,
    FACTS_ENDING,
    MOST_FACTS_BYTES,
    BackupFacts,
    Kept,
    beside,
    facts_text,
    is_good,
    taken_at_s,
)
from orchestrator.core.snapshots.locations import Objects
from orchestrator.errors import LoginError, OrchestratorError, UsageError, again
from orchestrator.ports import Progress

_PIECE_BYTES = 8 << 20
"""The part size of an upload: at most 10,000 parts are allowed."""
_AT_ONCE = 4
_KEEP_TRYING = timedelta(seconds=60)
_HOW = "docs/backup.md lists what the environment must hold"


class ObjectFiles:
    """Implements ``ports.BackupStore`` below a prefix, and ``ports.StoredSnapshot`` for a single object.

    Raises UsageError if the environment lacks a setting; all methods raise LoginError or OrchestratorError.
    """

    def __init__(self, place: Objects) -> None:
        self.link = str(place)
        self._place = place
        with self._translated_errors(f"cannot use {place}"):
            self._store: ObjectStore = from_url(
                f"{place.scheme}://{place.bucket}",
                retry_config={"max_retries": 5, "retry_timeout": _KEEP_TRYING},
            )

    async def keep(self, name: str, part: Path, facts: BackupFacts, progress: Progress) -> str:
        """Upload the object, then its facts: an object exists only when it is whole, and counts only with its facts."""
        key = self._key(f"{name}{ENDING}")
        with self._translated_errors(f"cannot keep {self._place.child(f'{name}{ENDING}')}"):
            await self._refuse_existing(key)
            pieces = _pieces(part, progress)
            await obstore.put_async(self._store, key, pieces, chunk_size=_PIECE_BYTES, max_concurrency=_AT_ONCE)
            try:
                await self._compare(key, facts)
            except BaseException:
                await obstore.delete_async(self._store, key)
                raise
            await obstore.put_async(self._store, self._key(f"{name}{FACTS_ENDING}"), facts_text(facts).encode())
        return str(self._place.child(f"{name}{ENDING}"))

    async def _refuse_existing(self, key: str) -> None:
        try:
            await obstore.head_async(self._store, key)
        except FileNotFoundError:
            return
        raise OrchestratorError(f"{self._place.scheme}://{self._place.bucket}/{key} already exists", again())

    async def _compare(self, key: str, facts: BackupFacts) -> None:
        """Read the object back: stores differ in their checksums, and most have none for a file in parts."""
        digest, done = hashlib.sha256(), 0
        async for piece in self._read(key):
            digest.update(piece)
            done += len(piece)
        if (done, digest.hexdigest()) != (facts.snapshot.size_bytes, facts.snapshot.sha256):
            text = f"{self._place}: the stored file differs from the sent one: wrong size or sha256"
            raise OrchestratorError(text, again())

    async def backups(self, cluster: str) -> tuple[Kept, ...]:
        found = []
        with self._translated_errors(f"cannot list the backups in {self._place}"):
            async for page in obstore.list(self._store, self._place.key or None):
                for entry in page:
                    folder, file = posixpath.split(entry["path"])
                    name, ending = os.path.splitext(file)  # noqa: PTH122 - a name in a bucket
                    moment = taken_at_s(cluster, name)
                    if folder == self._place.key and ending == ENDING and moment is not None:
                        facts = await self._read_facts(f"{name}{FACTS_ENDING}")
                        found.append(Kept(name, moment, is_good(facts, entry["size"])))
        return tuple(sorted(found, key=lambda it: it.name))

    async def _read_facts(self, name: str) -> bytes:
        try:
            return bytes(await (await obstore.get_async(self._store, self._key(name))).bytes_async())
        except FileNotFoundError:
            return b""

    async def remove(self, name: str) -> None:
        with self._translated_errors(f"cannot remove {self._place.child(name)}"):
            for ending in (ENDING, FACTS_ENDING):
                with contextlib.suppress(FileNotFoundError):
                    await obstore.delete_async(self._store, self._key(f"{name}{ending}"))

    async def size_bytes(self) -> int:
        """Return the size of the single object that the place names. Raises UsageError if there is none."""
        with self._translated_errors(f"cannot read {self._place}"):
            return (await obstore.head_async(self._store, self._place.key))["size"]

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the single object that the place names."""
        with self._translated_errors(f"cannot read {self._place}"):
            async for piece in self._read(self._place.key):
                yield piece

    async def facts(self) -> bytes:
        """Return the facts beside the single object that the place names; empty if they cannot be read."""
        if key := beside(self._place.key):
            with contextlib.suppress(BaseError, OSError):
                if (await obstore.head_async(self._store, key))["size"] <= MOST_FACTS_BYTES:
                    return bytes(await (await obstore.get_async(self._store, key)).bytes_async())
        return b""

    async def _read(self, key: str) -> AsyncIterator[bytes]:
        found = await obstore.get_async(self._store, key)
        async for piece in found.stream(min_chunk_size=1 << 20):
            yield bytes(piece)

    def _key(self, name: str) -> str:
        return posixpath.join(self._place.key, name)

    @contextlib.contextmanager
    def _translated_errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise UsageError(f"{what}: no such object") from error
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise LoginError(f"{what}: the store refused: {_first_line(error)}; {_HOW}") from error
        except (BaseError, OSError) as error:
            raise OrchestratorError(f"{what}: {_first_line(error)}; {_HOW}", again()) from error


async def _pieces(part: Path, progress: Progress) -> AsyncIterator[bytes]:
    done = 0
    with part.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
            done += len(piece)
            progress(done)


def _first_line(error: Exception) -> str:
    """Return the first line of the library's error; the rest is its internal structure."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
