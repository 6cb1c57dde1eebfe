"""From the answers of hosts to a verdict, for each judge."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from orchestrator.core.hosts.facts import parse_facts
from orchestrator.core.hosts.http import HttpAnswer, parse_http
from orchestrator.core.model.outcome import Answer, Failure, Output, Verdict
from orchestrator.core.model.plan import Exec, Judge, Look, Probe
from orchestrator.core.proof.judges import judge, read_shown
from tests.facts_text import MARK, facts_text
from tests.kubernetes_objects import lease_bytes, node_bytes

RESTARTED_AT = 1_795_360_500


def probe(*hosts: str, by: Judge = Judge.EXIT, **expect: str) -> Probe:
    return Probe(looks=tuple(Look(host=host, call=Exec(argv=("true",))) for host in hosts), judge=by, expect=expect)


def printed(**facts: str) -> bytes:
    return facts_text(facts).encode()


# --- Exit statuses --------------------------------------------------------------------------------------


def test_exit_0_on_all_hosts_is_yes() -> None:
    assert judge(probe("a", "b"), [Output(0), Output(0)]) == Verdict(Answer.YES)


@pytest.mark.parametrize(
    ("output", "verdict"),
    [
        (Output(1, b"port 2380 still listens\n"), Verdict(Answer.NO, {"b": "port 2380 still listens"})),
        (Output(1, b"", b"on stderr\n"), Verdict(Answer.NO, {"b": "on stderr"})),
        (Output(1), Verdict(Answer.NO, {"b": "not yet"})),
        (Output(127, b"", b"sh: not found"), Verdict(Answer.UNKNOWN, {"b": "sh: not found"})),
        (
            Output(None, failure=Failure.UNREACHABLE, detail="timed out"),
            Verdict(Answer.UNKNOWN, {"b": "unreachable: timed out"}),
        ),
        (Output(None, failure=Failure.SUDO), Verdict(Answer.UNKNOWN, {"b": "sudo"})),
    ],
)
def test_failure_on_one_host(output: Output, verdict: Verdict) -> None:
    assert judge(probe("a", "b"), [Output(0), output]) == verdict


def test_missing_answer_raises() -> None:
    with pytest.raises(ValueError, match="argument"):
        judge(probe("a", "b"), [Output(0)])


# --- The proof ------------------------------------------------------------------------------------------

EXPECT = {"revision": "48213", "compacted_revision": "41000", "hash_kv": "77"}
HASHKV = 'HTTP/1.0 200 OK\r\n\r\n{"header":{"revision":48213},"hash":77,"compact_revision":41000}'
PROVEN = {
    "hashkv": HASHKV,
    "hashkv_now": HASHKV,
    "members": "HTTP/1.0 200 OK\r\nX-Etcd-Cluster-Id: cdf8\r\n\r\n[]",
    "health": 'HTTP/1.0 200 OK\r\n\r\n{"health":"true"}',
    "files": "1 2 3 4 /member/snap/db\n",
    "kept": "none\n",
    "armed": "",
}


def test_output_of_is_restored_is_parsed() -> None:
    shown = read_shown(Output(0, printed(**PROVEN)))
    assert shown.cluster_id == "cdf8"
    assert json.loads(shown.hashkv)["hash"] == 77
    assert shown.health == '{"health":"true"}'
    assert (shown.files, shown.kept, shown.armed) == ("1 2 3 4 /member/snap/db\n", "none\n", "")


def test_empty_output_proves_nothing() -> None:
    verdict = judge(probe("a", by=Judge.MEMBER, **EXPECT), [Output(1)])
    assert verdict.answer is Answer.NO


def test_one_member_and_all_members() -> None:
    output = Output(0, printed(**PROVEN))
    assert judge(probe("a", by=Judge.MEMBER, **EXPECT), [output]).answer is Answer.YES
    assert judge(probe("a", "b", by=Judge.AGREE, **EXPECT), [output, output]).answer is Answer.YES
    armed = Output(0, printed(**PROVEN | {"armed": "restore.db\n"}))
    # A file that would restore again is removed after its member is proven, and before all members are.
    assert judge(probe("a", by=Judge.MEMBER, **EXPECT), [armed]).answer is Answer.YES
    assert judge(probe("a", "b", by=Judge.AGREE, **EXPECT), [output, armed]).answer is Answer.NO


def test_silent_member_makes_verdict_unknown() -> None:
    outputs = [Output(0, printed(**PROVEN)), Output(None, failure=Failure.TIMEOUT)]
    assert judge(probe("a", "b", by=Judge.AGREE, **EXPECT), outputs) == Verdict(Answer.UNKNOWN, {"b": "timeout"})


# --- A worker's Node ------------------------------------------------------------------------------------


def stored(value: bytes | None) -> str:
    """Return the answer of etcd's gateway to a range request."""
    kvs = [] if value is None else [{"key": "aw==", "value": base64.b64encode(value).decode()}]
    return "HTTP/1.0 200 OK\r\n\r\n" + json.dumps({"header": {"revision": "9"}, "kvs": kvs})


