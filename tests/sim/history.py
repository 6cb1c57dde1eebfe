"""What one etcd member knows, as far as a restore can tell members apart."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, replace
from functools import lru_cache

OLD, RESTORED, HALF, EMPTY = "old", "restored", "half-restored", "empty"


@dataclass(frozen=True, slots=True)
class History:
    """All writes since the beginning: the revision is their number. ``log`` names the raft log they stand in: two
    members with different logs must never serve at once, whatever their cluster id says. ``bumped`` is by how much
    restores have raised the revision."""

    cluster_id: str
    log: str
    writes: tuple[str, ...]
    compacted: int = -1
    bumped: int = 0

    @property
    def revision(self) -> int:
        return len(self.writes) + self.bumped

    def hash_kv(self, revision: int) -> int:
        """Differs with the writes up to there, the compaction and the bump, as etcd's does."""
        return zlib.crc32(json.dumps([self.compacted, self.bumped, self.writes[: revision - self.bumped]]).encode())

    def write(self, *texts: str) -> History:
        return replace(self, writes=(*self.writes, *texts))

    def in_log(self, log: str) -> History:
        """The same in another raft log."""
        return self if log == self.log else replace(self, log=log)

    def shows_hash(self, revision: int) -> bool:
        """etcd has no hash of what is compacted, or has not come yet. A server whose tool can bump shows that of the
        compacted revision itself (etcd 3.6, server/storage/mvcc/kvstore.go, hashByRev; 3.5.16 does, too)."""
        oldest = self.compacted if self.bumped else self.compacted + 1
        return oldest <= revision <= self.revision

    def hash_answer(self, revision: int) -> dict[str, object]:
        """As on the peer port."""
        return {
            "header": {"revision": self.revision},
            "hash": self.hash_kv(revision),
            "compact_revision": self.compacted,
        }

    def compact(self, revision: int) -> History:
        return replace(self, compacted=max(self.compacted, revision))

    def bump(self, amount: int) -> History:
        """As `--bump-revision AMOUNT --mark-compacted` restores it: all before the newest revision is compacted."""
        bumped = replace(self, bumped=self.bumped + amount)
        return bumped.compact(bumped.revision)

    def last(self, key: str) -> str:
        """The newest value of a key; a write is `KEY VALUE`."""
        return next(
            (write.removeprefix(f"{key} ") for write in reversed(self.writes) if write.startswith(f"{key} ")), ""
        )

    def extends(self, older: History) -> bool:
        return self.writes[: len(older.writes)] == older.writes


def to_file(history: History) -> bytes:
    """A database file, or a snapshot: these do not differ here."""
    return json.dumps([history.cluster_id, history.log, history.writes, history.compacted, history.bumped]).encode()


@lru_cache(maxsize=512)
def from_file(content: bytes) -> History:
    cluster_id, log, writes, compacted, bumped = json.loads(content)
    return History(cluster_id, log, tuple(writes), compacted, bumped)
