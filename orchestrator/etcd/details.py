"""Figures of a snapshot that no plan depends on: what `etcdutl snapshot status` prints, and the other buckets.

Source: etcd v3.6.14 etcdutl/snapshot/v3_snapshot.go (Status, unsafeBumpBucketsRevision), server/storage/schema
({auth,lease,meta}.go). authpb and leasepb are not parsed, because only the number of entries matters here.
"""

import json
from typing import Any

from crc32c import crc32c
from pydantic import BaseModel, ConfigDict

from orchestrator.etcd import bbolt, keyspace


class Details(BaseModel):
    """Figures of a snapshot file.

    ``status_hash`` is the hash of `snapshot status` over all buckets. It differs between members with the same
    data, so it identifies a file and not its data. ``total_size_bytes`` is the size that `snapshot status` prints:
    the file without its sha256.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    status_hash: int
    total_size_bytes: int
    buckets: dict[str, int]  # number of entries by bucket name
    auth_enabled: bool
    users: int
    roles: int
    leases: int
    storage_version: str | None  # None: written by an etcd before 3.6
    downgrade_to: str | None  # target version of a downgrade in progress


def read_details(database: bbolt.Database, keys: keyspace.Keyspace) -> Details:
    """Read the details of a database; ``keys`` is its own keyspace. Raises ``CorruptError``."""
    counts, digest = {}, 0
    for name in sorted(database.buckets):
        digest, entries = crc32c(name, digest), 0
        if name == keyspace.BUCKET:
            digest, entries = keyspace.hash_all(keys, digest), keys.entries
        else:
            for start, _, end in database.places(name):
                digest = crc32c(database.buffer[start:end], digest)
                entries += 1
        counts[name.decode("ascii", "replace")] = entries
    auth, meta, cluster = (
        {bytes(key): bytes(value) for key, value in database.entries(name)} for name in (b"auth", b"meta", b"cluster")
    )
    version = meta.get(b"storageVersion")
    return Details(
        status_hash=digest,
        total_size_bytes=database.meta.size_bytes,
        buckets=counts,
        auth_enabled=auth.get(b"authEnabled") == b"\1",
        users=counts.get("authUsers", 0),
        roles=counts.get("authRoles", 0),
        leases=counts.get("lease", 0),
        storage_version=version.decode("utf-8", "replace") if version else None,
        downgrade_to=_downgrade(cluster.get(b"downgrade")),
    )


class Bump(BaseModel):
    """What a member shows after a restore with `--bump-revision amount --mark-compacted`; it is compacted at
    ``revision``."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    amount: int
    revision: int
    hash_kv: int


def bumped(keys: keyspace.Keyspace, amount: int) -> Bump:
    """Compute what a member shows that was restored with `--bump-revision AMOUNT --mark-compacted`, after its start.

    The restore adds one entry without key and value at the new revision and compacts up to it. What remains is that
    entry and the newest revision of each live key. Checked against the answers of etcd 3.5.16 and 3.5.30. Raises
    ``CorruptError``.
    """
    revision, digest = keys.last_revision + amount, crc32c(keyspace.BUCKET)

    def count(entry: memoryview) -> None:
        nonlocal digest
        if keyspace.user_key(entry[keyspace.REVISION_BYTES :]):  # supersedes the entry without a key of an older bump
            digest = crc32c(entry, digest)

    keyspace.offer_live(keys, count)
    hash_kv = crc32c(revision.to_bytes(8, "big") + b"_" + bytes(8), digest)
    return Bump(amount=amount, revision=revision, hash_kv=hash_kv)


def _downgrade(text: bytes | None) -> str | None:
    try:
        found: Any = json.loads(text or b"{}")
        return str(found["target-version"]) if found.get("enabled") else None
    except (ValueError, KeyError, AttributeError, RecursionError):
        return None