def objects(renewed_after_s: int = 5, *, ready: bool = True) -> Output:
    """Return a master's answer to `is_node_ready.sh`: the Node and its Lease, renewed that long after the restart."""
    renewed = datetime.fromtimestamp(RESTARTED_AT + renewed_after_s, UTC)
    lease, node = lease_bytes("worker-1", "worker-1", renewed), node_bytes("worker-1", ready, renewed)
    return Output(0, printed(leases=stored(lease), minions=stored(node)))


def judged(*outputs: Output, since: Output | None = None) -> tuple[Answer, str]:
    hosts = [f"master-{number + 1}" for number in range(len(outputs))]
    verdict = judge(probe("worker-1", *hosts, by=Judge.NODE), [since or Output(0, b"%d\n" % RESTARTED_AT), *outputs])
    return verdict.answer, verdict.reasons.get("worker-1", "")


def test_node_ready_since_restart() -> None:
    assert judged(objects()) == (Answer.YES, "")
    assert judged(objects(0)) == (Answer.YES, "")


def test_any_masters_answer_is_enough() -> None:
    silent = Output(None, failure=Failure.UNREACHABLE)
    assert judged(silent, objects(), silent) == (Answer.YES, "")
    assert judged() == (Answer.NO, "no master knows its Node")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (objects(-1), "its Node's lease was not renewed since the restart"),
        (objects(ready=False), "its Node is not Ready"),
        (Output(0, printed(leases=stored(None))), "cannot read its Node: not found in etcd"),
        (Output(0, printed(leases=stored(b"k8s:enc:aescbc:"))), "cannot read its Node: the value starts with"),
        (Output(0, printed(leases="")), "cannot read its Node: etcd's answer"),
        (Output(0), "cannot read its Node"),
    ],
)
def test_node_not_back(output: Output, said: str) -> None:
    answer, reason = judged(output)
    assert answer is Answer.NO
    assert reason.startswith(said)


@pytest.mark.parametrize(
    ("since", "said"),
    [
        (Output(None, failure=Failure.UNREACHABLE), "no answer yet"),
        (Output(1, b"not rebooted yet\n"), "not rebooted yet"),
        (Output(1), "not restarted yet"),
    ],
)
def test_worker_not_restarted(since: Output, said: str) -> None:
    assert judged(objects(), since=since) == (Answer.NO, said)


# --- What answers are written in ------------------------------------------------------------------------


def test_facts_of_broken_connection() -> None:
    whole = facts_text({"first": "one\n", "second": f"two\n{MARK[:-1]} lines", "empty": ""})
    assert parse_facts(whole) == {"first": "one\n", "second": f"two\n{MARK[:-1]} lines", "empty": ""}
    assert parse_facts(whole[: whole.index("lines") + 6]) == {"first": "one\n"}
    assert parse_facts("Welcome to master-1!\n" + whole)["first"] == "one\n"
    assert parse_facts(f"{whole}and more\n") == parse_facts(whole)
    assert parse_facts("") == parse_facts("\n one\n") == {}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("HTTP/1.0 200 OK\r\nA: b\r\n\r\nbody\r\n\r\nmore", HttpAnswer(200, {"a": "b"}, "body\n\nmore")),
        ("HTTP/1.1 503 Service Unavailable\n\n", HttpAnswer(503, {}, "")),
        ("HTTP/1.0 200 OK\r\nX-Etcd-Cluster-Id: ce83\r\n\r\n", HttpAnswer(200, {"x-etcd-cluster-id": "ce83"}, "")),
        ("", HttpAnswer()),
        ("curl: (7) Failed to connect", HttpAnswer()),
    ],
)
def test_http_answers_are_parsed(text: str, answer: HttpAnswer) -> None:
    assert parse_http(text) == answer
