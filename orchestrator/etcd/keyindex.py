"""Every live key of a snapshot and the revision that wrote it, small enough to hold a million of them.

A dict of a million keys takes some 250 MB. Here the keys lie end to end in one buffer, and a sorted table of hashes
finds them: about 24 bytes for each key besides its own.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator

_HASH_BITS, _ORDINAL_BITS, _SHARD_BITS = 34, 30, 4
_HASH_MASK = (1 << _HASH_BITS) - 1
_ORDINAL_MASK = (1 << _ORDINAL_BITS) - 1
ABSENT = 0
"""No revision: etcd's first is 1."""


class KeyIndex:
    """Filled by ``add``, then asked by ``take`` for one live key after another; ``left`` is what nobody asked for."""

    def __init__(self) -> None:
        self._keys = bytearray()
        self._ends = array("Q")
        self._revisions = array("Q")
        self._table: array[int] | None = None  # hash and ordinal in one number, sorted

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, user_key: bytes, _pair: memoryview, mod_revision: int) -> None:
        """A key of the snapshot; each comes once."""
        self._keys += user_key
        self._ends.append(len(self._keys))
        self._revisions.append(mod_revision)

    def take(self, user_key: bytes) -> int:
        """The revision that wrote this key in the snapshot, ``ABSENT`` where it does not hold it, and takes it out."""
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
        """The keys that were never taken, in the order in which they came."""
        return (self._key(ordinal) for ordinal, revision in enumerate(self._revisions) if revision != ABSENT)

    def _sorted(self) -> array[int]:
        # By shards of the topmost bits: sorting all at once would hold a million int objects, some 40 MB.
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
