"""What a restored cluster holds, as people and as programs read it."""

from __future__ import annotations

import json

from orchestrator.adapters.screen.report import print_evidence, result_json
from orchestrator.core.model.cost import ResourceCount
from orchestrator.core.model.restored import restored_from
from orchestrator.core.proof.evidence import Census, Evidence, MemberEvidence, ResourceEvidence
from orchestrator.core.report.evidence import MOST_RESOURCES, evidence_lines, resource_rows
from orchestrator.core.runs.result import Result
from tests.unit import builders
from tests.unit.screens import Printed, assert_golden

SNAPSHOT = builders.snapshot_facts()
R = SNAPSHOT.revision
KEYS = {
    "minions/w1": 5,
    "minions/w2": 6,
    "leases/kube-node-lease/w1": R + 9,
    "leases/kube-node-lease/w2": 7,
    "masterleases/10.0.0.11": R + 3,
    "masterleases/10.0.0.14": 8,
    "pods/shop/cart": 9,
    "pods/shop/new": R + 20,
}
COUNTS = tuple(
    ResourceCount(resource=name, snapshot=then, live=live)
    for name, then, live in (("leases", 2, 2), ("masterleases", 2, 1), ("nodes", 2, 3), ("pods", 1, 12_000))
)


def member(number: int, **changed: object) -> MemberEvidence:
    plan = builders.plan()
    facts, ids = plan.facts[number], plan.predicted_ids.members
    told = MemberEvidence(
        host=facts.host,
        member=facts.member,
        id=ids[facts.member],
        id_predicted=ids[facts.member],
        version="3.5.1",
        revision=R + 20,
        compacted_revision=-1,
        hash_kv=SNAPSHOT.hash_kv,
        keys_then=SNAPSHOT.live_keys,
        keys_now=SNAPSHOT.live_keys + 1,
    )
    return told.model_copy(update=changed)


def evidence(**changed: object) -> Evidence:
    etcd = builders.masters()["master-1"].member.config
    assert etcd is not None
    census = Census("/registry/", R)
    for key, revision in KEYS.items():
        census.add(f"/registry/{key}".encode(), revision)
    whole = Evidence(
        revision=R,
        snapshot_keys=SNAPSHOT.live_keys,
        members=tuple(member(number) for number in range(3)),
        resources=census.resources(COUNTS),
        stale=census.stale("master-1", etcd),
    )
    return whole.model_copy(update=changed)


def test_evidence(printed: Printed) -> None:
    for width in (80, 120):
        text = printed(print_evidence, restored_from(SNAPSHOT), evidence(), width=width)
        assert_golden(f"evidence-{width}.txt", text)


def test_a_member_that_tells_nothing_and_one_with_another_id(printed: Printed) -> None:
    silent = MemberEvidence(host="master-2", member="etcd1", id_predicted="abc")
    odd = member(0, id="1234", alarms=("NOSPACE",), compacted_revision=R + 10, keys_then=None)
    found = evidence(members=(odd, silent), resources=(), stale=(), missing=("the keys could not be read: no",))
    assert_golden("evidence-odd.txt", printed(print_evidence, restored_from(SNAPSHOT), found, width=100))


def test_nothing_could_be_read(printed: Printed) -> None:
    found = Evidence(revision=R, snapshot_keys=3, missing=("master-1: no answer",))
    text = printed(print_evidence, restored_from(SNAPSHOT), found)
    assert "not read  master-1: no answer" in text
    assert evidence_lines(found) == (("not read", "master-1: no answer"),)


def test_many_resources_are_cut() -> None:
    rows = tuple(
        ResourceEvidence(resource=f"kind-{number}", before=None, snapshot=0, now=number) for number in range(30)
    )
    lines = list(resource_rows(evidence(resources=rows)))
    assert len(lines) == 1 + MOST_RESOURCES + 2
    assert lines[1] == ("kind-29", "-", "0", "29")
    assert lines[-2][0] == "9 more resources (all with --json)"
    assert lines[-1] == ("1 resource with equal numbers", "-", "0", "0")


def test_without_node_leases_no_node_is_called_dead() -> None:
    etcd = builders.masters()["master-1"].member.config
    assert etcd is not None
    census = Census("/registry/", R)
    census.add(b"/registry/minions/w1", 5)
    assert census.stale("master-1", etcd) == ()


def test_what_nobody_compared_is_unknown_before() -> None:
    census = Census("/registry/", R)
    census.add(b"/registry/pods/a/b", 5)
    uncompared = (ResourceCount(resource="nodes", snapshot=2, live=None),)
    assert [(row.resource, row.before, row.snapshot, row.now) for row in census.resources(uncompared)] == [
        ("nodes", None, 2, 0),
        ("pods", None, 0, 1),
    ]
    assert census.resources(COUNTS)[-1].before == 12_000


def test_evidence_json() -> None:
    document = json.loads(json.dumps(result_json(builders.plan(), Result(), 1.0, evidence())))["evidence"]
    assert document["members"][0]["hash_kv"] == str(SNAPSHOT.hash_kv)
    assert document["stale"][0] == {"kind": "node", "name": "w2", "host": "", "command": "kubectl delete node w2"}
    assert {row["resource"]: row["now"] for row in document["resources"]}["pods"] == 2
