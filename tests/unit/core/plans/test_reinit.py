"""One failed member: when it may be thrown away, and what is planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from orchestrator.core.checks import WAL_BYTES
from orchestrator.core.checks.member import check_reinit, room_to_join
from orchestrator.core.hosts.view import Disk, MasterView
from orchestrator.core.model.finding import Severity
from orchestrator.core.model.plan import Exec, Judge, Order, PhaseName
from orchestrator.core.plans.reinit import Reinit
from orchestrator.distros import KUBEADM, KUBLR
from tests.unit.builders import DATA, LAPTOP, RUN, altered, inventory, masters

FAILED = "master-2"
GIB = 1 << 30


def views(*silent: str, other_cluster: str = "") -> dict[str, MasterView]:
    found = masters(3, quorum=True)
    for name in silent:
        found[name] = altered(found[name], live=None)
    if other_cluster:
        live = found[other_cluster].member.live
        assert live is not None
        found[other_cluster] = altered(found[other_cluster], live=replace(live, cluster_id="beef"))
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
    seen[FAILED] = altered(seen[FAILED], live=None)
    (finding,) = check_reinit(cluster, seen, FAILED)
    assert finding.what.startswith("2 of 4 members are healthy without it")


def with_disks(
    data: Disk, log: Disk | None = None, *, state: Disk | None = None, program: str = "", database_bytes: int = GIB
) -> dict[str, MasterView]:
    """The failed member has 2 GiB of old data; the others' database has that size, and more lies beside it."""
    seen = views(FAILED)
    others = {name: altered(view, database_bytes=database_bytes, data_bytes=9 * GIB) for name, view in seen.items()}
    failed = seen[FAILED]
    assert failed.member.config is not None
    etcd = replace(failed.member.config, wal_dir="/wal" if log else "", program=program)
    failed = altered(failed, data_disk=data, wal_disk=log, state_disk=state or Disk("state", 40 * GIB))
    return others | {FAILED: altered(failed, config=etcd, database_bytes=2 * GIB, data_bytes=3 * GIB)}


def refused(seen: Mapping[str, MasterView], *, aided: bool = False) -> list[str]:
    found = tuple(room_to_join(inventory().host(FAILED), seen, aided=aided))
    assert {(it.name, it.severity, it.host, it.can_override) for it in found} <= {
        ("disk", Severity.BLOCK, FAILED, False)
    }
    return [it.what for it in found]


ENOUGH = (GIB + WAL_BYTES) * 11 // 10


def test_a_copy_needs_room_beside_the_old_data() -> None:
    assert refused(with_disks(Disk("data", ENOUGH))) == []
    (what,) = refused(with_disks(Disk("data", ENOUGH - 1)))
    assert what == (
        f"the disk under {DATA} has 1.2 GiB free; 1.2 GiB are needed for a copy of the others' database (1.0 GiB), "
        "its log (122.1 MiB); its old data is set aside, not deleted"
    )


def test_an_agent_throws_the_old_database_away_first() -> None:
    assert refused(with_disks(Disk("data", 0)), aided=True) == []
    assert len(refused(with_disks(Disk("data", 0), database_bytes=3 * GIB), aided=True)) == 1


def test_a_log_and_a_program_may_have_disks_of_their_own() -> None:
    roomy, full = Disk("data", 40 * GIB), Disk("other", 1 << 20)
    (what,) = refused(with_disks(roomy, full))
    assert what.startswith("the disk under /wal has 1.0 MiB free; 134.3 MiB are needed for its log (122.1 MiB)")
    (what,) = refused(with_disks(roomy, state=full))
    assert "etcd's program from its image" in what
    assert refused(with_disks(roomy, state=full, program="/usr/bin/etcd")) == []
    assert refused(with_disks(roomy, state=full), aided=True) == []


def test_on_one_disk_all_of_it_counts() -> None:
    one = Disk("one", ENOUGH)
    (what,) = refused(with_disks(one, state=one))
    assert "1.3 GiB are needed" in what
    assert refused(with_disks(one, one, state=one, program="/usr/bin/etcd")) == []


def test_where_a_database_has_no_size_all_of_the_volume_counts() -> None:
    assert "(9.0 GiB)" in refused(with_disks(Disk("data", ENOUGH), database_bytes=0))[0]


def test_a_volume_that_is_not_there_is_no_matter_of_room() -> None:
    seen = with_disks(Disk("data", 0))
    assert refused(seen | {FAILED: altered(seen[FAILED], data_disk=None)}) == []


def test_nothing_stops_and_only_that_member_is_touched() -> None:
    seen = views(FAILED)
    phases = Reinit(inventory(), seen, KUBLR, RUN, LAPTOP, FAILED).phases()
    names = [PhaseName.CLAIM, PhaseName.SAFEGUARD, PhaseName.COMMIT, PhaseName.START, PhaseName.RELEASE]
    assert [phase.name for phase in phases] == names
    by_name = {phase.name: phase for phase in phases}
    assert [step.host for step in by_name[PhaseName.COMMIT].steps] == [FAILED]
    assert FAILED not in {step.host for step in by_name[PhaseName.SAFEGUARD].steps}
    barrier = by_name[PhaseName.START].barrier
    assert barrier is not None
    assert (barrier.judge, [look.host for look in barrier.looks]) == (Judge.EQUAL, sorted(seen))
    assert barrier.expect == {
        "cluster_id": next(view.member.live.cluster_id for view in seen.values() if view.member.live)
    }


def test_without_an_agent_the_member_alone_is_stopped_and_joins_before_its_service_starts() -> None:
    seen = views(FAILED)
    phases = {it.name: it for it in Reinit(inventory(), seen, KUBEADM, RUN, LAPTOP, FAILED).phases()}
    assert list(phases) == [
        *(PhaseName.CLAIM, PhaseName.SAFEGUARD, PhaseName.STAGE, PhaseName.STOP, PhaseName.DOWN),
        *(PhaseName.KEEP, PhaseName.COMMIT, PhaseName.START, PhaseName.API, PhaseName.RELEASE),
    ]
    own = (PhaseName.STOP, PhaseName.DOWN, PhaseName.KEEP, PhaseName.START)
    touched = {step.host for name in own for step in phases[name].steps}
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
