"""The data of one etcd member, reduced to what a restore can distinguish."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, replace
from functools import lru_cache

OLD, RESTORED, HALF, EMPTY = "old", "restored", "half-restored", "empty"


@dataclass(frozen=True, slots=True)
class History:
    """All writes since the creation of the cluster. The revision is their number plus ``bumped``.

    ``log`` names the raft log that contains them: two members with different logs must never serve at the same time,
    even if their cluster ids are equal. ``bumped`` is the amount by which restores have raised the revision.
    """

    cluster_id: str
    log: str
    writes: tuple[str, ...]
    compacted: int = -1
    bumped: int = 0

    @property
    def revision(self) -> int:
        return len(self.writes) + self.bumped

    def hash_kv(self, revision: int) -> int:
        """Return a hash of the writes up to the revision, the compaction and the bump, as etcd does."""
        return zlib.crc32(json.dumps([self.compacted, self.bumped, self.writes[: revision - self.bumped]]).encode())

    def write(self, *texts: str) -> History:
        return replace(self, writes=(*self.writes, *texts))

    def in_log(self, log: str) -> History:
        """Return the same data in another raft log."""
        return self if log == self.log else replace(self, log=log)

    def shows_hash(self, revision: int) -> bool:
        """Return True if etcd has a hash of this revision: it is not compacted, and it exists already.

        A server whose tool can bump also shows the hash of the compacted revision (etcd 3.6,
        server/storage/mvcc/kvstore.go, hashByRev; 3.5.16 does, too).
        """
        oldest = self.compacted if self.bumped else self.compacted + 1
        return oldest <= revision <= self.revision

    def hash_answer(self, revision: int) -> dict[str, object]:
        """Return the answer of the peer port."""
        return {
            "header": {"revision": self.revision},
            "hash": self.hash_kv(revision),
            "compact_revision": self.compacted,
        }

    def compact(self, revision: int) -> History:
        return replace(self, compacted=max(self.compacted, revision))

    def bump(self, amount: int) -> History:
        """Do what `--bump-revision AMOUNT --mark-compacted` does: all before the newest revision is compacted."""
        bumped = replace(self, bumped=self.bumped + amount)
        return bumped.compact(bumped.revision)

    def last(self, key: str) -> str:
        """Return the newest value of a key. A write is `KEY VALUE`."""
        return next(
            (write.removeprefix(f"{key} ") for write in reversed(self.writes) if write.startswith(f"{key} ")), ""
        )

    def extends(self, older: History) -> bool:
        return self.writes[: len(older.writes)] == older.writes


def to_file(history: History) -> bytes:
    """Return the content of a database file or of a snapshot. Both are the same in the simulation."""
    return json.dumps([history.cluster_id, history.log, history.writes, history.compacted, history.bumped]).encode()


@lru_cache(maxsize=512)
def from_file(content: bytes) -> History:
    cluster_id, log, writes, compacted, bumped = json.loads(content)
    return History(cluster_id, log, tuple(writes), compacted, bumped)
