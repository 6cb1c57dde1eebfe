"""Whether a restore bumps the revision: on all masters, or on none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.core.checks import Way
from orchestrator.core.checks.bump import AUTO_REVISIONS, bump, bump_amount, why_stale
from orchestrator.core.hosts.etcd_tools import Tool, ToolPlace, can_bump
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Inventory
from orchestrator.core.model.finding import Severity
from orchestrator.core.plans.summary import lost
from orchestrator.etcd.details import Bump
from tests.unit.builders import altered, inventory, masters, snapshot_facts

MANUAL = Way("manual")
SNAPSHOT = snapshot_facts()
R = SNAPSHOT.revision


def with_policy(policy: str | int) -> Inventory:
    made = inventory()
    return made.model_copy(update={"policies": made.policies.model_copy(update={"bump_revision": policy})})


def masters_with(version: str) -> dict[str, MasterView]:
    """Masters that have an etcdutl of that version."""
    return {name: with_tool(view, version) for name, view in masters().items()}


def with_tool(view: MasterView, version: str) -> MasterView:
    return altered(view, tools=(Tool(ToolPlace.HOST, "/usr/bin/etcdutl", version),))


@pytest.mark.parametrize(
    ("program", "version", "able"),
    [
        ("etcdctl", "3.4.26", False),
        ("etcdctl", "3.4.27", True),
        ("etcdutl", "3.5.9", False),
        ("etcdutl", "3.5.10", True),
        ("etcdctl", "3.5.9", False),
        ("etcdctl", "3.5.10", True),
        ("etcdutl", "3.6.0-alpha.0", False),
        ("etcdutl", "3.6.0-rc.0", True),
        ("etcdutl", "3.7.3", True),
        ("etcdutl", "4.0.0", True),
        ("etcdutl", "", False),
        ("etcdutl", "unknown", False),
    ],
)
def test_which_tools_can_bump(program: str, version: str, able: bool) -> None:
    assert can_bump(Tool(ToolPlace.HOST, f"/usr/bin/{program}", version), "3.6.0") is able


def test_tool_in_image_has_version_of_etcd() -> None:
    assert can_bump(Tool(ToolPlace.IMAGE, "etcd:3.6.5-0"), "3.6.5")
    assert not can_bump(Tool(ToolPlace.IMAGE, "etcd:3.5.1-0"), "3.5.1")
    assert not can_bump(Tool(ToolPlace.IMAGE, "etcd:3.6.5-0"), "")


def test_bump_is_default_of_manual_restore() -> None:
    able = masters_with("3.5.16")
    assert bump_amount(with_policy("auto"), able, MANUAL, SNAPSHOT) == AUTO_REVISIONS
    assert bump_amount(with_policy(42), able, MANUAL, SNAPSHOT) == 42
    assert bump_amount(with_policy("off"), able, MANUAL, SNAPSHOT) == 0
    assert bump_amount(with_policy("auto"), able, Way("aided"), SNAPSHOT) == 0
    assert list(bump(with_policy("auto"), able, MANUAL, SNAPSHOT)) == []


def test_one_master_without_means_none_with() -> None:
    views = masters_with("3.5.16")
    views["master-2"] = with_tool(views["master-2"], "3.5.1")
    assert bump_amount(with_policy("auto"), views, MANUAL, SNAPSHOT) == 0
    (finding,) = bump(with_policy("auto"), views, MANUAL, SNAPSHOT)
    assert (finding.severity, finding.host) == (Severity.WARN, "master-2")
    assert "3.5.1" in finding.what
    (finding,) = bump(with_policy(1000), views, MANUAL, SNAPSHOT)
    assert finding.severity is Severity.BLOCK
    assert list(bump(with_policy("off"), views, MANUAL, SNAPSHOT)) == []


def test_tool_of_operator_decides_for_all() -> None:
    views = masters_with("3.5.1")
    brought = Tool(ToolPlace.HOST, "/home/ops/etcdutl", "3.6.4")
    assert (
        bump_amount(with_policy("auto"), views, Way("manual", brings_tool=True, tool=brought), SNAPSHOT)
        == AUTO_REVISIONS
    )
    unknown = Tool(ToolPlace.HOST, "/home/ops/etcdutl")
    assert bump_amount(with_policy("auto"), views, Way("manual", brings_tool=True, tool=unknown), SNAPSHOT) == 0


@pytest.mark.parametrize(
    ("live", "amount"),
    [
        (R, AUTO_REVISIONS),
        (R + 1000, AUTO_REVISIONS),
        (R - 7, AUTO_REVISIONS),
        (R + AUTO_REVISIONS // 2 - 1, AUTO_REVISIONS),
        (R + AUTO_REVISIONS // 2, 2 * AUTO_REVISIONS),
        (R + AUTO_REVISIONS + 53, 2 * AUTO_REVISIONS),
        (R + 2 * AUTO_REVISIONS + 53, 3 * AUTO_REVISIONS),
    ],
)
def test_same_snapshot_restored_again_passes_live_revision(live: int, amount: int) -> None:
    views = at_revision(masters_with("3.5.16"), live)
    assert bump_amount(with_policy("auto"), views, MANUAL, SNAPSHOT) == amount
    assert R + amount >= live + AUTO_REVISIONS // 2


def test_number_that_does_not_pass_live_revision_blocks() -> None:
    views = at_revision(masters_with("3.5.16"), R + 1000)
    (finding,) = bump(with_policy(1000), views, MANUAL, SNAPSHOT)
    assert (finding.name, finding.severity) == ("low-bump", Severity.BLOCK)
    assert "more than 1000" in finding.remedy
    assert list(bump(with_policy(1001), views, MANUAL, SNAPSHOT)) == []
    assert list(bump(with_policy(1000), views, MANUAL, None)) == []


def test_number_blocks_aided_restore() -> None:
    (finding,) = bump(with_policy(1000), masters(), Way("aided"), SNAPSHOT)
    assert (finding.name, finding.severity) == ("no-bump", Severity.BLOCK)
    assert "--strategy manual" in finding.remedy
    assert list(bump(with_policy("auto"), masters(), Way("aided"), SNAPSHOT)) == []
    assert list(bump(with_policy(1000), masters(), Way("aided", brings_tool=True), SNAPSHOT)) == []


def test_saved_bump_is_stale_once_a_tool_or_the_cluster_changes() -> None:
    bump = Bump(amount=AUTO_REVISIONS, revision=R + AUTO_REVISIONS, hash_kv=1)
    auto, able = with_policy("auto"), at_revision(masters_with("3.5.16"), R)
    assert why_stale(bump, auto, able, MANUAL) == ""
    assert why_stale(None, auto, masters_with("3.5.1"), MANUAL) == ""
    assert "can no longer bump" in why_stale(bump, auto, masters_with("3.5.1"), MANUAL)
    assert "live cluster" in why_stale(bump, auto, at_revision(able, R + AUTO_REVISIONS), MANUAL)


def test_lost_counts_no_revisions_across_a_bump() -> None:
    (text,) = lost(SNAPSHOT, at_revision(masters(), R + 53))
    assert ": 53 revisions" in text
    (text,) = lost(SNAPSHOT, at_revision(masters(), R + AUTO_REVISIONS + 53))
    assert "amount is unknown" in text


def at_revision(views: dict[str, MasterView], revision: int) -> dict[str, MasterView]:
    """All members answer, at that revision."""
    told = {name: view.member.live for name, view in masters(quorum=True).items()}
    return {
        name: altered(view, live=replace(live, revision=revision))
        for name, view in views.items()
        if (live := told[name])
    }
