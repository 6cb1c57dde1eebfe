"""Answers that no healthy 3.5.1 member gives: from other versions, from members in trouble, from other servers."""

from collections.abc import Callable

import pytest

from orchestrator.etcd import members
from orchestrator.etcd.members import AnswerError, HashKv

PARSERS: tuple[Callable[[str], object], ...] = (
    members.parse_members, members.parse_hash_kv, members.parse_versions, members.parse_health,
    members.parse_status, members.parse_range,
)  # fmt: skip
WRONG = ("", "null", "[1]", '{"header": 5}', '[{"id": {}}]', "<html>", "404 page not found\n", '{"health": []}')


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
@pytest.mark.parametrize("body", WRONG)
def test_other_answer_is_refused_and_quoted(parse: Callable[[str], object], body: str) -> None:
    with pytest.raises(AnswerError) as refused:
        parse(body)
    assert repr(body) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_long_answer_is_truncated_in_message() -> None:
    with pytest.raises(AnswerError) as refused:
        members.parse_health("x" * 100_000)
    assert len(str(refused.value)) < 400


def test_hash_kv_of_etcd_3_6_has_additional_field() -> None:
    body = '{"header":{"revision":9,"raft_term":2},"hash":4294967295,"compact_revision":-1,"hash_revision":9}'
    expected = HashKv(revision=9, compacted_revision=-1, hash_kv=4294967295)
    assert members.parse_hash_kv(body) == expected


@pytest.mark.parametrize("body", ['{"header":{},"hash":1,"compact_revision":1}', '{"hash":1}', "{}"])
def test_hash_without_revision_is_refused(body: str) -> None:
    with pytest.raises(AnswerError):
        members.parse_hash_kv(body)


def test_unhealthy_member_gives_reason() -> None:
    health = members.parse_health('{"health":"false","reason":"RAFT NO LEADER"}')
    assert (health.healthy, health.reason) == (False, "RAFT NO LEADER")


def test_unstarted_learner_has_no_name() -> None:
    body = '[{"id":18446744073709551615,"peerURLs":["https://10.0.0.4:2380"],"isLearner":true}]'
    (member,) = members.parse_members(body)
    assert (member.id, member.name, member.is_learner) == ("f" * 16, "", True)


def test_status_without_leader() -> None:
    status = members.parse_status('{"header":{"cluster_id":"1","member_id":"255"},"version":"3.4.23"}')
    assert (status.leader, status.member_id) == (None, "ff")


def test_empty_range() -> None:
    assert members.parse_range('{"header":{"revision":"5"}}').kvs == ()


def test_invalid_base64_is_refused() -> None:
    with pytest.raises(AnswerError):
        members.parse_range('{"header":{"revision":"5"},"kvs":[{"key":"!"}]}')
