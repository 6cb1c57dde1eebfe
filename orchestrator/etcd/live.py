"""The live keys of a snapshot: for each, the newest value and the revision that wrote it."""

from typing import Protocol

from orchestrator.etcd import keyspace, wire
from orchestrator.etcd.bbolt import CorruptError, Database

_VALUE = 5  # of an mvccpb.KeyValue


class Consumer(Protocol):
    """Takes part in one pass over the live keys."""

    def add(self, user_key: bytes, value: bytes, mod_revision: int, /) -> None: ...


def walk(buffer: memoryview, *consumers: Consumer) -> None:
    """Offers every live key to the consumers, in the order of the revisions.

    ``buffer`` is a file that ``read_snapshot`` accepted. Raises ``CorruptError``.
    """
    database = Database(buffer)
    kept = keyspace.survey(database).kept
    for is_kept, (revision, entry) in zip(kept, keyspace.revisions(database), strict=True):
        key = keyspace.user_key(entry) if is_kept else b""
        if not key:  # a revision bump leaves an entry without a key
            continue
        try:
            value = bytes(wire.nested(entry, _VALUE))
        except wire.WireError as error:
            raise CorruptError(f"bucket 'key': a value is no mvccpb.KeyValue: {error}") from error
        for consumer in consumers:
            consumer.add(key, value, keyspace.main_revision(revision))
