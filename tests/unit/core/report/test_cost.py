"""What a restore costs, as people and programs read it."""

from __future__ import annotations

import json

import pytest

from orchestrator.adapters.screen.report import plan_json, print_plan
from orchestrator.core.cost.comparison import per_resource
from orchestrator.core.model.cost import Changes, Cost, ResourceCost
from orchestrator.core.model.plan import Plan, canonical_json
from tests.unit import builders
from tests.unit.screens import Printed, assert_golden

ROWS = (
    ResourceCost(
        resource="configmaps",
        namespace="shop",
        created=Changes(total=12, names=("shop/cart", "shop/prices", "shop/rates")),
        changed=Changes(total=1, names=("shop/flags",)),
    ),
    ResourceCost(resource="configmaps", namespace="web", created=Changes(total=1, names=("web/\x1b[31mred",))),
    ResourceCost(resource="nodes", created=Changes(total=1, names=("worker-9",))),
    ResourceCost(
        resource="persistentvolumes",
        created=Changes(total=1, names=("pv-7",)),
        deleted=Changes(total=2, names=("pv-1", "pv-2")),
    ),
    ResourceCost(resource="pods", namespace="web", deleted=Changes(total=2, names=("web/front-0", "web/front-1"))),
)
COST = Cost(
    compared_with="master-1",
    live_revision=51022,
    live_keys=100_512,
    resources=per_resource(ROWS),
    returning_volumes=("pv-1 (ebs.csi.aws.com vol-0a)", "pv-2 (nfs filer:/exports/2)"),
    snapshot_clock_utc="2026-11-22T02:08:01.250000+00:00",
    lost_s=3726,
)


def plan(cost: Cost) -> Plan:
    return builders.plan().model_copy(update={"cost": cost})


def section(text: str) -> str:
    """The part of the printed plan that tells the cost."""
    return text[text.index("What it costs") : text.index("Before you confirm")]


@pytest.mark.parametrize("width", [80, 120])
def test_like_a_diff(printed: Printed, width: int) -> None:
    assert_golden(f"cost-{width}.txt", section(printed(print_plan, plan(COST), width=width)))


def test_every_object_on_a_line_of_its_own(printed: Printed) -> None:
    text = section(printed(print_plan, plan(COST), rows=ROWS, width=200))
    lines = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    assert lines == [
        "+ configmaps shop/cart",
        "+ configmaps shop/prices",
        "+ configmaps shop/rates",
        "+ configmaps web/?[31mred",
        "+ nodes worker-9",
        "+ persistentvolumes pv-7",
        "~ configmaps shop/flags",
        "- persistentvolumes pv-1",
        "- persistentvolumes pv-2",
        "- pods web/front-0",
        "- pods web/front-1",
    ]


def test_where_nothing_was_compared_it_says_why(printed: Printed) -> None:
    text = section(printed(print_plan, plan(Cost(reason="no member answers")), width=200))
    assert "compared  nothing: no member answers" in text
    assert "objects" not in text


def test_where_nothing_has_changed_it_says_so(printed: Printed) -> None:
    text = section(printed(print_plan, plan(COST.model_copy(update={"resources": ()})), width=200))
    assert "nothing was created, changed or deleted since" in text


def test_another_history_is_told(printed: Printed) -> None:
    text = printed(print_plan, plan(COST.model_copy(update={"one_history": False})), width=200)
    assert "is not a later state of this snapshot" in text


def test_json_has_the_namespaces_and_the_saved_plan_has_not() -> None:
    made = plan(COST)
    document = json.loads(json.dumps(plan_json(made, ROWS)))
    assert [(row["resource"], row["namespace"]) for row in document["cost"]["resources"]] == [
        (row.resource, row.namespace) for row in ROWS
    ]
    assert document["cost"]["resources"][0]["created"]["names"] == ["shop/cart", "shop/prices", "shop/rates"]
    assert document["cost"]["lost_s"] == 3726
    assert Plan.model_validate_json(canonical_json(made)) == made
    assert 'namespace":"shop' not in canonical_json(made)
