"""One failed member: when it may be thrown away, and what is planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from orchestrator.core.checks.member import check_reinit
from orchestrator.core.masters import MasterView
from orchestrator.core.model import Exec, Judge, Order, PhaseName, Severity
from orchestrator.core.plans.reinit import Reinit
from orchestrator.distros.kubeadm import Kubeadm
from orchestrator.distros.kublr import Kublr
from tests.unit.builders import LAPTOP, RUN, inventory, masters

FAILED = "master-2"


def views(*silent: str, other_cluster: str = "") -> dict[str, MasterView]:
    found = masters(3, quorum=True)
    for name in silent:
        found[name] = replace(found[name], live=None)
    if other_cluster:
        live = found[other_cluster].live
        assert live is not None
        found[other_cluster] = replace(found[other_cluster], live=replace(live, cluster_id="beef"))
    return found


@pytest.mark.parametrize(
    ("seen", "blocked_by"),
    [
        (views(FAILED), ""),
        (views(FAILED, "master-1"), "quorum-missing"),
        (views(FAILED, other_cluster="master-1"), "quorum-missing"),
        (views(), "member-healthy"),
        (views(other_cluster=FAILED), ""),
    ],
    ids=["one failed", "two failed", "two clusters", "none failed", "it is in a cluster of its own"],
)
def test_only_a_member_that_the_others_can_carry(seen: Mapping[str, MasterView], blocked_by: str) -> None:
    found = check_reinit(inventory(), seen, FAILED)
    assert [finding.name for finding in found if finding.severity is Severity.BLOCK] == [blocked_by] * bool(blocked_by)


def test_a_master_that_was_left_out_counts_as_a_member() -> None:
    """Two of four members are no quorum."""
    cluster = inventory(4).leave_out(["master-4"])
    seen = {name: view for name, view in masters(4, quorum=True).items() if name != "master-4"}
    seen[FAILED] = replace(seen[FAILED], live=None)
    (finding,) = check_reinit(cluster, seen, FAILED)
    assert finding.what.startswith("2 of 4 members are well without it")


def test_nothing_stops_and_only_that_member_is_touched() -> None:
    seen = views(FAILED)
    phases = Reinit(inventory(), seen, Kublr(), RUN, LAPTOP, FAILED).phases()
    names = [PhaseName.CLAIM, PhaseName.SAFEGUARD, PhaseName.COMMIT, PhaseName.START, PhaseName.RELEASE]
    assert [phase.name for phase in phases] == names
    by_name = {phase.name: phase for phase in phases}
    assert [step.host for step in by_name[PhaseName.COMMIT].steps] == [FAILED]
    assert FAILED not in {step.host for step in by_name[PhaseName.SAFEGUARD].steps}
    barrier = by_name[PhaseName.START].barrier
    assert barrier is not None
    assert (barrier.judge, [look.host for look in barrier.looks]) == (Judge.EQUAL, sorted(seen))
    assert barrier.expect == {"cluster_id": next(view.live.cluster_id for view in seen.values() if view.live)}


def test_without_an_agent_the_member_alone_is_stopped_and_joins_before_its_service_starts() -> None:
    seen = views(FAILED)
    phases = {it.name: it for it in Reinit(inventory(), seen, Kubeadm(), RUN, LAPTOP, FAILED).phases()}
    assert list(phases) == [
        *(PhaseName.CLAIM, PhaseName.SAFEGUARD, PhaseName.STAGE, PhaseName.STOP, PhaseName.KEEP),
        *(PhaseName.COMMIT, PhaseName.START, PhaseName.API, PhaseName.RELEASE),
    ]
    touched = {step.host for name in (PhaseName.STOP, PhaseName.KEEP, PhaseName.START) for step in phases[name].steps}
    assert touched == {FAILED}
    commit = phases[PhaseName.COMMIT]
    assert [(step.name, step.host) for step in commit.steps] == [
        ("commit.members", "master-1"),
        ("commit.join", FAILED),
    ]
    assert commit.order is Order.SEQUENCE
    lift = phases[PhaseName.START].steps[0]
    assert lift.requires is not None
    (look,) = lift.requires.looks
    assert look.host == FAILED
    assert isinstance(look.call, Exec)
    assert look.call.argv[-1].endswith("/joined")
