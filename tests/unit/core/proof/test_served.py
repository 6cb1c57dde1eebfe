"""Whether the API servers serve the restored cluster: the judge, and the words for it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from orchestrator.adapters.screen.report import print_result, result_json
from orchestrator.app.served import api_error
from orchestrator.core.model.cost import Cost, ResourceCount
from orchestrator.core.model.plan import Plan
from orchestrator.core.proof.api_answers import SELF_WRITTEN, ApiAnswers, api_looks, read_api
from orchestrator.core.proof.evidence import Evidence, ResourceEvidence
from orchestrator.core.proof.served import Served, judge_served
from orchestrator.core.runs.result import Result
from orchestrator.etcd.api_groups import served_as
from tests.unit import builders
from tests.unit.screens import Printed

R = builders.REVISION
HOSTS = ("master-1", "master-2", "master-3")
NODES = dict.fromkeys((*HOSTS, "worker-1", "worker-2"), "Ready")
COUNTS = {"configmaps": 60, "deployments": 3, "widgets.example.com": 2, "pods": 40, "masterleases": 3, "odd": 1}
LEADERS: dict[str, int | None] = {"kube-controller-manager": R + 50, "kube-scheduler": R + 51}
PROOF = {"revision": str(R), "cluster_id": "1", "hash_kv": "2"}


def plan() -> Plan:
    rows = tuple(ResourceCount(resource=name, snapshot=number, live=None) for name, number in COUNTS.items())
    return builders.plan().model_copy(update={"cost": Cost(counts=rows)})


def answer(host: str, **changed: object) -> ApiAnswers:
    counts = {"/configmaps": 60, "apps/deployments": 3, "example.com/widgets": 2}
    well = ApiAnswers(
        host=host, readyz="ok", counts=dict(counts), renewed=tuple(NODES), nodes=dict(NODES), leaders=dict(LEADERS)
    )
    return well.model_copy(update=changed)


def judged(
    first: Mapping[str, object], others: Mapping[str, object] | None = None, *, now: int | None = None
) -> Served:
    """What is found if the first API server answers like ``first`` and the others like ``others``."""
    answers = [answer(HOSTS[0], **first), *(answer(host, **(others or {})) for host in HOSTS[1:])]
    evidence = None
    if now is not None:
        row = ResourceEvidence(resource="configmaps", before=None, snapshot=60, now=now)
        evidence = Evidence(revision=R, snapshot_keys=1, resources=(row,))
    return judge_served(plan(), answers, PROOF, evidence)


def faults(found: Served) -> list[str]:
    return [str(failure) for failure in found.failures]


def counts(number: int | None) -> dict[str, object]:
    return {"counts": {"/configmaps": number, "apps/deployments": 3, "example.com/widgets": 2}}


# --- The judge ----------------------------------------------------------------------------------------


def test_all_is_well() -> None:
    found = judged({})
    assert found.failures == ()
    assert api_error(found) is None
    assert (found.counted, found.uncounted) == (3, ("odd",))


IDLE = {"leaders": LEADERS | {"kube-scheduler": R - 1}}
LOST = {"nodes": NODES | {"worker-2": "NotReady"}, "renewed": tuple(NODES)[:-1]}
MUTE = {"renewed": tuple(NODES)[:-1]}


@pytest.mark.parametrize(
    ("first", "others", "fault"),
    [
        ({"readyz": ""}, {}, "master-1: its API server is not ready: no answer"),
        ({"readyz": "etcd failed"}, {}, "master-1: its API server is not ready: etcd failed"),
        ({"fault": "no list of nodes (HTTP 500)"}, {}, "master-1: its API server does not answer: no list of nodes"),
        ({"renewed": ()}, {}, "master-1: its watch does not deliver the lease renewals of master-1, master-2"),
        (MUTE, {}, "master-1: its watch does not deliver the lease renewals of worker-2"),
        (MUTE, MUTE, "node worker-2 does not renew its lease"),
        (LOST, LOST, "node worker-2 is NotReady"),
        ({"nodes": NODES | {"worker-2": "NotReady"}}, {}, "node worker-2 is NotReady"),
        (IDLE, IDLE, "kube-scheduler has not renewed its lease since etcd started"),
        (counts(64), {}, "master-1: its API server has 64 configmaps, the snapshot 60"),
        (counts(59), {}, "master-1: its API server has 59 configmaps, the snapshot 60"),
    ],
)
def test_one_fault_is_named_with_its_remedy(first: dict[str, object], others: dict[str, object], fault: str) -> None:
    found = judged(first, others)
    (said,) = faults(found)
    assert said.startswith(fault)
    (failure,) = found.failures
    assert failure.remedy
    error = api_error(found)
    assert error is not None
    assert error.exit_code == 20
    assert error.message == f"etcd is proven, the API is not: {said}"
    assert error.next_step is not None
    assert error.next_step.line("prod.yml").startswith("kubectl ")


@pytest.mark.parametrize(
    ("number", "now", "is_right"), [(62, 63, True), (62, 61, False), (58, 57, True), (64, 63, False)]
)
def test_count_may_be_on_the_way_to_what_etcd_holds_now(number: int, now: int, is_right: bool) -> None:
    assert (judged(counts(number), now=now).failures == ()) is is_right


@pytest.mark.parametrize(
    "harmless",
    [
        {"nodes": NODES | {"worker-1": "Ready,SchedulingDisabled"}},
        {"leaders": {"kube-controller-manager": None, "kube-scheduler": None}},
        {"unasked": "there is no /etc/kubernetes/admin.conf"},
        {"readyz": "", "unasked": "the look failed: connection lost"},
        counts(None),
    ],
)
def test_what_is_no_fault(harmless: dict[str, object]) -> None:
    assert faults(judged(harmless, harmless)) == []


def test_the_node_of_a_master_that_is_left_out_may_be_down() -> None:
    down = [answer(host, nodes=NODES | {"master-3": "NotReady"}) for host in HOSTS[:2]]
    made = plan()
    assert faults(judge_served(made, down, PROOF, None)) == ["node master-3 is NotReady"]
    made = made.model_copy(update={"inventory": made.inventory.leave_out(["master-3"])})
    assert judge_served(made, down, PROOF, None).failures == ()


# --- The question -------------------------------------------------------------------------------------


def test_every_api_server_is_asked_for_what_the_snapshot_holds() -> None:
    looks = api_looks(plan())
    assert tuple(looks) == HOSTS
    values = looks["master-1"].values
    assert values["resources"] == ("/configmaps", "apps/deployments", "example.com/widgets")
    assert values["kubeconfig"] == "/etc/kubernetes/admin.conf"
    assert str(values["addresses"]).split()[0] == "127.0.0.1"


def test_rollback_counts_nothing_and_other_runs_ask_nothing() -> None:
    made = plan().model_copy(update={"kind": "rollback"})
    assert {look.values["resources"] for look in api_looks(made).values()} == {()}
    assert api_looks(plan().model_copy(update={"kind": "workers"})) == {}


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("nodes", "/nodes"),
        ("ingress", "networking.k8s.io/ingresses"),
        ("controllers", "/replicationcontrollers"),
        ("customresourcedefinitions.apiextensions.k8s.io", "apiextensions.k8s.io/customresourcedefinitions"),
        ("masterleases", ""),
        ("other keys", ""),
    ],
)
def test_the_api_of_a_resource(resource: str, path: str) -> None:
    assert served_as(resource) == path


def test_resources_that_are_not_compared_exist() -> None:
    assert [name for name in SELF_WRITTEN if not served_as(name)] == []


# --- The answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "nodes", ["", "{}\n200", "no JSON\n200", "{}\n500", '{"columnDefinitions": [], "rows": []}\n200']
)
def test_unreadable_nodes_are_a_fault(nodes: str) -> None:
    mark = "0b0b0b0b-0000-4000-8000-000000000000"
    printed = f"\n{mark} readyz\nok\n{mark}\n\n{mark} nodes\n{nodes}\n{mark}\n"
    assert read_api("master-1", printed).fault.startswith("no list of nodes (HTTP ")


def test_no_output_is_no_answer() -> None:
    assert read_api("master-1", "") == ApiAnswers(host="master-1")


# --- The words ----------------------------------------------------------------------------------------


def lines(printed: Printed, found: Served) -> str:
    return printed(print_result, plan(), Result(proof=PROOF), 20.0, "prod-1.yml", found, width=200)


def test_result_says_what_is_proven(printed: Printed) -> None:
    text = lines(printed, judged({}))
    assert "API servers  proven: 3 of 3 answer, hold the snapshot's objects (3 resources), watches fresh, " in text
    assert "controllers at work, 5 Nodes Ready\n" in text
    assert "not counted  odd: no API serves them\n" in text


def test_result_says_what_was_not_asked_and_why(printed: Printed) -> None:
    unasked = {"unasked": "there is no /etc/kubernetes/admin.conf"}
    text = lines(printed, judged(unasked, unasked))
    assert "API servers  3 of 3 ready; objects, watches, controllers and Nodes not asked\n" in text
    assert "master-1, master-2, master-3: there is no /etc/kubernetes/admin.conf; see `paths.kubeconfig`" in text


def test_result_names_a_fault_and_does_not_hide_that_etcd_is_proven(printed: Printed) -> None:
    text = lines(printed, judged({"renewed": ()}))
    assert "restored: every member is proven to hold the snapshot" in text
    assert "API servers  not proven: 3 of 3 ready, 1 failure\n" in text
    assert "API fault    master-1: its watch does not deliver" in text
    assert "restart this API server" in text
    assert text.endswith("next         kubectl get leases --all-namespaces\n")


def test_json_has_the_answers_and_the_faults() -> None:
    document = json.loads(json.dumps(result_json(plan(), Result(proof=PROOF), 1.0, None, judged(counts(64)))))["api"]
    assert [it["host"] for it in document["answers"]] == list(HOSTS)
    assert document["failures"][0]["what"] == "its API server has 64 configmaps, the snapshot 60"
    assert result_json(plan(), Result(), 1.0)["api"] is None
