"""The end of a run and the state of one, as people and as programs read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from orchestrator.adapters.screen.report import (
    plan_json,
    print_result,
    print_status,
    result_json,
    status_json,
)
from orchestrator.core.hosts.view import Claim
from orchestrator.core.inventory.declared import Restart
from orchestrator.core.model.outcome import ActRecord, ActState
from orchestrator.core.model.plan import Plan
from orchestrator.core.report.status import holder_lines
from orchestrator.core.runs.result import Result
from orchestrator.core.runs.status import Stand, standings
from tests.unit import builders
from tests.unit.screens import Printed, assert_golden

PROOF = {"cluster_id": "8d5f1b0c2a3e4f60", "revision": "48213", "hash_kv": "2893040912"}


def _result(**changed: Any) -> Result:
    values: dict[str, Any] = {"proof": PROOF, "stopped_at_s": 10.0, "up_at_s": 68.4, "dwell_s": 2.0}
    return Result(**{**values, **changed})


# --- The end ------------------------------------------------------------------------------------------


def test_result(printed: Printed) -> None:
    text = printed(print_result, builders.plan(), _result(), 251.0, "prod-1.yml", width=120)
    assert_golden("result-120.txt", text)


def test_result_has_at_most_ten_lines(printed: Printed) -> None:
    """Also where there is most to say: hosts files keep lines, a pause, workers that failed."""
    plan = builders.plan(views=builders.masters(resolving=False))
    result = _result(failed_workers=("worker-2",), paused_s=30.0)
    text = printed(print_result, plan, result, 251.0, "prod-1.yml", width=200)
    assert len(text.splitlines()) == 10
    assert "hosts file  this run's lines stay on master-1, master-2, master-3" in text
    assert "28s, from the first service stopped to the last API server ready (2s of it fixed waits, " in text
    assert "30s for the persistent volumes not counted" in text
    assert "failed: worker-2; the watches of workers that are not restarted are stale" in text
    assert f"next        orchestrator resume -i prod-1.yml {plan.run}\n" in text


def test_result_of_a_resumed_run_says_what_it_did_not_see(printed: Printed) -> None:
    text = printed(print_result, builders.plan(), Result(), 20.0, "prod-1.yml", width=120)
    assert "outage      unknown: an earlier attempt stopped the services\n" in text
    assert "as an earlier attempt proved" in text
    assert "cluster id" not in text


def test_result_where_workers_are_left_alone(printed: Printed) -> None:
    plan = builders.plan(builders.inventory(restart=Restart.NONE))
    assert "leaves the workers alone" in printed(print_result, plan, _result(), 20.0, "prod-1.yml", width=200)


def test_result_json() -> None:
    document = json.loads(json.dumps(result_json(builders.plan(), _result(paused_s=8.4), 251.0)))
    assert (document["format"], document["kind"]) == (1, "result")
    assert document["outage_s"] == pytest.approx(50.0)
    assert document["members"] == {"master-1": "etcd0", "master-2": "etcd1", "master-3": "etcd2"}
    assert document["proof"] == PROOF
    assert (document["expected"]["revision"], document["expected"]["hash_kv"]) == ("48213", "2893040912")
    assert document["expected"]["member_ids"].keys() == {"etcd0", "etcd1", "etcd2"}
    assert document["evidence"] is None
    assert document["old_data"]["master-1"] == f"{builders.DATA}.kr-{builders.RUN}"


def test_plan_json_holds_the_plan_itself() -> None:
    plan = builders.plan()
    document = json.loads(json.dumps(plan_json(plan)))
    assert Plan.model_validate(document["plan"]) == plan
    assert document["sha256"] == plan.sha256
    assert (document["members"], document["workers_to_restart"]) == (3, 2)
    assert document["point_of_no_return"] == "start"


# --- The state ----------------------------------------------------------------------------------------


@dataclass
class Hosts:
    """Markers of a run whose plan is ``plan``, host by host."""

    plan: Plan
    records: dict[str, list[ActRecord]] = field(default_factory=dict)

    def mark(
        self, host: str, step: str, state: ActState = ActState.ENDED, code: int | None = 0, attempt: int = 1
    ) -> None:
        self.records.setdefault(host, []).append(ActRecord(step, attempt, state, code))

    def stands(self) -> Mapping[str, Mapping[Stand, tuple[str, ...]]]:
        return {one.phase.name: one.hosts for one in standings(self.plan, self.records)}


def _in_stop() -> Hosts:
    """A run in phase stop: one master through, one at work, one whose act died."""
    hosts = Hosts(builders.plan())
    for name in hosts.plan.masters:
        hosts.mark(name, "claim.take")
        hosts.mark(name, "stop.hold")
    for step in ("stop.unit.kublr", "stop.unit.kublr-kubelet", "stop.processes"):
        hosts.mark("master-1", step)
    hosts.mark("master-2", "stop.unit.kublr", ActState.RUNNING, None)
    hosts.mark("master-3", "stop.unit.kublr", ActState.DIED, None)
    return hosts


def _claim(silent_s: int | None) -> Claim:
    return Claim(builders.RUN, "1-5f1c0a", builders.LAPTOP, "2026-11-22T03:11:02Z", silent_s)


HISTORY = (
    {"at_utc": "2026-11-22T03:11:01Z", "kind": "attempt", "attempt": "1-5f1c0a", "laptop": builders.LAPTOP},
    {"at_utc": "2026-11-22T03:11:20Z", "kind": "barrier", "phase": "stage", "answer": "yes", "reasons": {}},
    {"kind": "torn", "line": 31},
)


def test_status(printed: Printed) -> None:
    hosts = _in_stop()
    claims = {name: _claim(75) for name in hosts.plan.masters}
    text = printed(print_status, hosts.plan, hosts.records, claims, "prod-1.yml", HISTORY, width=100)
    assert_golden("status-100.txt", text.replace(hosts.plan.sha256[:12], "PLAN-SHA-256"))


def test_status_of_a_run_at_work_does_not_offer_to_resume(printed: Printed) -> None:
    hosts = _in_stop()
    claims = {"master-1": _claim(4), "master-2": _claim(9)}
    text = printed(print_status, hosts.plan, hosts.records, claims, "prod-1.yml", width=200)
    assert "master-1, master-2: held by run" in text
    assert "last heard 4s ago" in text
    assert "master-3: not held" in text
    assert "orchestrator resume" not in text
    assert f"run: in progress on {builders.LAPTOP}\n" in text


def test_status_of_a_holder_that_ended(printed: Printed) -> None:
    hosts = _in_stop()
    claims = {name: _claim(None) for name in hosts.plan.masters}
    text = printed(print_status, hosts.plan, hosts.records, claims, "prod-1.yml", width=200)
    assert "ended" in text
    assert f"next: orchestrator resume -i prod-1.yml {builders.RUN}\n" in text


def test_newest_attempt_decides() -> None:
    hosts = _in_stop()
    hosts.mark("master-3", "stop.unit.kublr", ActState.ENDED, 0, attempt=2)
    hosts.mark("master-2", "stop.unit.kublr", ActState.ENDED, 7, attempt=2)
    stop = hosts.stands()["stop"]
    assert stop == {
        Stand.DONE: ("master-1",),
        Stand.RUNNING: (),
        Stand.DOUBT: ("master-2",),
        Stand.LEFT: ("master-3",),
    }


def test_phases_before_the_open_one_are_done_and_after_it_are_left() -> None:
    stands = _in_stop().stands()
    masters = ("master-1", "master-2", "master-3")
    assert stands["stage"][Stand.DONE] == masters  # pushes leave no marker
    assert stands["keep"][Stand.LEFT] == masters
    assert stands["workers"][Stand.LEFT] == ("worker-1", "worker-2")


def test_run_that_came_to_its_end(printed: Printed) -> None:
    hosts = Hosts(builders.plan())
    for phase in hosts.plan.phases:
        for step in phase.steps:
            hosts.mark(step.host, step.name)
    text = printed(print_status, hosts.plan, hosts.records, {}, "prod-1.yml")
    assert text.endswith("run: complete\n")
    assert "left" not in text


def test_run_that_has_not_begun() -> None:
    stands = Hosts(builders.plan()).stands()
    assert all(not hosts[Stand.DONE] for hosts in stands.values())


def test_status_json() -> None:
    hosts = _in_stop()
    document = json.loads(json.dumps(status_json(hosts.plan, hosts.records, {"master-1": _claim(75)}, HISTORY)))
    stop = next(phase for phase in document["phases"] if phase["phase"] == "stop")
    assert stop["stand"] == "in doubt"
    assert (stop["done"], stop["running"], stop["in_doubt"], stop["left"]) == (
        ["master-1"],
        ["master-2"],
        ["master-3"],
        [],
    )
    assert stop["reasons"]["master-3"] == "stop.unit.kublr began but did not end"
    assert document["holders"]["master-1"]["silent_s"] == 75
    assert document["history"][2] == {"kind": "torn", "line": 31}


def test_hosts_that_do_not_answer_are_named() -> None:
    assert holder_lines(["master-1", "master-2"], {}, ["master-2", "worker-1"]) == (
        "master-1: not held",
        "master-2: no answer",
    )
