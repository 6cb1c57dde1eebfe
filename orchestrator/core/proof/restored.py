"""The proof that a member was restored. Pure: from one host's output to a verdict.

A cluster that ignored the restore is healthy, has a quorum and agrees with itself, so health proves nothing here.
What counts for each member: (a) its HashKV at the snapshot's last revision equals the one computed from the
snapshot file; (b) its raft log is new: no file of the old data is still in use. For all members together: (c) one
cluster id, equal hashes, a quorum; (d) nothing is left that would restore again at the next start.

If a member starts late, the API servers may have compacted already: then it can never show its hash at the
snapshot's revision. Its data follows from the other members': with (b), and equal to a member that has shown (a),
it holds the same data, because a HashKV covers every key and everything that raft has added since.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.core.model.outcome import Answer, Verdict
from orchestrator.core.model.restored import Restored
from orchestrator.core.proof.hashkv import judge_hashes, read_hashes
from orchestrator.etcd.members import AnswerError, HashKv, parse_hash_kv, parse_health


@dataclass(frozen=True, slots=True)
class Shown:
    """The output of ``templates/host/start/is_restored.sh`` on one host: HTTP bodies, and files as lines of numbers.

    ``hashkv`` is the answer for the snapshot's revision, ``hashkv_now`` for the member's newest, ``witnessed`` for
    the snapshot's revision directly after the start, if it was recorded. ``hashkv_round`` is the answer for
    ``round_revision``, asked for comparison with the others if the snapshot's revision is refused.
    """

    hashkv: str
    hashkv_now: str
    cluster_id: str
    health: str
    files: str
    kept: str
    armed: str
    witnessed: str = ""
    hashkv_round: str = ""
    round_revision: int = 0


def judge_member(host: str, shown: Shown, expected: Restored) -> Verdict:
    """Judge (a) and (b) for one member. If it is too late for (a), its details have ``late`` and no hash."""

    def verdict(answer: Answer, reason: str) -> Verdict:
        return Verdict(answer, {host: reason}, {})

    if not shown.hashkv_now:
        return verdict(Answer.NO, "no answer on the peer port yet")
    if not shown.kept:
        return verdict(Answer.WRONG, "the list of the old files is missing: its raft log cannot be proven new")
    if old := old_files(shown.files, shown.kept):
        return verdict(Answer.WRONG, f"it still runs on the old data ({old[0]}): it ignored the restore")
    if expected.cluster_id and shown.cluster_id and shown.cluster_id != expected.cluster_id:
        what = f"its cluster id is {shown.cluster_id}, but this restore's is {expected.cluster_id}"
        return verdict(Answer.WRONG, f"{what}: it runs on other data")
    try:
        newest = parse_hash_kv(shown.hashkv_now)
    except AnswerError as error:
        return verdict(Answer.WRONG, str(error))
    hashkv = newest if newest.revision <= expected.revision else _hash_at(shown, expected)
    if isinstance(hashkv, str):
        return Verdict(Answer.YES, {}, {"late": hashkv, "cluster_id": shown.cluster_id})
    return _judge_hash(host, hashkv, expected, shown.cluster_id)


def _hash_at(shown: Shown, expected: Restored) -> HashKv | str:
    """Return the member's hash at the snapshot's revision, or why it cannot be compared.

    The recorded hash counts if the API servers have compacted since: raft has brought the member every later
    revision.
    """
    why = ""
    for answer in (shown.hashkv, shown.witnessed):
        try:
            found = parse_hash_kv(answer)
        except AnswerError as error:
            why = why or f"its HashKV at revision {expected.revision} is no longer available: {error}"
            continue
        if found.compacted_revision == expected.compacted_revision:
            return found
        why = why or (
            f"it was compacted at {found.compacted_revision}, the snapshot at {expected.compacted_revision}: "
            "their HashKVs cannot be compared"
        )
    return why


def _judge_hash(host: str, hashkv: HashKv, expected: Restored, cluster_id: str) -> Verdict:
    details = {
        "revision": str(hashkv.revision),
        "hash_kv": str(hashkv.hash_kv),
        "compacted_revision": str(hashkv.compacted_revision),
        "cluster_id": cluster_id,
    }
    if hashkv.revision < expected.revision:
        reason = f"the member is at revision {hashkv.revision}, the snapshot at {expected.revision}"
        return Verdict(Answer.WRONG, {host: reason}, details)
    if hashkv.hash_kv != expected.hash_kv:
        reason = f"its HashKV at revision {expected.revision} is {hashkv.hash_kv}, not {expected.hash_kv}"
        return Verdict(Answer.WRONG, {host: reason}, details)
    return Verdict(Answer.YES, {}, details)


def old_files(files: str, kept: str) -> tuple[str, ...]:
    """Return the paths of files that exist now and existed before: the same inode and birth time.

    Both texts have lines `device inode birth size path`. The device number may change at a reboot, so it is
    ignored. If the filesystem has no birth time (0), a reused inode cannot be distinguished from the old file and
    counts as old.
    """
    before = {tuple(line.split(" ", 3)[1:3]) for line in kept.splitlines() if line.count(" ") >= 4}
    return tuple(
        line.split(" ", 4)[4]
        for line in files.splitlines()
        if line.count(" ") >= 4
        and tuple(line.split(" ", 3)[1:3]) in before
        and (line.endswith("/snap/db") or "/wal/" in line)
    )


def judge_together(shown: dict[str, Shown], expected: Restored) -> Verdict:
    """Judge (c) and (d) over all members, and (a) and (b) again for each."""
    verdicts = {host: judge_member(host, answer, expected) for host, answer in shown.items()}
    reasons = {host: reason for verdict in verdicts.values() for host, reason in verdict.reasons.items()}
    if any(verdict.answer is Answer.WRONG for verdict in verdicts.values()):
        return Verdict(Answer.WRONG, reasons)
    if reasons:
        return Verdict(Answer.NO, reasons)
    clusters = {answer.cluster_id for answer in shown.values()}
    if len(clusters) > 1:
        return Verdict(Answer.WRONG, dict.fromkeys(shown, f"different cluster ids: {', '.join(sorted(clusters))}"))
    late = {host: verdict.details["late"] for host, verdict in verdicts.items() if "late" in verdict.details}
    if len(late) == len(shown):
        return Verdict(Answer.WRONG, late)
    hashes = {host: _hashes(it, expected) for host, it in shown.items()}
    equal = judge_hashes(hashes) if late else Verdict(Answer.YES)
    reasons = equal.reasons | {host: reason for host, it in shown.items() if (reason := _why_not_yet(it))}
    details = {"cluster_id": clusters.pop(), "revision": str(expected.revision), "hash_kv": str(expected.hash_kv)}
    for host, verdict in verdicts.items():
        details |= {f"{host} {name}": value for name, value in (equal.details | verdict.details).items()}
    return Verdict(Answer.NO if reasons else Answer.YES, reasons, details)


def _hashes(it: Shown, expected: Restored) -> tuple[HashKv, ...]:
    newest = "" if it.hashkv_now == it.hashkv else it.hashkv_now  # the script asks only once if one answer is enough
    return read_hashes((it.hashkv, expected.revision), (newest, 0), (it.hashkv_round, it.round_revision))


def _why_not_yet(it: Shown) -> str:
    if it.armed:
        return f"{it.armed.split()[0]} is still in the data volume"
    return "" if _healthy(it.health) else "no quorum yet"


def _healthy(health: str) -> bool:
    try:
        return parse_health(health).healthy
    except AnswerError:
        return False
