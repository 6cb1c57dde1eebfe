"""The live keys of a snapshot: for each, the newest value and the revision that wrote it."""

import struct
from typing import Protocol

from orchestrator.etcd import keyspace, wire
from orchestrator.etcd.meta import CorruptError

_MAIN = struct.Struct(">Q")
_KEY_TAG = 1 << 3 | wire.LENGTH_DELIMITED  # of an mvccpb.KeyValue
_VALUE, _VALUE_TAG = 5, 5 << 3 | wire.LENGTH_DELIMITED
_NUMBER_TAGS = (2 << 3, 3 << 3, 4 << 3)  # create_revision, mod_revision, version

SHORT_KEY_BYTES, HEAD_BYTES = 128, 256
"""If a key is shorter than ``SHORT_KEY_BYTES``, its value starts within the first ``HEAD_BYTES`` of the pair: only
tags, lengths and three varints are between them."""


class Consumer(Protocol):
    """Receives the live keys of one pass, in the order of their revisions.

    ``pair`` is the whole mvccpb.KeyValue. Finding the value in it takes longer than everything else, so consumers
    that need the value call ``value_of``.
    """

    def add(self, user_key: bytes, pair: memoryview, mod_revision: int, /) -> None: ...


def offering(consumers: tuple[Consumer, ...]) -> keyspace.Offer:
    """Return a function that passes each live entry to all consumers, as key, pair and revision.

    That function raises ``CorruptError``.
    """

    def offer(entry: memoryview) -> None:
        pair = entry[keyspace.REVISION_BYTES :]
        key = keyspace.user_key(pair)
        if not key:  # a revision bump leaves an entry without a key
            return
        (mod_revision,) = _MAIN.unpack_from(entry)
        for consumer in consumers:
            consumer.add(key, pair, mod_revision)

    return offer


def value_of(pair: memoryview) -> bytes:
    """Return field 5 of an mvccpb.KeyValue, three times faster than the general reader.

    Raises ``CorruptError``.
    """
    head = bytes(pair[:HEAD_BYTES])
    try:
        place = 2 + head[1] if head[0] == _KEY_TAG and head[1] < 0x80 else 0  # after a key shorter than 128 bytes
        while head[place] in _NUMBER_TAGS:
            place += 1
            while head[place] >= 0x80:
                place += 1
            place += 1
        if place and head[place] == _VALUE_TAG:
            length, place = wire.varint(pair, place + 1)
            if place + length <= len(pair):
                return bytes(pair[place : place + length])
    except (IndexError, wire.WireError):
        pass  # the pair ends early: it has no value, or is damaged
    try:
        return bytes(wire.nested(pair, _VALUE))
    except wire.WireError as error:
        raise CorruptError(f"bucket 'key': a value is not an mvccpb.KeyValue: {error}") from error
