"""The bucket ``key``: every revision of every user key, and HashKV over them.

An entry's key is the revision: ``main`` (8 bytes, big-endian), ``_``, ``sub`` (8 bytes); an 18th byte ``t`` marks a
tombstone. Its value is an mvccpb.KeyValue, whose field 1 is the user key.

Source: etcd v3.6.14 server/storage/mvcc/{revision,kvstore,hash,index,key_index}.go, api/mvccpb/kv.proto.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass

from crc32c import crc32c

from orchestrator.etcd import wire
from orchestrator.etcd.bbolt import Database
from orchestrator.etcd.meta import CorruptError

ReportBytes = Callable[[int], None]
"""Receives the number of bytes read so far."""
Offer = Callable[[memoryview], None]
"""Receives a live entry: its revision (``REVISION_BYTES`` long), followed by its value."""
BUCKET = b"key"
NEVER = -1  # the compacted revision of a store that was never compacted

REVISION_BYTES = 17
_TOMBSTONE_BYTES = 18
_SIZES = (REVISION_BYTES, _TOMBSTONE_BYTES)
_USER_KEY, _KEY_TAG = 1, 1 << 3 | wire.LENGTH_DELIMITED
_HEAD_BYTES = _TOMBSTONE_BYTES + 2 + 127  # a revision, then a short key with its tag and its length
_TOMBSTONE, _KEPT = 1, 2


@dataclass(frozen=True, slots=True)
class Keyspace:
    """The result of one pass over the bucket ``key``: the place and kind of every entry.

    ``starts`` and ``ends`` are offsets in the buffer. An entry's value directly follows its key, so one slice is
    what HashKV digests. ``marks`` has one byte per entry: whether it is a tombstone, and whether it is the newest
    revision of a live user key, which HashKV counts even if it is older than the compaction (etcd's ``Keep``).
    """

    buffer: memoryview
    last_revision: int  # 0 if there is no entry
    live_keys: int
    starts: array[int]
    ends: array[int]
    marks: bytearray

    @property
    def entries(self) -> int:
        """The number of revisions and tombstones."""
        return len(self.marks)


def main_revision(entry_key: bytes | memoryview) -> int:
    return int.from_bytes(entry_key[:8], "big")


def user_key(value: memoryview) -> bytes:
    """Return field 1 of an mvccpb.KeyValue; b"" for the empty value that a revision bump leaves. Raises
    ``CorruptError``."""
    key = _short_key(bytes(value[:_HEAD_BYTES]), 0)
    if key is not None:
        return key
    try:
        return bytes(wire.nested(value, _USER_KEY))
    except wire.WireError as error:
        raise CorruptError(f"bucket 'key': a value is not an mvccpb.KeyValue: {error}") from error


def _short_key(head: bytes, place: int) -> bytes | None:
    """Return the user key of a value at ``place`` whose key is shorter than 128 bytes, as nearly all are; else None.

    The general reader takes ten times longer.
    """
    begin = place + 2
    if len(head) <= begin or head[place] != _KEY_TAG or head[place + 1] >= 0x80:
        return None
    end = begin + head[place + 1]
    return head[begin:end] if end <= len(head) else None


def read_revision(key: memoryview) -> bytes:
    """Return an entry's key as bytes. Raises ``CorruptError`` if it is not a revision."""
    if len(key) not in _SIZES:
        raise CorruptError(f"bucket 'key': {bytes(key[:32]).hex()} is not a revision")
    return bytes(key)


def survey(database: Database, up_to: int | None = None) -> Keyspace:
    """Find every entry and the newest revision of each user key; with ``up_to``, as of that revision.

    Raises ``CorruptError``, also if an entry's key is not a revision or not greater than the previous one.
    """
    newest: dict[int, int] = {}  # fingerprint of the user key -> ordinal of its newest revision
    starts, ends, marks = array("Q"), array("Q"), bytearray()
    buffer, previous = database.buffer, b""
    for ordinal, (start, middle, end) in enumerate(database.places(BUCKET)):
        size = middle - start
        head = bytes(buffer[start : min(end, start + _HEAD_BYTES)])  # one copy of everything that the loop reads
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
    """Reduce a key of any length to 96 bits, so that a million keys take 120 MB.

    The probability that any two of a million keys collide is less than 1 in 10^16 readings. A file cannot be
    crafted to collide, because ``hash`` depends on a secret of this process.
    """
    return hash(user_key) << 32 | crc32c(user_key)


def offer_live(keyspace: Keyspace, offer: Offer) -> None:
    """Call ``offer`` with every live entry, oldest first."""
    buffer = keyspace.buffer
    for start, end, mark in zip(keyspace.starts, keyspace.ends, keyspace.marks, strict=True):
        if mark & _KEPT:
            offer(buffer[start:end])


def hash_all(keyspace: Keyspace, digest: int) -> int:
    """Extend a CRC-32C over every entry's key and value."""
    buffer = keyspace.buffer
    for start, end in zip(keyspace.starts, keyspace.ends, strict=True):
        digest = crc32c(buffer[start:end], digest)
    return digest


def hash_kv_at(database: Database, revision: int, compacted_revision: int) -> int:
    """Return a member's HashKV answer at an earlier revision, which must not be below ``compacted_revision``."""
    return hash_kv(survey(database, revision), compacted_revision)


def hash_kv(keyspace: Keyspace, compacted_revision: int) -> int:
    """Return the HashKV answer at its last revision of a member that holds exactly this keyspace.

    ``compacted_revision`` is the member's: ``NEVER``, the snapshot's own, or a later one if the member was
    compacted since. The hash is a CRC-32C over the bucket's name, then each entry's key and value. It omits what a
    compaction at that revision removes: superseded entries up to it (none if no user key is alive), and a tombstone
    exactly at it, which etcd before 3.5.16 removes and later versions keep.

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
