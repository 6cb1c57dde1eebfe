"""Interrupt a restore of three masters and a worker at every call: the final state is always the same."""

from __future__ import annotations

from functools import cache

import pytest

from orchestrator.core.inventory.declared import Restart, Volumes
from tests.sim.clock import FOR_EVER_S
from tests.sim.cluster import RUN, SNAPSHOT
from tests.sim.faults import Fate, Fault
from tests.sim.host import ARMED, STATE, Vendor
from tests.sim.programs import now_s
from tests.sim.rivals import race, sleep_through
from tests.sim.story import Story, tell
from tests.sim.world import World
from tests.unit import builders

LATER_S = 1200.0
"""Seconds, longer than the time until the API servers first compact (ten minutes)."""
LANDINGS_S = (0.0, 9.0, 30.0)
"""Seconds after the settle: at once, about the start, near the end."""


@cache
def undisturbed() -> Story:
    return tell()


def assert_same_end(story: Story) -> None:
    assert story.violations == []
    assert story.left == undisturbed().left, story.left


def changing_calls() -> list[int]:
    return [number for number, call in enumerate(undisturbed().calls) if call.verb not in ("look", "read")]


# --- undisturbed ------------------------------------------------------------------------------------------


def test_an_undisturbed_restore_is_proven() -> None:
    story = undisturbed()
    assert story.violations == []
    result = story.endings[0].result
    assert result and result.proof["hash_kv"] == str(SNAPSHOT.hash_kv(SNAPSHOT.revision))
    for host, left in story.left.items():
        assert "hosts file: 127.0.0.1\tlocalhost" in left, host
        assert not [it for it in left if "50-orchestrator-hold" in it or it.endswith(("/hold", "/alive", "/claim"))]
    print(f"{len(story.calls)} calls, {story.commands} commands")


def test_same_seed_gives_same_story() -> None:
    faults = {90: Fault(Fate.DIED)}
    one, other = tell(faults), tell(faults)
    assert [ending.line.calls for ending in one.endings] == [ending.line.calls for ending in other.endings]


@pytest.mark.parametrize(
    "vendor",
    [Vendor(keeps_old_data=True), Vendor(fresh_token=True), Vendor(leaves_restore_db=True)],
    ids=lambda vendor: str(vendor).replace("=False", "").partition("(")[2],
)
def test_restore_succeeds_whatever_the_vendor_leaves(vendor: Vendor) -> None:
    story = tell(vendor=vendor)
    assert story.violations == []
    assert story.errors == [""]


def test_workers_can_be_restarted_by_their_services() -> None:
    story = tell(inventory=builders.inventory(3, 1, restart=Restart.SERVICES))
    assert story.violations == []


# --- one laptop dies --------------------------------------------------------------------------------------


@pytest.mark.parametrize("fate", [Fate.LOST, Fate.DONE])
def test_a_laptop_that_dies_anywhere(fate: Fate) -> None:
    calls = range(len(undisturbed().calls)) if fate is Fate.LOST else changing_calls()
    for number in calls:
        assert_same_end(tell({number: Fault(fate)}))
    print(f"{len(calls)} crashes, {fate}")


@pytest.mark.parametrize(
    ("fate", "at"), [(Fate.DIED, 1), (Fate.DIED, 2), (Fate.DIED, 3), (Fate.LATE, 1), (Fate.LATE, 2)]
)
def test_an_act_that_dies_or_is_held_up_when_the_laptop_dies(fate: Fate, at: int) -> None:
    for number in changing_calls():
        assert_same_end(tell({number: Fault(fate, at=at)}))


@pytest.mark.parametrize("after_s", LANDINGS_S)
def test_an_act_that_lands_when_the_next_laptop_has_settled(after_s: float) -> None:
    for number in changing_calls():
        assert_same_end(tell({number: Fault(Fate.AFTER_SETTLE, after_s=after_s)}))


@pytest.mark.parametrize("fate", [Fate.DONE, Fate.LATE, Fate.AFTER_SETTLE, Fate.DIED])
def test_two_laptops_that_die_one_after_the_other(fate: Fate) -> None:
    for first in range(0, len(undisturbed().calls), 8):
        second = tell({first: Fault(Fate.DONE)}, most_laptops=2).endings[1].line.calls
        number = (first * 7 + 5) % len(second)
        assert_same_end(tell({first: Fault(Fate.DONE)}, {number: Fault(fate)}))


# --- a host has a mishap ----------------------------------------------------------------------------------


@pytest.mark.parametrize("after_s", [0.0, 0.4])
def test_a_host_that_reboots_at_any_moment(after_s: float) -> None:
    """Between stop and start etcd stays down: the witness reports an etcd that starts."""
    for number in range(len(undisturbed().calls)):
        assert_same_end(tell({number: Fault(Fate.REBOOTS, after_s=after_s)}))


@pytest.mark.parametrize("for_s", [20.0, 90.0])
def test_a_host_that_cannot_be_reached_for_a_while(for_s: float) -> None:
    for number in range(0, len(undisturbed().calls), 2):
        assert_same_end(tell({number: Fault(Fate.VANISHES, for_s=for_s)}))


