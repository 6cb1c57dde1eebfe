"""Going on without a master that is lost for good: what is planned, what is refused, what is said."""

from __future__ import annotations

import pytest

from orchestrator.core.checks import blockers, check_all
from orchestrator.core.inventory.declared import Volumes
from orchestrator.core.inventory.inventory import Role
from orchestrator.core.model.plan import Pause, PhaseName, Plan
from orchestrator.core.plans.leave_out import leave_out
from orchestrator.core.report.result import result_lines
from orchestrator.core.runs.result import Result
from orchestrator.distros import KUBLR
from orchestrator.errors import RefusedError, UsageError
from tests.unit.builders import altered, inventory, masters, plan

LOST = "master-2"
QUORUM = frozenset(("quorum-healthy",))


def without_lost() -> Plan:
    """Planned from the beginning without it; the manifests of the others still name its member."""
    cluster = inventory().leave_out([LOST])
    return plan(cluster, {name: view for name, view in masters().items() if name != LOST})


def hosts_in(made: Plan) -> set[str]:
    """Every host that a plan acts on or looks at, or fetches from."""
    found: set[str] = set()
    for phase in made.phases:
        probes = [phase.requires, phase.barrier]
        for step in phase.steps:
            found |= {step.host, getattr(step.act, "source_host", "")}
            probes += [step.requires, step.done_if]
        found |= {look.host for probe in probes if probe for look in probe.looks}
    return found - {""}


# --- Checks ---------------------------------------------------------------------------------------------


def test_the_others_are_restored_without_it() -> None:
    made = without_lost()
    assert blockers(made.findings) == ()
    assert hosts_in(made) == {"master-1", "master-3", "worker-1", "worker-2"}
    assert made.masters == ("master-1", "master-3")


def test_without_saying_so_it_is_missed() -> None:
    views = {name: view for name, view in masters(3).items() if name != LOST}
    cluster = inventory(2)
    cluster = cluster.model_copy(update={"hosts": tuple(host for host in inventory().hosts if host.name != LOST)})
    found = blockers(check_all(cluster, None, views, frozenset()))
    assert {finding.name for finding in found} == {"members"}


@pytest.mark.parametrize(("count", "lost"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)])
def test_those_that_are_left_must_be_a_quorum(count: int, lost: int) -> None:
    names = [f"master-{number + 1}" for number in range(lost)]
    views = {name: view for name, view in masters(count).items() if name not in names}
    found = blockers(check_all(inventory(count).leave_out(names), None, views, frozenset()))
    assert "left-out" in {finding.name for finding in found}
    with pytest.raises(RefusedError, match="which is not a quorum"):
        leave_out(plan(inventory(count), masters(count)), names)


@pytest.mark.parametrize(("quorum", "said"), [(True, "its member answers"), (False, "it still has etcd data")])
def test_a_master_that_is_not_lost_is_not_left_out(quorum: bool, said: str) -> None:
    found = blockers(check_all(inventory().leave_out([LOST]), None, masters(quorum=quorum), QUORUM))
    assert [(finding.name, finding.host) for finding in found] == [("left-out", LOST)]
    assert found[0].what.startswith(said)


def test_a_master_whose_disk_is_gone_may_still_answer() -> None:
    views = masters()
    views[LOST] = altered(views[LOST], members_on_disk=(), data_disk=None)
    assert blockers(check_all(inventory().leave_out([LOST]), None, views, frozenset())) == ()


@pytest.mark.parametrize("name", ["worker-1", "master-9"])
def test_only_masters_are_left_out(name: str) -> None:
    with pytest.raises(UsageError):
        inventory().leave_out([name])


# --- In the middle of a run -----------------------------------------------------------------------------


def test_a_run_goes_on_without_it_as_if_it_was_planned_so() -> None:
    derived, planned = leave_out(plan(), [LOST]), without_lost()
    for ours, theirs in zip(derived.phases, planned.phases, strict=True):
        if ours.name is not PhaseName.RESOLVE:  # where the names of all were added already, they stay
            assert ours == theirs
    assert derived.facts == planned.facts
    assert derived.sha256 != plan().sha256
    assert derived.inventory.host(LOST).role is Role.LEFT_OUT


def test_leaving_out_twice_is_leaving_out_once() -> None:
    once = leave_out(plan(), [LOST])
    assert leave_out(once, [LOST]) == once
    assert leave_out(once, []) == once


@pytest.mark.parametrize("lost", ["master-1", "master-2", "master-3"])
def test_nothing_waits_for_a_lost_safety_snapshot(lost: str) -> None:
    made = leave_out(plan(views=masters(quorum=True), overrides=QUORUM), [lost])
    safeguard = made.phase(PhaseName.SAFEGUARD)
    assert safeguard is not None
    assert lost not in hosts_in(made)
    if not safeguard.steps:
        assert (safeguard.barrier, safeguard.note) == (None, "not completed: a master was lost during it")


def test_the_operators_answer_is_kept_elsewhere() -> None:
    made = leave_out(plan(inventory(volumes=Volumes.PAUSE)), ["master-1"])
    volumes = made.phase(PhaseName.VOLUMES)
    assert volumes is not None
    (step,) = volumes.steps
    assert isinstance(step.act, Pause)
    assert (step.id, step.host) == ("volumes.pause/master-2", "master-2")


# --- What is said ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [without_lost(), leave_out(plan(), [LOST])], ids=["planned", "derived"])
def test_the_report_says_what_must_never_be_started(made: Plan) -> None:
    result = Result(proof={"cluster_id": "cdf818194e3a8c32", "revision": "48213", "hash_kv": "2893040912"})
    lines = dict(result_lines(made, result, 60.0, "prod-1.yml"))
    assert lines["members"].startswith("master-1 (etcd0), master-3 (etcd2), without master-2")
    assert "never start it on its old disk" in lines["left out"]
    assert lines["left out"].endswith(f"with an empty one, {KUBLR.rejoin}")
    assert lines["next"] == f"orchestrator finish -i prod-1.yml {made.run}"
    if made.lost != plan().lost:
        assert LOST in made.lost[-1]
