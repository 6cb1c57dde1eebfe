"""Comparison of several members' answers to HashKV. Pure.

Each member answers twice: at its newest revision, and at the last round number up to it
(`templates/host/lib/hashkv.sh`). While clients write, members are rarely asked at the same newest revision; the round
number is the same for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from orchestrator.core.model.outcome import Answer, Verdict
from orchestrator.etcd.members import AnswerError, HashKv, parse_hash_kv


def read_hashes(*answers: tuple[str, int]) -> tuple[HashKv, ...]:
    """Parse the answers that contain a hash.

    Each comes with the revision that was asked for, 0 for the newest: the header always has the newest revision,
    whichever was asked for (etcd 3.5, server/etcdserver/corrupt.go, hashKVHandler).
    """
    found = []
    for body, asked in answers:
        with suppress(AnswerError):
            answer = parse_hash_kv(body)
            found.append(answer.model_copy(update={"revision": asked or answer.revision}))
    return tuple(found)


def judge_hashes(hashes: Mapping[str, tuple[HashKv, ...]]) -> Verdict:
    """Judge whether all members have one hash. Hashes are comparable at one revision, after one compaction."""
    by_host = {host: {(it.revision, it.compacted_revision): it.hash_kv for it in mine} for host, mine in hashes.items()}
    common = set.intersection(*(set(mine) for mine in by_host.values()))
    if not common:
        return Verdict(Answer.NO, dict.fromkeys(hashes, "not yet at the others' revision"))
    revision, compacted = max(common)
    values = {host: mine[revision, compacted] for host, mine in by_host.items()}
    if len(set(values.values())) > 1:
        reasons = {host: f"its HashKV at revision {revision} is {value}" for host, value in values.items()}
        return Verdict(Answer.NO, reasons)
    details = {
        "revision": str(revision),
        "hash_kv": str(next(iter(values.values()))),
        "compacted_revision": str(compacted),
    }
    return Verdict(Answer.YES, {}, details)
