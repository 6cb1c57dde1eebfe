"""The bucket ``key``: every revision of every user key, and the HashKV over them.

An entry's key is the revision: ``main`` (8 bytes, big-endian), ``_``, ``sub`` (8 bytes); an 18th byte ``t``
marks a tombstone. Its value is an mvccpb.KeyValue, whose field 1 is the user key.

Source: etcd v3.6.14 server/storage/mvcc/{revision,kvstore,hash,index,key_index}.go, api/mvccpb/kv.proto.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from crc32c import crc32c

from orchestrator.etcd import wire
from orchestrator.etcd.bbolt import CorruptError, Database

Tell = Callable[[int], None]
"""Is told how many bytes were read so far."""
BUCKET = b"key"
NEVER = -1  # the compacted revision of a store that was never compacted

_LIVE_BYTES, _TOMBSTONE_BYTES = 17, 18
_USER_KEY = 1


@dataclass(frozen=True, slots=True)
class Keyspace:
    """What one pass over the bucket ``key`` tells.

    ``kept`` has one byte per entry, 1 where the entry is the newest revision of a live user key: the entries
    that HashKV counts even when they are older than the compaction (etcd's ``Keep``).
    """

    last_revision: int  # 0 where there is no entry
    entries: int
    live_keys: int
    kept: bytearray


def main_revision(entry_key: bytes) -> int:
    return int.from_bytes(entry_key[:8], "big")


def user_key(value: memoryview) -> bytes:
    """Field 1 of an mvccpb.KeyValue; b"" for the empty value that a revision bump leaves."""
    # Nearly every value begins with a key shorter than 128 bytes; the general reader takes ten times longer.
    if len(value) > 2 and value[0] == 0x0A and value[1] < 0x80 and len(value) >= 2 + value[1]:
        return bytes(value[2 : 2 + value[1]])
    try:
        return bytes(wire.nested(value, _USER_KEY))
    except wire.WireError as error:
        raise CorruptError(f"bucket 'key': a value is no mvccpb.KeyValue: {error}") from error


def revisions(database: Database) -> Iterator[tuple[bytes, memoryview]]:
    """Every (revision, value), oldest first, the revision as the bytes of the entry's key.

    Raises ``CorruptError`` where an entry's key is no revision or not greater than the one before.
    """
    previous = b""
    for key, value in database.entries(BUCKET):
        revision = read_revision(key)
        if revision <= previous:
            raise CorruptError(f"bucket 'key': revision {revision.hex()} follows {previous.hex()}")
        previous = revision
        yield revision, value


def read_revision(key: memoryview) -> bytes:
    """An entry's key as bytes. Raises ``CorruptError`` where it is no revision."""
    if len(key) not in (_LIVE_BYTES, _TOMBSTONE_BYTES):
        raise CorruptError(f"bucket 'key': {bytes(key[:32]).hex()} is no revision")
    return bytes(key)


def survey(database: Database) -> Keyspace:
    """Counts the entries and finds the newest revision of each user key. Raises ``CorruptError``."""
    newest: dict[bytes, int] = {}
    entries, revision = 0, b""
    for entries, (revision, value) in enumerate(revisions(database), start=1):
        if is_tombstone(revision):
            newest.pop(user_key(value), None)
        else:
            newest[user_key(value)] = entries - 1
    kept = bytearray(entries)
    for ordinal in newest.values():
        kept[ordinal] = 1
    live_keys = len(newest) - (b"" in newest)
    return Keyspace(main_revision(revision), entries, live_keys, kept)


def is_tombstone(revision: bytes) -> bool:
    return len(revision) == _TOMBSTONE_BYTES


def hash_kv(database: Database, keyspace: Keyspace, compacted_revision: int) -> int:
    """What a member that holds exactly this keyspace answers for HashKV at its last revision.

    ``compacted_revision`` is the member's: ``NEVER``, the snapshot's own, or a later one where the member was
    compacted since. The hash is a CRC-32C over the bucket's name, then each entry's key and value. It leaves
    out what a compaction at that revision removes: superseded entries up to it (but none where no user key is
    alive), and a tombstone exactly at it, which etcd before 3.5.16 removes and later ones keep.

    Returns an unsigned 32-bit number. Raises ``CorruptError``.
    """
    any_kept = any(keyspace.kept)
    digest = crc32c(BUCKET)
    for kept, (revision, value) in zip(keyspace.kept, revisions(database), strict=True):
        compacted = not kept and (main := main_revision(revision)) <= compacted_revision
        if compacted and (any_kept or (main == compacted_revision and is_tombstone(revision))):
            continue
        digest = crc32c(value, crc32c(revision, digest))
    return digest
