"""HashKV of several members: which answers are comparable."""

from __future__ import annotations

import json

from orchestrator.core.model.outcome import Answer
from orchestrator.core.proof.hashkv import judge_hashes, read_hashes
from orchestrator.etcd.members import HashKv


def answer(newest: int, hash_kv: int, compacted: int = 5) -> str:
    """Return an answer as etcd prints it: the header has the newest revision, whichever was asked for."""
    return json.dumps({"header": {"revision": newest}, "hash": hash_kv, "compact_revision": compacted})


def shown(newest: int, hash_now: int, hash_round: int, compacted: int = 5) -> tuple[HashKv, ...]:
    round_revision = newest - newest % 100
    return read_hashes(
        (answer(newest, hash_now, compacted), 0), (answer(newest, hash_round, compacted), round_revision)
    )


def test_members_under_writes_agree_at_round_revision() -> None:
    verdict = judge_hashes({"a": shown(1217, 1, 9), "b": shown(1219, 2, 9), "c": shown(1240, 3, 9)})
    assert verdict.answer is Answer.YES
    assert verdict.details == {"revision": "1200", "hash_kv": "9", "compacted_revision": "5"}


def test_newest_common_revision_decides() -> None:
    verdict = judge_hashes({"a": shown(1217, 1, 9), "b": shown(1217, 1, 9)})
    assert verdict.details["revision"] == "1217"
    assert judge_hashes({"a": shown(1217, 1, 9), "b": shown(1217, 2, 9)}).answer is Answer.NO


def test_different_hashes_at_round_revision_disagree() -> None:
    verdict = judge_hashes({"a": shown(1217, 1, 9), "b": shown(1219, 2, 8)})
    assert verdict.answer is Answer.NO
    assert verdict.reasons == {"a": "its HashKV at revision 1200 is 9", "b": "its HashKV at revision 1200 is 8"}


def test_different_compactions_are_not_comparable() -> None:
    verdict = judge_hashes({"a": shown(1217, 1, 9), "b": shown(1219, 2, 9, compacted=1100)})
    assert (verdict.answer, verdict.reasons["a"]) == (Answer.NO, "not yet at the others' revision")


def test_answers_without_hash_are_ignored() -> None:
    refused = '{"error":"etcdserver: mvcc: required revision has been compacted"}'
    assert read_hashes((answer(1217, 1), 0), (refused, 1200)) == read_hashes((answer(1217, 1), 0))
    assert read_hashes(("", 0), ("not JSON", 7)) == ()
