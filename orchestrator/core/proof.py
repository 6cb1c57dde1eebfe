"""The proof that a member was restored. Pure: from what one host printed to a verdict.

A cluster that ignored the restore is healthy, has a quorum and agrees with itself. So health proves nothing here.
What counts, per member: (a) its HashKV at the snapshot's last revision is the one computed from the snapshot file;
(b) its raft log is new: no file of the old data is still in use. And of all together: (c) one cluster id, equal
hashes, a quorum; (d) nothing is left that would restore again at the next start.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.core.model import Answer, Verdict
from orchestrator.etcd.members import AnswerError, HashKv, parse_hash_kv, parse_health


@dataclass(frozen=True, slots=True)
class Expected:
    """What the snapshot file says every restored member must show."""

    revision: int
    compacted_revision: int
    hash_kv: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What one host printed, by ``templates/host/proof.sh``: HTTP bodies, and files as lines of numbers.

    ``hashkv`` is the answer for the snapshot's revision, ``hashkv_now`` the one for the member's newest. ``witnessed``
    is its answer for the snapshot's revision from just after its start, if one was written down there.
    """

    hashkv: str
    hashkv_now: str
    cluster_id: str
    health: str
    files: str
    kept: str
    armed: str
    witnessed: str = ""


def judge_member(host: str, shown: Shown, expected: Expected) -> Verdict:
    """(a) and (b), for one member."""

    def verdict(answer: Answer, reason: str) -> Verdict:
        return Verdict(answer, {host: reason}, {})

    if not shown.hashkv_now:
        return verdict(Answer.NO, "no answer on the peer port yet")
    if not shown.kept:
        return verdict(Answer.WRONG, "the list of the old files is gone: nothing shows that its raft log is new")
    if old := old_files(shown.files, shown.kept):
        return verdict(Answer.WRONG, f"it still runs on old data ({old[0]}): the restore was ignored")
    hashkv = _hash_at(shown, expected)
    if isinstance(hashkv, str):
        return verdict(Answer.WRONG, hashkv)
    return _judge_hash(host, hashkv, expected, shown.cluster_id)


def _hash_at(shown: Shown, expected: Expected) -> HashKv | str:
    """The member's hash at the snapshot's revision, or why there is none to compare.

    What was witnessed counts where the API servers have compacted since: raft has brought it every revision after it.
    """
    try:
        found = parse_hash_kv(shown.hashkv_now)
    except AnswerError as error:
        return str(error)
    if found.revision <= expected.revision:
        return found
    why = ""
    for answer in (shown.hashkv, shown.witnessed):
        try:
            found = parse_hash_kv(answer)
        except AnswerError as error:
            why = why or f"it has no hash at revision {expected.revision} any more: {error}"
            continue
        if found.compacted_revision == expected.compacted_revision:
            return found
        why = why or (
            f"it was compacted at {found.compacted_revision}, the snapshot at {expected.compacted_revision}: "
            "their hashes cannot be compared"
        )
    return why


def _judge_hash(host: str, hashkv: HashKv, expected: Expected, cluster_id: str) -> Verdict:
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
    """Paths of files that are there now and were there before: the same device, inode and birth time.

    Both texts have lines `device inode birth size path`. Where the filesystem knows no birth time (0), a reused
    inode cannot be told from the old file and counts as old.
    """
    before = {tuple(line.split(" ", 3)[:3]) for line in kept.splitlines() if line.count(" ") >= 4}
    return tuple(
        line.split(" ", 4)[4]
        for line in files.splitlines()
        if line.count(" ") >= 4
        and tuple(line.split(" ", 3)[:3]) in before
        and (line.endswith("/snap/db") or "/wal/" in line)
    )


def judge_together(shown: dict[str, Shown], expected: Expected) -> Verdict:
    """(c) and (d), over all members; (a) and (b) once more, for each."""
    verdicts = {host: judge_member(host, answer, expected) for host, answer in shown.items()}
    reasons = {host: reason for verdict in verdicts.values() for host, reason in verdict.reasons.items()}
    if any(verdict.answer is Answer.WRONG for verdict in verdicts.values()):
        return Verdict(Answer.WRONG, reasons)
    if reasons:
        return Verdict(Answer.NO, reasons)
    for host, answer in shown.items():
        if answer.armed:
            reasons[host] = f"{answer.armed.split()[0]} still lies in the data volume"
        elif not _healthy(answer.health):
            reasons[host] = "it has no quorum yet"
    clusters = {answer.cluster_id for answer in shown.values()}
    if len(clusters) > 1:
        return Verdict(Answer.WRONG, dict.fromkeys(shown, f"different cluster ids: {', '.join(sorted(clusters))}"))
    details = {
        "cluster_id": clusters.pop(),
        "revision": str(expected.revision),
        "hash_kv": str(expected.hash_kv),
    }
    for host, verdict in verdicts.items():
        details |= {f"{host} {name}": value for name, value in verdict.details.items()}
    return Verdict(Answer.NO if reasons else Answer.YES, reasons, details)


def _healthy(health: str) -> bool:
    try:
        return parse_health(health).healthy
    except AnswerError:
        return False
