"""The bucket ``key``: every revision of every user key, and the HashKV over them.

An entry's key is the revision: ``main`` (8 bytes, big-endian), ``_``, ``sub`` (8 bytes); an 18th byte ``t``
marks a tombstone. Its value is an mvccpb.KeyValue, whose field 1 is the user key.

Source: etcd v3.6.14 server/storage/mvcc/{revision,kvstore,hash,index,key_index}.go, api/mvccpb/kv.proto.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass

from crc32c import crc32c

from orchestrator.etcd import wire
from orchestrator.etcd.bbolt import CorruptError, Database

Tell = Callable[[int], None]
"""Is told how many bytes were read so far."""
Offer = Callable[[memoryview], None]
"""Takes a live entry: its revision, of ``REVISION_BYTES``, and its value behind it."""
BUCKET = b"key"
NEVER = -1  # the compacted revision of a store that was never compacted

REVISION_BYTES = 17
_TOMBSTONE_BYTES = 18
_SIZES = (REVISION_BYTES, _TOMBSTONE_BYTES)
_USER_KEY, _KEY_TAG = 1, 1 << 3 | wire.LENGTH_DELIMITED
_HEAD_BYTES = _TOMBSTONE_BYTES + 2 + 127  # a revision, and a short key with its tag and its length
_TOMBSTONE, _KEPT = 1, 2


@dataclass(frozen=True, slots=True)
class Keyspace:
    """What one pass over the bucket ``key`` tells: of each entry its place, and what it is.

    ``starts`` and ``ends`` are offsets in the buffer: an entry's key lies at its start and its value right behind it,
    which is how HashKV takes them. ``marks`` has a byte for each: whether it is a tombstone, and whether it is the
    newest revision of a live user key, which HashKV counts even when it is older than the compaction (etcd's ``Keep``).
    """

    buffer: memoryview
    last_revision: int  # 0 where there is no entry
    live_keys: int
    starts: array[int]
    ends: array[int]
    marks: bytearray

    @property
    def entries(self) -> int:
        """Revisions and tombstones."""
        return len(self.marks)


def main_revision(entry_key: bytes | memoryview) -> int:
    return int.from_bytes(entry_key[:8], "big")


def user_key(value: memoryview) -> bytes:
    """Field 1 of an mvccpb.KeyValue; b"" for the empty value that a revision bump leaves."""
    key = _short_key(bytes(value[:_HEAD_BYTES]), 0)
    if key is not None:
        return key
    try:
        return bytes(wire.nested(value, _USER_KEY))
    except wire.WireError as error:
        raise CorruptError(f"bucket 'key': a value is no mvccpb.KeyValue: {error}") from error


def _short_key(head: bytes, place: int) -> bytes | None:
    """The user key of a value that begins at a place and with a key shorter than 128 bytes, as nearly every value does.

    None for any other: the general reader takes ten times longer.
    """
    begin = place + 2
    if len(head) <= begin or head[place] != _KEY_TAG or head[place + 1] >= 0x80:
        return None
    end = begin + head[place + 1]
    return head[begin:end] if end <= len(head) else None


def read_revision(key: memoryview) -> bytes:
    """An entry's key as bytes. Raises ``CorruptError`` where it is no revision."""
    if len(key) not in _SIZES:
        raise CorruptError(f"bucket 'key': {bytes(key[:32]).hex()} is no revision")
    return bytes(key)


def survey(database: Database, up_to: int | None = None) -> Keyspace:
    """Finds every entry, and the newest revision of each user key; with ``up_to`` as of that revision.

    Raises ``CorruptError``, also where an entry's key is no revision or not greater than the one before.
    """
    newest: dict[int, int] = {}  # fingerprint of the user key -> ordinal of its newest revision
    starts, ends, marks = array("Q"), array("Q"), bytearray()
    buffer, previous = database.buffer, b""
    for ordinal, (start, middle, end) in enumerate(database.places(BUCKET)):
        size = middle - start
        head = bytes(buffer[start : min(end, start + _HEAD_BYTES)])  # one copy of all that is looked at here
        revision = head[:size] if size in _SIZES else read_revision(buffer[start:middle])
        if revision <= previous:
            raise CorruptError(f"bucket 'key': revision {revision.hex()} follows {previous.hex()}")
        if up_to is not None and main_revision(revision) > up_to:
            break
        previous = revision
        key = _short_key(head, size)
        fingerprint = _fingerprint(user_key(buffer[middle:end]) if key is None else key)
        starts.append(start)
        ends.append(end)
        if size == _TOMBSTONE_BYTES:
            newest.pop(fingerprint, None)
            marks.append(_TOMBSTONE)
        else:
            newest[fingerprint] = ordinal
            marks.append(0)
    for ordinal in newest.values():
        marks[ordinal] = _KEPT
    live_keys = len(newest) - (_fingerprint(b"") in newest)
    return Keyspace(buffer, main_revision(previous), live_keys, starts, ends, marks)


def _fingerprint(user_key: bytes) -> int:
    """96 bits stand for a key of any length, so that a million keys take 120 MB.

    Two of a million keys share one in less than one of 10^16 readings. No file can be made so that they do: ``hash``
    depends on a secret of this process.
    """
    return hash(user_key) << 32 | crc32c(user_key)


def offer_live(keyspace: Keyspace, offer: Offer) -> None:
    """Offers every live entry, oldest first."""
    buffer = keyspace.buffer
    for start, end, mark in zip(keyspace.starts, keyspace.ends, keyspace.marks, strict=True):
        if mark & _KEPT:
            offer(buffer[start:end])


def hash_all(keyspace: Keyspace, digest: int) -> int:
    """Goes on with a CRC-32C over every entry's key and value."""
    buffer = keyspace.buffer
    for start, end in zip(keyspace.starts, keyspace.ends, strict=True):
        digest = crc32c(buffer[start:end], digest)
    return digest


def hash_kv_at(database: Database, revision: int, compacted_revision: int) -> int:
    """What a member that holds this answers for HashKV at an earlier revision, not below ``compacted_revision``."""
    return hash_kv(survey(database, revision), compacted_revision)


def hash_kv(keyspace: Keyspace, compacted_revision: int) -> int:
    """What a member that holds exactly this keyspace answers for HashKV at its last revision.

    ``compacted_revision`` is the member's: ``NEVER``, the snapshot's own, or a later one where the member was
    compacted since. The hash is a CRC-32C over the bucket's name, then each entry's key and value. It leaves
    out what a compaction at that revision removes: superseded entries up to it (but none where no user key is
    alive), and a tombstone exactly at it, which etcd before 3.5.16 removes and later ones keep.

    Returns an unsigned 32-bit number.
    """
    buffer, digest = keyspace.buffer, crc32c(BUCKET)
    any_kept = _KEPT in keyspace.marks
    for start, end, mark in zip(keyspace.starts, keyspace.ends, keyspace.marks, strict=True):
        if not mark & _KEPT and compacted_revision != NEVER:
            main = main_revision(buffer[start : start + 8])
            if main <= compacted_revision and (any_kept or (mark & _TOMBSTONE and main == compacted_revision)):
                continue
        digest = crc32c(buffer[start:end], digest)
    return digest
