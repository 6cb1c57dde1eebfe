"""Judges: pure functions from a probe's answers to a verdict.

An exit status does not count if a look at the host can say more.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.core.hosts.facts import parse_facts
from orchestrator.core.hosts.http import parse_http
from orchestrator.core.model.outcome import Answer, Output, Verdict
from orchestrator.core.model.plan import Judge, Probe
from orchestrator.core.model.restored import Restored
from orchestrator.core.proof.agreement import judge_equal, read_standing
from orchestrator.core.proof.restored import Shown, judge_member, judge_together
from orchestrator.etcd.kubernetes import ObjectError, read_lease, read_node
from orchestrator.etcd.members import AnswerError, Range, parse_range


def judge(probe: Probe, outputs: Sequence[Output]) -> Verdict:
    """Return the verdict on a probe; ``outputs`` are the answers to its looks, in the same order."""
    answers = [(look.host, output) for look, output in zip(probe.looks, outputs, strict=True)]
    if probe.judge is Judge.NODE:  # one master's answer is enough
        return _judge_node(answers)
    silent = {host: _failure(output) for host, output in answers if output.failure}
    if silent:
        return Verdict(Answer.UNKNOWN, silent)
    if probe.judge is Judge.EXIT:
        return _judge_exit(answers)
    if probe.judge is Judge.EQUAL:
        return judge_equal({host: read_standing(output.text) for host, output in answers}, probe.expect)
    expected = Restored.of_texts(probe.expect)
    shown = {host: read_shown(output) for host, output in answers}
    if probe.judge is Judge.MEMBER:
        (host,) = shown
        return judge_member(host, shown[host], expected)
    return judge_together(shown, expected)


def _failure(output: Output) -> str:
    return f"{output.failure}: {output.detail}" if output.detail else str(output.failure)


def _judge_exit(answers: list[tuple[str, Output]]) -> Verdict:
    reasons = {
        host: output.text.strip() or output.stderr.decode("utf-8", "replace").strip() or "not yet"
        for host, output in answers
        if output.exit_code != 0
    }
    if not reasons:
        return Verdict(Answer.YES)
    broken = any(output.exit_code not in (0, 1) for _, output in answers)
    return Verdict(Answer.UNKNOWN if broken else Answer.NO, reasons)


FACTS = {
    "lib/hashkv.sh": "hashkv_round round",
    "start/is_restored.sh": "armed files hashkv hashkv_now health kept members witnessed",
    "workers/is_node_ready.sh": "leases minions",
}


def read_shown(output: Output) -> Shown:
    """Parse the output of `is_restored.sh`."""
    facts = parse_facts(output.text)
    members = parse_http(facts.get("members", ""))
    return Shown(
        hashkv=parse_http(facts.get("hashkv", "")).body,
        hashkv_now=parse_http(facts.get("hashkv_now", "")).body,
        cluster_id=members.headers.get("x-etcd-cluster-id", ""),
        health=parse_http(facts.get("health", "")).body,
        files=facts.get("files", ""),
        kept=facts.get("kept", ""),
        armed=facts.get("armed", ""),
        witnessed=facts.get("witnessed", ""),
        hashkv_round=parse_http(facts.get("hashkv_round", "")).body,
        round_revision=int(facts.get("round") or 0),
    )


def _judge_node(answers: list[tuple[str, Output]]) -> Verdict:
    """Judge a worker: its own look comes first and prints its start time; then the masters' looks at its lease."""
    worker, restarted = answers[0]
    if restarted.failure:
        return Verdict(Answer.NO, {worker: "no answer yet"})
    if restarted.exit_code != 0:
        return Verdict(Answer.NO, {worker: restarted.text.strip() or "not restarted yet"})
    since = int(restarted.text.split()[-1])
    reason = "no master knows its Node"
    for _, output in answers[1:]:
        reason = _node_reason(output, since)
        if not reason:
            return Verdict(Answer.YES)
    return Verdict(Answer.NO, {worker: reason})


def _node_reason(output: Output, since: int) -> str:
    """Return why that Node is not back; empty if it is.

    ``since`` is in seconds since 1970 by the worker's own clock, like the lease's renewal.
    """
    facts = parse_facts(output.text)
    try:
        lease = read_lease(_value(facts.get("leases", "")))
        node = read_node(_value(facts.get("minions", "")))
    except (AnswerError, ObjectError, LookupError) as error:
        return f"cannot read its Node: {error}"
    if lease.renewed_at_utc is None or lease.renewed_at_utc.timestamp() < since:
        return "its Node's lease was not renewed since the restart"
    if node.ready != "True":
        return "its Node is not Ready"
    return ""


def _value(answer: str) -> bytes:
    found: Range = parse_range(parse_http(answer).body)
    if not found.kvs:
        raise LookupError("not found in etcd")
    return bytes(found.kvs[0].value)