def test_an_act_that_hangs_until_its_time_is_over() -> None:
    for number in changing_calls():
        if undisturbed().calls[number].verb == "act":
            assert_same_end(tell({number: Fault(Fate.HANGS, for_s=FOR_EVER_S)}))


def test_a_laptop_that_dies_and_a_master_that_reboots_before_the_next() -> None:
    for number in changing_calls():
        assert_same_end(tell({number: Fault(Fate.LATE)}, {0: Fault(Fate.REBOOTS, after_s=1.0)}))


# --- what must be refused ---------------------------------------------------------------------------------


def test_restore_ignored_by_vendor_is_unproven() -> None:
    story = tell(vendor=Vendor(ignores_restore=True), most_laptops=2)
    assert story.errors == ["UnprovenError", "UnprovenError"]
    assert "it ignored the restore" in str(story.endings[0].error)


def test_containers_that_outlive_docker_keep_the_barrier_shut() -> None:
    story = tell(vendor=Vendor(live_restore=True), most_laptops=1)
    assert story.errors == ["HaltedError"]
    assert "etcd still has" in str(story.endings[0].error)
    assert "keep.copy" not in {call.what for call in story.calls}


def test_a_run_that_is_resumed_much_later_still_ends() -> None:
    """After the API servers compact, no member shows the hash at the snapshot's revision, but it is recorded."""
    first = next(number for number, call in enumerate(undisturbed().calls) if call.what == "start.lift")
    for number in [number for number in changing_calls() if number >= first]:
        assert_same_end(tell({number: Fault(Fate.DONE)}, wait_s=LATER_S, most_laptops=3))


@pytest.mark.parametrize("fate", [Fate.VANISHES, Fate.FULL])
def test_a_master_that_starts_after_the_others_have_compacted_is_proven_by_them(fate: Fate) -> None:
    """That master can never show its hash at the snapshot's revision, and no host has a record of it."""
    for number in [number for number, call in enumerate(undisturbed().calls) if call.what == "start.services"][:3]:
        story = tell({number: Fault(fate)}, wait_s=LATER_S, most_laptops=3)
        assert_same_end(story)
        result = story.endings[-1].result
        assert result and [name for name in result.proof if name.endswith(" late")]


WITH_PAUSE = builders.inventory(3, 1, volumes=Volumes.PAUSE)


def test_a_long_pause_with_a_reboot_in_it() -> None:
    def reboot(world: World) -> None:
        world.masters[1].reboot(now_s())

    story = tell(inventory=WITH_PAUSE, in_the_pause=reboot, pause_s=3600)
    assert story.errors == [""]
    assert_same_end(story)


def test_no_master_starts_after_a_restore_db_changed_in_the_pause() -> None:
    def touch(world: World) -> None:
        world.masters[1].disk.write(ARMED, b"another")

    story = tell(inventory=WITH_PAUSE, in_the_pause=touch, most_laptops=2)
    assert not story.is_done
    assert [it for it in story.violations if "never ends" not in it] == []


def test_damaged_staged_snapshot_is_copied_again() -> None:
    """The damage happens between stage and commit, or in the commit. The next laptop ends the run without a retry."""

    def damage(world: World) -> None:
        world.masters[1].disk.write(f"{STATE}/{RUN}/snapshot.db", b"damaged")

    commits = [number for number, call in enumerate(undisturbed().calls) if call.what.startswith("commit.")]
    for number in [number for number in changing_calls() if number <= max(commits)][-12:]:
        for fate in (Fate.LOST, Fate.DONE):
            story = tell({number: Fault(fate)}, between=damage, most_laptops=2)
            assert story.violations == [], (undisturbed().calls[number], story.errors)


# --- a master that is lost --------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", ["master-1", "master-2", "master-3"])
def test_a_master_that_is_lost_at_any_moment_is_left_out(lost: str) -> None:
    """The laptop dies at the same moment. The next one resumes without that master and dies too; the third ends."""
    first = next(number for number, call in enumerate(undisturbed().calls) if call.what == "stop.hold")
    for number in [number for number in changing_calls() if number >= first][:: 2 if lost == "master-2" else 5]:
        story = tell(
            {number: Fault(Fate.DONE)}, {20: Fault(Fate.DONE)}, between=lambda it: it.lose(lost), most_laptops=4
        )
        assert story.violations == [], (undisturbed().calls[number], story.errors)
        assert story.lost == (lost,)


# --- two laptops ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("head_start_s", [0.0, 0.02, 0.05, 0.1, 0.3, 0.7, 1.1, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0])
def test_one_of_two_simultaneous_runs_is_refused(head_start_s: float) -> None:
    endings, story = race(head_start_s)
    assert sorted(type(ending.error).__name__ for ending in endings) == ["LockedError", "NoneType"]
    assert story.violations == []


def test_laptop_that_slept_through_resume_is_fenced() -> None:
    """The laptop detects this at its next act, or at its barrier, which does not open for it."""
    first, last = 9, len(undisturbed().calls) - 6  # from the first claim to the first release
    for number in range(first, last, 3):
        ending, story = sleep_through(number)
        assert story.violations == []
        assert type(ending.error).__name__ == "LockedError", undisturbed().calls[number]
