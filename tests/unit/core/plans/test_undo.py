"""The plans that take a run back: what they refuse, in which order they go, and what every one of them must hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from orchestrator.core.hosts.distro import Distro
from orchestrator.core.hosts.view import Claim, LiveMember
from orchestrator.core.inventory.declared import Volumes
from orchestrator.core.model.outcome import ActRecord, ActState, Answer
from orchestrator.core.model.plan import Judge, Pause, Phase, PhaseName, Script
from orchestrator.core.plans.leave_out import leave_out
from orchestrator.core.plans.reinit import Reinit
from orchestrator.core.plans.undo import abort, finish, rollback, unlock
from orchestrator.core.plans.undo.target import Left, Undone, lost_by_undo, seconds
from orchestrator.core.proof.agreement import Standing, judge_equal
from orchestrator.core.scripts import used_by
from orchestrator.distros import KUBEADM, KUBLR
from orchestrator.errors import RefusedError, ours
from orchestrator.etcd.members import HashKv
from tests.unit.builders import DATA, LAPTOP, RUN, altered, inventory, masters, plan, scripts

BACK = "20261122t040000z-aaaa"
MASTERS = ("master-1", "master-2", "master-3")
KEPT = f"{DATA}.kr-{RUN}"
STARTED = ("claim.take", "stop.hold", "keep.copy", "commit.schedule", "start.lift")


def records(*steps: str, state: ActState = ActState.ENDED) -> dict[str, Sequence[ActRecord]]:
    return {host: [ActRecord(step, 1, state, 0) for step in steps] for host in MASTERS}


def undone(
    *steps: str,
    kept: Mapping[str, str] | None = None,
    quorum: bool = False,
    volumes: Volumes = Volumes.NONE,
    resolving: bool = True,
    released: bool = False,
    paths: tuple[tuple[str, int], ...] = (),
) -> Undone:
    """The run RUN of three masters, of which those steps have begun everywhere."""
    overrides = frozenset(("quorum-healthy",)) if quorum else frozenset[str]()
    cluster, views = inventory(volumes=volumes), masters(quorum=quorum, resolving=resolving)
    return Undone(
        plan=plan(cluster, views, overrides=overrides),
        inventory=cluster,
        views=views,
        distro=KUBLR,
        run=BACK,
        laptop=LAPTOP,
        records=records(*steps),
        left={host: Left((kept or {}).get(host, "whole"), paths, released) for host in MASTERS},
    )


def names(phases: Sequence[Phase]) -> list[str]:
    return [phase.name.value for phase in phases]


def phase_of(phases: Sequence[Phase], name: PhaseName) -> Phase:
    (found,) = [phase for phase in phases if phase.name is name]
    return found


def values(phase: Phase, name: str) -> dict[str, dict[str, str | tuple[str, ...]]]:
    """The values of the steps of that name, by host."""
    return {step.host: step.act.values for step in phase.steps if step.name == name and isinstance(step.act, Script)}


# --- Abort ----------------------------------------------------------------------------------------------


def test_an_abort_before_the_stop_starts_nothing() -> None:
    assert names(abort.abort(undone("claim.take", "stage.push"))) == ["claim", "commit", "release"]


def test_an_abort_after_the_stop_starts_all_behind_the_barrier() -> None:
    phases = abort.abort(undone("claim.take", "stop.hold", "commit.schedule", quorum=True))
    assert names(phases) == ["claim", "commit", "start", "api", "release"]
    commit, start = phase_of(phases, PhaseName.COMMIT), phase_of(phases, PhaseName.START)
    assert commit.barrier is not None
    assert start.barrier is not None
    assert tuple(look.host for look in commit.barrier.looks) == MASTERS
    assert (start.barrier.judge, start.barrier.expect) == (Judge.EQUAL, {"cluster_id": "cdf818194e3a8c32"})
    assert {it["undone"] for it in values(start, "start.lift").values()} == {RUN}, "the hold is that of the run"


def test_an_abort_asks_no_quorum_of_a_cluster_that_had_none() -> None:
    phases = abort.abort(undone("stop.hold"))
    barrier = phase_of(phases, PhaseName.START).barrier
    assert barrier is not None
    assert barrier.judge is Judge.EXIT
    assert PhaseName.API not in [phase.name for phase in phases]


def test_an_abort_never_touches_the_old_data() -> None:
    phases = abort.abort(undone("stop.hold", "keep.copy", "commit.schedule"))
    acts = [step.act for phase in phases for step in phase.steps]
    files = {act.file for act in acts if isinstance(act, Script)}
    assert "commit/swap.sh" not in files
    (removed,) = {it["paths"] for it in values(phases[-1], "release.unstage").values()}
    assert removed == (f"/var/lib/orchestrator/{RUN}/snapshot.db",)


def test_an_abort_after_a_start_is_refused() -> None:
    with pytest.raises(RefusedError, match="is past its point of no return") as refused:
        abort.abort(undone(*STARTED))
    assert refused.value.next_step == ours("rollback", RUN)


def test_a_start_that_was_only_handed_over_has_not_begun() -> None:
    waiting = replace(undone(), records=records("stop.hold", "start.lift", state=ActState.WAITING))
    assert names(abort.abort(waiting)) == ["claim", "commit", "release"]


@pytest.mark.parametrize("take_back", [abort.abort, rollback.rollback])
def test_volumes_that_were_put_back_are_asked_for(take_back: Callable[[Undone], tuple[Phase, ...]]) -> None:
    steps = ("stop.hold", "volumes.pause", *(("start.lift",) if take_back is rollback.rollback else ()))
    phases = take_back(undone(*steps, volumes=Volumes.PAUSE))
    (pause,) = phase_of(phases, PhaseName.VOLUMES).steps
    assert isinstance(pause.act, Pause)
    assert names(phases).index("commit") < names(phases).index("volumes") < names(phases).index("start")


# --- Rollback -------------------------------------------------------------------------------------------


def test_a_rollback_in_its_order() -> None:
    phases = rollback.rollback(undone(*STARTED))
    assert names(phases) == ["claim", "stop", "down", "keep", "commit", "start", "api", "workers", "release"]
    for name in (PhaseName.STOP, PhaseName.DOWN, PhaseName.KEEP, PhaseName.COMMIT, PhaseName.START):
        barrier = phase_of(phases, name).barrier
        assert barrier is not None
        assert tuple(look.host for look in barrier.looks) == MASTERS
    for name in (PhaseName.KEEP, PhaseName.COMMIT):
        requires = phase_of(phases, name).requires
        assert requires is not None
        assert {look.call.values["run"] for look in requires.looks if isinstance(look.call, Script)} == {BACK}


def test_a_rollback_puts_the_kept_data_back_and_keeps_what_is_there() -> None:
    swap = values(phase_of(rollback.rollback(undone(*STARTED)), PhaseName.COMMIT), "commit.swap")
    paths = {"data": DATA, "member": f"{DATA}/member", "kept": KEPT, "aside": f"{DATA}.kr-{BACK}", "undone": RUN}
    assert all(it == paths | {"wal": "", "kept_wal": "", "aside_wal": ""} for it in swap.values())
    assert set(swap) == set(MASTERS)


def test_a_master_without_old_data_waits_for_the_quorum_of_the_others() -> None:
    without = undone(*STARTED, kept={"master-2": "none"})
    phases = rollback.rollback(without)
    start, api = phase_of(phases, PhaseName.START), phase_of(phases, PhaseName.API)
    assert start.barrier is not None
    assert api.barrier is not None
    assert (
        {look.host for look in start.barrier.looks} == {step.host for step in start.steps} == {"master-1", "master-3"}
    )
    assert {step.host for step in api.steps} == {"master-2"}
    assert {look.host for look in api.barrier.looks} == {"master-1", "master-3"}
    assert any(
        "master-2" in text and "rejoins only with `orchestrator reinit`" in text
        for text in lost_by_undo("rollback", without)
    )


def test_no_rollback_to_less_than_a_quorum() -> None:
    with pytest.raises(RefusedError, match="master-1, master-2: the other masters are not a quorum"):
        rollback.rollback(undone(*STARTED, kept={"master-1": "none", "master-2": "none"}))


def test_no_rollback_without_the_kept_data() -> None:
    with pytest.raises(RefusedError, match=f"master-3: .* is missing from {KEPT}"):
        rollback.rollback(undone(*STARTED, kept={"master-3": ""}))


def test_no_rollback_of_what_has_started_nothing() -> None:
    with pytest.raises(RefusedError) as refused:
        rollback.rollback(undone("claim.take", "stop.hold"))
    assert refused.value.next_step == ours("abort", RUN)


@pytest.mark.parametrize(("quorum", "removed"), [(True, 3), (False, 0)])
def test_lines_in_hosts_files_stay_where_the_restore_would_leave_them(quorum: bool, removed: bool) -> None:
    release = rollback.rollback(undone(*STARTED, quorum=quorum, resolving=False))[-1]
    lines = values(release, "release.hosts")
    assert len(lines) == removed
    assert all(it == {"hosts": "/etc/hosts", "undone": RUN} for it in lines.values())


# --- Finish and unlock ----------------------------------------------------------------------------------

PATHS = ((f"/var/lib/orchestrator/{RUN}/snapshot.db", 400 << 20), (KEPT, 520 << 20))


def test_a_finish_proves_again_and_names_each_path_with_its_size() -> None:
    phases = finish.finish(undone("release.claim", released=True, paths=PATHS, quorum=True))
    assert names(phases) == ["claim", "start", "release"]
    proof = phase_of(phases, PhaseName.START).barrier
    assert proof is not None
    assert (proof.judge, proof.expect) == (Judge.EQUAL, {}), "a restored cluster may have a new id"
    titles = [step.title for step in phases[-1].steps if step.host == "master-1"]
    assert titles == [
        f"delete /var/lib/orchestrator/{RUN}/snapshot.db (400.0 MiB)",
        f"delete {KEPT} (520.0 MiB)",
        "release the host",
    ]
    unkept = values(phases[-1], "release.unkeep")["master-1"]
    assert unkept == {"member": f"{DATA}/member", "kept": KEPT, "undone": RUN, "kept_wal": ""}


@pytest.mark.parametrize(("kept", "removed"), [("whole", []), ("", [f"delete /wal/.kr-{RUN} (1.0 MiB)"])])
def test_a_log_that_lies_apart_goes_with_its_data_or_alone(kept: str, removed: list[str]) -> None:
    """Alone where the run was a rollback: it has kept no old data, but set aside what the restore had brought."""
    found = undone("release.claim", released=True, quorum=True, kept=dict.fromkeys(MASTERS, kept))
    paths = ((f"/wal/.kr-{RUN}", 1 << 20), (f"/var/lib/orchestrator/{RUN}/snapshot.db", 1 << 20))
    views = {
        name: altered(view, config=replace(view.member.config, wal_dir="/wal"))
        for name, view in found.views.items()
        if view.member.config
    }
    left = {host: Left(kept, paths, released=True) for host in MASTERS}
    phases = finish.finish(replace(found, views=views, left=left))
    titles = [step.title for step in phases[-1].steps if step.host == "master-1"]
    assert [title for title in titles if "/wal" in title] == removed


def test_no_finish_of_an_open_run() -> None:
    with pytest.raises(RefusedError, match="is still open") as refused:
        finish.finish(undone("workers.restart", paths=PATHS))
    assert refused.value.next_step == ours("resume", RUN)


def test_nothing_to_finish() -> None:
    with pytest.raises(RefusedError, match="nothing left to delete"):
        finish.finish(undone(released=True))


CLAIM = Claim(RUN, "1-a1b2", "bob@desk", "2026-11-22T03:10:07Z", silent_s=120)


def test_unlocking_takes_over_only_what_the_run_holds() -> None:
    phases = unlock.unlock(replace(undone("claim.take"), claims={"master-2": CLAIM}))
    assert names(phases) == ["claim", "release"]
    assert {step.host for phase in phases for step in phase.steps} == {"master-2"}
    assert values(phases[-1], "release.unstage") == {
        "master-2": {"undone": RUN, "paths": (f"/var/lib/orchestrator/{RUN}/snapshot.db",)}
    }


def of_reinit(distro: Distro, **etcd: str) -> Undone:
    """A reinit of master-2 that was left once its services were stopped; ``etcd`` is of its configuration."""
    made = undone("stop.hold", "commit.join", quorum=True)
    views = {
        name: altered(view, config=replace(view.member.config, **etcd))  # type: ignore[arg-type]
        for name, view in made.views.items()
        if view.member.config
    }
    phases = Reinit(made.inventory, views, distro, RUN, LAPTOP, "master-2").phases()
    reinit = made.plan.model_copy(update={"kind": "reinit", "phases": phases})
    return replace(made, plan=reinit, views=views, distro=distro, claims=dict.fromkeys(MASTERS, CLAIM))


def test_unlocking_a_reinit_removes_what_it_has_made_and_keeps_the_old_data() -> None:
    release = unlock.unlock(of_reinit(KUBEADM, wal_dir="/wal"))[-1]
    assert [step.id for step in release.steps] == [
        "release.host/master-1",
        "release.unjoin/master-2",
        "release.host/master-2",
        "release.host/master-3",
    ]
    log, folder = f"/wal/.kr-{RUN}.staged", f"/var/lib/orchestrator/{RUN}"
    made = (log, f"{log}.tmp", f"{DATA}/kr-{RUN}:0", f"{folder}/etcd", f"{folder}/etcd.part")
    assert values(release, "release.unjoin") == {"master-2": {"undone": RUN, "paths": made}}


def test_a_program_of_the_hosts_own_and_a_log_within_the_data_are_left() -> None:
    release = unlock.unlock(of_reinit(KUBEADM, program="/usr/bin/etcd"))[-1]
    assert values(release, "release.unjoin") == {"master-2": {"undone": RUN, "paths": (f"{DATA}/kr-{RUN}:0",)}}


def test_an_agent_has_made_what_it_has_made() -> None:
    release = unlock.unlock(of_reinit(KUBLR))[-1]
    assert {step.name for step in release.steps} == {"release.host"}


@pytest.mark.parametrize(("steps", "following"), [(("stop.hold",), "abort"), (("stop.hold", "start.lift"), "rollback")])
def test_what_has_stopped_services_is_not_unlocked(steps: tuple[str, ...], following: str) -> None:
    with pytest.raises(RefusedError, match="has begun to stop") as refused:
        unlock.unlock(undone(*steps))
    assert refused.value.next_step == ours(following, RUN)


def test_what_holds_services_down_is_not_unlocked() -> None:
    with pytest.raises(RefusedError):
        unlock.unlock(replace(undone("claim.take"), claims={"master-1": CLAIM}, holds={"master-1": RUN}))


def test_nothing_to_unlock() -> None:
    with pytest.raises(RefusedError, match="holds no master"):
        unlock.unlock(undone("claim.take"))


# --- What every undo must hold --------------------------------------------------------------------------

ALL = {
    "abort": abort.abort(undone("stop.hold", "commit.schedule", "volumes.pause", quorum=True)),
    "rollback": rollback.rollback(undone(*STARTED, kept={"master-2": "none"})),
    "finish": finish.finish(undone(released=True, paths=PATHS)),
    "unlock": unlock.unlock(replace(undone(), claims=dict.fromkeys(MASTERS, CLAIM))),
}


@pytest.mark.parametrize("phases", ALL.values(), ids=ALL)
def test_steps_have_their_own_ids_and_scripts_their_texts(phases: tuple[Phase, ...]) -> None:
    steps = [step for phase in phases for step in phase.steps]
    assert len({step.id for step in steps}) == len(steps)
    for step in steps:
        assert step.id == f"{step.name}/{step.host}"
        assert step.rerunnable or isinstance(step.act, Pause)
    assert set(used_by(phases, scripts())) <= set(scripts())


@pytest.mark.parametrize("kind", ["abort", "rollback", "unlock"])
def test_the_claim_is_taken_over_and_never_given_back_half_way(kind: str) -> None:
    claim, release = ALL[kind][0], ALL[kind][-1]
    assert {it["undone"] for it in values(claim, "claim.take").values()} == {RUN}
    assert "release.claim" not in {step.name for step in release.steps}
    assert release.steps[-1].name == "release.host"


def test_a_finish_takes_no_claim_over() -> None:
    assert all(it == {"laptop": LAPTOP, "undone": ""} for it in values(ALL["finish"][0], "claim.take").values())


# --- A master that is left out --------------------------------------------------------------------------


def without(made: Undone, *names: str, **changes: object) -> Undone:
    """The same run, in which those masters are left out. ``changes`` are about what is seen of them."""
    views = {name: altered(view, **changes) if name in names else view for name, view in made.views.items()}
    return replace(made, inventory=made.inventory.leave_out(names), plan=leave_out(made.plan, names), views=views)


def test_a_rollback_needs_a_quorum_of_old_data_among_those_that_are_left() -> None:
    whole = without(undone(*STARTED), "master-2", members_on_disk=())
    assert "master-2" not in {step.host for phase in rollback.rollback(whole) for step in phase.steps}
    assert lost_by_undo("rollback", whole)[-1].startswith("master-2 is left out: never start it on its old disk")
    with pytest.raises(RefusedError, match="no old data on master-1, master-2: the other masters are not a quorum"):
        rollback.rollback(without(undone(*STARTED, kept={"master-1": "none"}), "master-2", members_on_disk=()))


@pytest.mark.parametrize(
    ("take_back", "steps"), [(rollback.rollback, STARTED), (abort.abort, STARTED[:-1])], ids=["rollback", "abort"]
)
def test_no_old_data_is_started_beside_one_left_out_that_has_come_back(
    take_back: Callable[[Undone], object], steps: Sequence[str]
) -> None:
    """It may have rejoined the restored cluster, whose id may be the old one: its member would spoil the old data."""
    assert take_back(without(undone(*steps), "master-2", members_on_disk=(), live=None))
    live = LiveMember("3.5.1", "beef", {}, 1, 1, has_quorum=True)
    for seen in ({"live": live}, {"live": None, "members_on_disk": (f"{DATA}/member",)}):
        with pytest.raises(RefusedError, match="master-2 was left out, but has etcd data again"):
            take_back(without(undone(*steps), "master-2", **seen))


def test_a_run_is_not_finished_before_the_one_left_out_is_a_member_again() -> None:
    made = undone(*STARTED, quorum=True, released=True, paths=((KEPT, 1),))
    assert finish.finish(without(made, "master-2"))
    for live in (None, LiveMember("3.5.1", "beef", {}, 1, 1, has_quorum=True)):
        with pytest.raises(RefusedError, match="master-2 was left out, and has not rejoined the restored cluster"):
            finish.finish(without(made, "master-2", live=live))


def test_what_an_undo_costs() -> None:
    made = undone(*STARTED)
    restore = plan().estimate
    assert seconds("rollback", made).upload_bytes == 0
    assert restore.outage_s <= seconds("rollback", made).total_s < restore.total_s
    assert seconds("abort", replace(made, holds={"master-1": RUN})).outage_s > 0
    assert seconds("unlock", made).outage_s == 0


# --- The proof that members agree -----------------------------------------------------------------------


def hash_kv(revision: int, value: int = 42, compacted: int = 7) -> HashKv:
    return HashKv.model_validate({"header": {"revision": revision}, "compact_revision": compacted, "hash": value})


def standing(*hashes: HashKv, **values: object) -> Standing:
    return replace(Standing(hashes, "cdf8", healthy=True), **values)  # type: ignore[arg-type]


FILE = "65024 11 1700000000.5 64000 /mnt/master-pd/etcd/member/wal/0.wal"
OTHER = "65024 99 1800000000.5 64000 /mnt/master-pd/etcd/member/wal/0.wal"


def test_members_that_agree_at_a_round_revision() -> None:
    shown = {"a": standing(hash_kv(2013, 1), hash_kv(2000)), "b": standing(hash_kv(2014, 2), hash_kv(2000))}
    verdict = judge_equal(shown, {"cluster_id": "cdf8"})
    assert verdict.answer is Answer.YES
    assert verdict.details == {"cluster_id": "cdf8", "revision": "2000", "hash_kv": "42", "compacted_revision": "7"}


@pytest.mark.parametrize(
    ("other", "answer", "reason"),
    [
        (standing(), Answer.NO, "no answer on the peer port yet"),
        (standing(hash_kv(2000), healthy=False), Answer.NO, "no quorum yet"),
        (standing(hash_kv(2000), armed="restore.db"), Answer.NO, "restore.db is still in the data volume"),
        (standing(hash_kv(2000, 43)), Answer.NO, "its HashKV at revision 2000 is 43"),
        (standing(hash_kv(2000, 42, compacted=9)), Answer.NO, "not yet at the others' revision"),
        (standing(hash_kv(1900)), Answer.NO, "not yet at the others' revision"),
        (standing(hash_kv(2000), cluster_id="beef"), Answer.WRONG, "its cluster id is beef, but the old one was cdf8"),
        (standing(hash_kv(2000), files=OTHER, returned=FILE), Answer.WRONG, "it does not run on the files that"),
    ],
)
def test_members_that_do_not(other: Standing, answer: Answer, reason: str) -> None:
    verdict = judge_equal({"a": standing(hash_kv(2000)), "b": other}, {"cluster_id": "cdf8"})
    assert verdict.answer is answer
    assert verdict.reasons["b"].startswith(reason)


def test_two_clusters_are_never_one() -> None:
    shown = {"a": standing(hash_kv(2000)), "b": standing(hash_kv(2000), cluster_id="beef")}
    assert judge_equal(shown, {}).answer is Answer.WRONG


def test_a_member_on_the_files_that_were_put_back() -> None:
    returned = standing(hash_kv(2000), files=f"{FILE}\n{OTHER}", returned=FILE)
    assert judge_equal({"a": returned, "b": standing(hash_kv(2000), returned="none")}, {}).answer is Answer.YES
