"""Reader for a snapshot file, as `etcdctl snapshot save` writes it: a bbolt file and its sha256.

The last 32 bytes are the sha256 of everything before them. The bbolt part ends on a multiple of 512 bytes, so the
remainder of the size shows whether there is a trailer: 32 with it, 0 without (a copied ``member/snap/db``).
`etcdutl snapshot status` does not check the hash; this reader refuses a file unless it is whole.

Source: etcd v3.6.14 server/etcdserver/api/v3rpc/maintenance.go (writes it), etcdutl/snapshot/v3_snapshot.go (reads
it), server/storage/schema/{bucket,meta,membership,alarm}.go (the buckets).
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from pydantic import BaseModel, ConfigDict

from orchestrator.errors import RefusedError
from orchestrator.etcd import bbolt, keyspace, live, wire
from orchestrator.etcd.ids import hex_id
from orchestrator.etcd.meta import CorruptError, NoMetaError, read_meta

_TRAILER_BYTES, _BLOCK_BYTES = 32, 512
_PIECE_BYTES = 4 * 1024 * 1024
_SAVE_AGAIN = "take another backup file, or copy this one again from where it was saved"
_ALARMS = {1: "NOSPACE", 2: "CORRUPT"}


class SnapshotFault(Enum):
    """Why a snapshot is refused. Only ``UNHASHED`` can be overridden: such a file can be whole."""

    EMPTY = "empty"
    FOREIGN = "foreign"  # not an etcd database
    TRUNCATED = "truncated"
    ALTERED = "altered"  # the sha256 does not match the bytes
    UNHASHED = "unhashed"  # no sha256 trailer
    CORRUPT = "corrupt"  # the sha256 matches or is absent, but the pages are malformed


class SnapshotError(RefusedError):
    """The file is not a whole snapshot. The message does not name the file: the caller knows the path."""

    def __init__(self, fault: SnapshotFault, message: str, remedy: str = _SAVE_AGAIN) -> None:
        super().__init__(message)
        self.fault, self.remedy = fault, remedy


@dataclass(frozen=True, slots=True)
class Digest:
    """The sha256 of a whole file, and whether its trailer matches the bytes before it."""

    sha256: str
    body_bytes: int  # size without the trailer
    hashed: bool  # the size shows that there is a trailer
    intact: bool  # the trailer is the sha256 of the rest; False without a trailer


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class SnapshotMember(_Model):
    """A member of the cluster that the snapshot was taken from."""

    id: str
    name: str
    peer_urls: tuple[str, ...]


class SnapshotFacts(_Model):
    """Everything about a snapshot that a plan depends on.

    ``revision`` is what a member serves after the restore: the last entry's revision, or the compacted one if the
    entries up to it are gone, never below 1. ``hash_kv`` is the member's answer for HashKV at that revision until
    the member is compacted past ``compacted_revision``. If ``revision`` itself is compacted, the member must be
    asked for revision 0, the current one.
    """

    size_bytes: int
    sha256: str  # of the whole file, including its trailer
    hashed: bool
    page_size_bytes: int
    revision: int
    compacted_revision: int  # -1: never
    last_entry_revision: int  # the `revision` of etcdutl; 0 if there is no entry
    hash_kv: int
    key_entries: int  # revisions and tombstones in bucket ``key``
    live_keys: int
    total_entries: int  # in all buckets: the `totalKey` of etcdutl 3.4 and 3.5
    members: tuple[SnapshotMember, ...]
    cluster_version: str | None
    term: int | None  # None: saved by an etcd before 3.5
    consistent_index: int | None
    alarms: tuple[str, ...]  # such as "NOSPACE on 8e9e05c52164694d"
    kube_system_uid: str | None = None  # distinguishes one Kubernetes cluster from another
    newest_renewal_utc: str | None = None  # of a lease: about when the snapshot was taken
    secret_keys: tuple[str, ...] = ()  # `PROVIDER NAME` of each key that encrypts Secrets at rest


def body_bytes(size_bytes: int) -> int:
    """Return the size without the trailer, if the size shows that there is one."""
    return size_bytes - _TRAILER_BYTES * (size_bytes % _BLOCK_BYTES == _TRAILER_BYTES)


@dataclass(frozen=True, slots=True)
class Reading:
    """A whole file: its facts, and the parsed database for callers that need more."""

    facts: SnapshotFacts
    database: bbolt.Database
    keys: keyspace.Keyspace


def digest(buffer: memoryview, progress: keyspace.ReportBytes | None = None) -> Digest:
    """Read the file once and hash it; ``progress`` receives the number of bytes read so far.

    Never raises: the caller decides what the result means.
    """
    body = body_bytes(len(buffer))
    hashed = body < len(buffer)
    running = hashlib.sha256()
    for start in range(0, body, _PIECE_BYTES):
        end = min(start + _PIECE_BYTES, body)
        running.update(buffer[start:end])
        if progress:
            progress(end)
    intact = hashed and running.digest() == bytes(buffer[body:])
    running.update(buffer[body:])
    return Digest(running.hexdigest(), body, hashed, intact)


def read_snapshot(
    buffer: memoryview,
    *consumers: live.Consumer,
    allow_unhashed: bool = False,
    hashed_by: Callable[[], Digest] | None = None,
) -> Reading:
    """Prove that the file is whole and read it; every live key is passed to the consumers.

    ``buffer`` should be a read-only ``mmap``: only keys and metadata are copied out of it. ``hashed_by`` returns
    the digest of the buffer if the caller computes it in parallel; it is called after the rest is read. Raises
    ``SnapshotError``; then what the consumers received is worthless.
    """
    refuse_strange_size(buffer)
    try:
        found: Reading | SnapshotError = read_body(buffer[: body_bytes(len(buffer))], *consumers)
    except CorruptError as error:
        found = SnapshotError(SnapshotFault.CORRUPT, f"the file is corrupt: {error}")
    except SnapshotError as error:
        found = error
    file = hashed_by() if hashed_by else digest(buffer)
    if file.hashed and not file.intact:
        raise SnapshotError(SnapshotFault.ALTERED, "the file was altered: it does not match the sha256 at its end")
    if not file.hashed and not allow_unhashed:
        raise SnapshotError(
            SnapshotFault.UNHASHED,
            "the file has no sha256 at its end and cannot be proven intact; it looks like a copied member/snap/db",
            "take a file saved with `etcdctl snapshot save`, or add `--override unhashed`",
        )
    if isinstance(found, SnapshotError):
        raise found
    whole = {"size_bytes": len(buffer), "sha256": file.sha256, "hashed": file.hashed}
    return replace(found, facts=found.facts.model_copy(update=whole))


def refuse_strange_size(buffer: memoryview) -> None:
    """Raise ``SnapshotError`` if size and meta pages alone show that this is not a whole snapshot."""
    size = len(buffer)
    if size == 0:
        raise SnapshotError(SnapshotFault.EMPTY, "the file is empty")
    try:
        meta = read_meta(buffer)
    except NoMetaError as error:
        raise SnapshotError(SnapshotFault.FOREIGN, f"not an etcd database: {error}") from error
    if size < meta.size_bytes:
        raise SnapshotError(
            SnapshotFault.TRUNCATED, f"the file is truncated: it has {size} bytes, expected at least {meta.size_bytes}"
        )
    if size % _BLOCK_BYTES not in (0, _TRAILER_BYTES):
        raise SnapshotError(
            SnapshotFault.TRUNCATED,
            f"the file is truncated or edited: a snapshot cannot have {size} bytes, with or without a sha256",
        )


def read_body(body: memoryview, *consumers: live.Consumer) -> Reading:
    """Read a file without its trailer; ``read_snapshot`` fills in size, sha256 and trailer.

    Raises ``CorruptError``, or ``SnapshotError`` if it is a bbolt file of another program.
    """
    database = bbolt.Database(body)
    if keyspace.BUCKET not in database.buckets or b"meta" not in database.buckets:
        raise SnapshotError(SnapshotFault.FOREIGN, "the file is a bbolt database, but not etcd's")
    keys = keyspace.survey(database)
    if consumers:
        keyspace.offer_live(keys, live.offering(consumers))
    return Reading(_facts(database, keys), database, keys)


def _facts(database: bbolt.Database, keys: keyspace.Keyspace) -> SnapshotFacts:
    meta = _values(database, b"meta")
    compacted = max(_revision(meta.get(b"scheduledCompactRev")), _revision(meta.get(b"finishedCompactRev")))
    others = sum(1 for name in database.buckets if name != keyspace.BUCKET for _ in database.places(name))
    cluster_version = _values(database, b"cluster").get(b"clusterVersion")
    return SnapshotFacts(
        size_bytes=len(database.buffer),
        sha256="",
        hashed=False,
        page_size_bytes=database.meta.page_size,
        revision=max(keys.last_revision, compacted, 1),
        compacted_revision=compacted,
        last_entry_revision=keys.last_revision,
        hash_kv=keyspace.hash_kv(keys, compacted),
        key_entries=keys.entries,
        live_keys=keys.live_keys,
        total_entries=keys.entries + others,
        members=tuple(_members(database)),
        cluster_version=cluster_version.decode("utf-8", "replace") if cluster_version else None,
        term=_number(meta.get(b"term")),
        consistent_index=_number(meta.get(b"consistent_index")),
        alarms=tuple(_alarms(database)),
    )


def _values(database: bbolt.Database, bucket: bytes) -> dict[bytes, bytes]:
    return {bytes(key): bytes(value) for key, value in database.entries(bucket)}


def _number(value: bytes | None) -> int | None:
    return None if value is None else int.from_bytes(value[:8], "big")


def _revision(value: bytes | None) -> int:
    return keyspace.NEVER if value is None else keyspace.main_revision(value)


def _members(database: bbolt.Database) -> Iterator[SnapshotMember]:
    """Read the bucket ``members``: the key is the hex id, the value a JSON object with name and peerURLs."""
    for key, value in database.entries(b"members"):
        try:
            member: Any = json.loads(bytes(value))
            name, peer_urls = member.get("name", ""), member["peerURLs"]
            yield SnapshotMember(id=bytes(key).decode(), name=name, peer_urls=peer_urls)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise CorruptError(f"bucket 'members': {bytes(key)!r} is not a member: {error}") from error


def _alarms(database: bbolt.Database) -> Iterator[str]:
    """Read the bucket ``alarm``: the entry's key is an etcdserverpb.AlarmMember (1 member id, 2 alarm)."""
    for key, _ in database.entries(b"alarm"):
        try:
            number = wire.integer(key, 2)
            member = hex_id(wire.integer(key, 1) % (1 << 64))
        except wire.WireError as error:
            raise CorruptError(f"bucket 'alarm': {error}") from error
        yield f"{_ALARMS.get(number, f'alarm {number}')} on {member}"
