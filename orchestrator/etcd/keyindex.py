"""An index of every live key of a snapshot and the revision that wrote it, compact enough for a million keys.

A dict of a million keys takes about 250 MB. Here the keys are stored end to end in one buffer, and a sorted table
of hashes finds them: about 24 bytes per key plus the key itself.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator

_HASH_BITS, _ORDINAL_BITS, _SHARD_BITS = 34, 30, 4
_HASH_MASK = (1 << _HASH_BITS) - 1
_ORDINAL_MASK = (1 << _ORDINAL_BITS) - 1
ABSENT = 0
"""The revision of a key that is absent: etcd's first revision is 1."""


class KeyIndex:
    """Live keys with their revisions: fill it with ``add``, remove keys with ``take``, read the rest with ``left``."""

    def __init__(self) -> None:
        self._keys = bytearray()
        self._ends = array("Q")
        self._revisions = array("Q")
        self._table: array[int] | None = None  # hash and ordinal packed into one number, sorted

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, user_key: bytes, _pair: memoryview, mod_revision: int) -> None:
        """Add a key of the snapshot. Each key is added once."""
        self._keys += user_key
        self._ends.append(len(self._keys))
        self._revisions.append(mod_revision)

    def take(self, user_key: bytes) -> int:
        """Remove a key and return the revision that wrote it in the snapshot; ``ABSENT`` if it is not there."""
        if self._table is None:
            self._table = self._sorted()
        wanted = hash(user_key) & _HASH_MASK
        place = bisect_left(self._table, wanted << _ORDINAL_BITS)
        while place < len(self._table) and self._table[place] >> _ORDINAL_BITS == wanted:
            ordinal = self._table[place] & _ORDINAL_MASK
            if self._key(ordinal) == user_key:
                revision, self._revisions[ordinal] = self._revisions[ordinal], ABSENT
                return revision
            place += 1
        return ABSENT

    def left(self) -> Iterator[bytes]:
        """Yield the keys that were never taken, in the order in which they were added."""
        return (self._key(ordinal) for ordinal, revision in enumerate(self._revisions) if revision != ABSENT)

    def _sorted(self) -> array[int]:
        # Sort in shards by the topmost bits: sorting everything at once would need a million int objects, about 40 MB.
        shards = [array("Q") for _ in range(1 << _SHARD_BITS)]
        for ordinal in range(len(self)):
            hashed = hash(self._key(ordinal)) & _HASH_MASK
            shards[hashed >> _HASH_BITS - _SHARD_BITS].append(hashed << _ORDINAL_BITS | ordinal)
        table = array("Q")
        for shard in shards:
            table.extend(sorted(shard))
        return table

    def _key(self, ordinal: int) -> bytes:
        start = self._ends[ordinal - 1] if ordinal else 0
        return bytes(self._keys[start : self._ends[ordinal]])
