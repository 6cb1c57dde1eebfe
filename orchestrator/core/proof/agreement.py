"""The proof that members agree with one another, after an undo: no snapshot says what they must hold.

Pure: from the output of ``templates/host/start/is_equal.sh`` to a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from orchestrator.core.hosts.facts import parse_facts
from orchestrator.core.hosts.http import parse_http
from orchestrator.core.model.outcome import Answer, Verdict
from orchestrator.core.proof.hashkv import judge_hashes, read_hashes
from orchestrator.core.proof.restored import old_files
from orchestrator.etcd.members import AnswerError, HashKv, parse_health


@dataclass(frozen=True, slots=True)
class Standing:
    """What one member shows.

    ``returned`` lists the files that a rollback put back, as lines like ``files``; it is empty if nothing was put
    back, and `none` if there was no old data.
    """

    hashes: tuple[HashKv, ...]
    cluster_id: str
    healthy: bool
    files: str = ""
    returned: str = ""
    armed: str = ""


FACTS = {
    "lib/hashkv.sh": "hashkv_round round",
    "start/is_equal.sh": "armed files hashkv_now health members returned",
}


def read_standing(text: str) -> Standing:
    """Parse the output of ``is_equal.sh``; unreadable parts are left out."""
    facts = parse_facts(text)
    newest, at_round = (parse_http(facts.get(name, "")).body for name in ("hashkv_now", "hashkv_round"))
    return Standing(
        hashes=read_hashes((newest, 0), (at_round, int(facts.get("round") or 0))),
        cluster_id=parse_http(facts.get("members", "")).headers.get("x-etcd-cluster-id", ""),
        healthy=_healthy(parse_http(facts.get("health", "")).body),
        files=facts.get("files", ""),
        returned=facts.get("returned", "").strip(),
        armed=facts.get("armed", "").strip(),
    )


def judge_equal(shown: Mapping[str, Standing], expect: Mapping[str, str]) -> Verdict:
    """Judge whether the members agree.

    Yes if all answer with a quorum, with one cluster id (``expect["cluster_id"]`` if the old one is known) and one
    HashKV at one revision; if each runs on the files that were put back; and if no restore is armed for the next
    start.
    """
    wrong = {host: reason for host, it in shown.items() if (reason := _why_wrong(it, expect.get("cluster_id", "")))}
    if wrong:
        return Verdict(Answer.WRONG, wrong)
    if reasons := {host: reason for host, it in shown.items() if (reason := _why_not_yet(it))}:
        return Verdict(Answer.NO, reasons)
    clusters = {it.cluster_id for it in shown.values()}
    if len(clusters) > 1:
        return Verdict(Answer.WRONG, dict.fromkeys(shown, f"different cluster ids: {', '.join(sorted(clusters))}"))
    verdict = judge_hashes({host: it.hashes for host, it in shown.items()})
    return replace(verdict, details={"cluster_id": clusters.pop(), **verdict.details}) if verdict.details else verdict


def _why_wrong(it: Standing, cluster_id: str) -> str:
    """Return why waiting cannot help; empty if it can."""
    if cluster_id and it.cluster_id and it.cluster_id != cluster_id:
        return f"its cluster id is {it.cluster_id}, but the old one was {cluster_id}"
    if it.hashes and it.returned not in ("", "none") and not old_files(it.files, it.returned):
        return "it does not run on the files that were put back: something has restored it again"
    return ""


def _why_not_yet(it: Standing) -> str:
    if not it.hashes or not it.cluster_id:
        return "no answer on the peer port yet"
    if it.armed:
        return f"{it.armed.split()[0]} is still in the data volume"
    return "" if it.healthy else "no quorum yet"


def _healthy(body: str) -> bool:
    try:
        return parse_health(body).healthy
    except AnswerError:
        return False
