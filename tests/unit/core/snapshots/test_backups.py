"""Which backups stay, how they are called, and who is asked for one."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.snapshots.backups import Kept, members_to_ask, name_of, taken_at_s, to_remove
from tests.unit.builders import altered, masters

DAY_S = 86_400.0
NOW_S = 100 * DAY_S


def aged(*days: float, good: bool = True) -> list[Kept]:
    return [Kept(f"backup-{age}", NOW_S - age * DAY_S, good) for age in days]


def test_names_are_read_back() -> None:
    name = name_of("prod-1", "2026-11-23T03:00:07Z")
    assert name == "prod-1-20261123t030007z"
    assert taken_at_s("prod-1", name) == 1795402807.0
    for other in ("prod", "prod-1-2"):
        assert taken_at_s(other, name) is None
    assert taken_at_s("prod-1", "prod-1-notes") is None


def test_too_many_and_too_old() -> None:
    found = aged(1, 2, 3, 10)
    assert to_remove(found, most=None, days=None, now_s=NOW_S) == ()
    assert to_remove(found, most=2, days=None, now_s=NOW_S) == ("backup-10", "backup-3")
    assert to_remove(found, most=None, days=2.5, now_s=NOW_S) == ("backup-10", "backup-3")
    assert to_remove(found, most=3, days=1.5, now_s=NOW_S) == ("backup-10", "backup-2", "backup-3")


def test_the_newest_good_one_stays_whatever_its_age() -> None:
    assert to_remove(aged(40, 50), most=1, days=30, now_s=NOW_S) == ("backup-50",)
    assert to_remove([*aged(1, good=False), *aged(40, 50)], most=1, days=30, now_s=NOW_S) == ("backup-50",)


@given(
    st.lists(st.tuples(st.floats(0, 90), st.booleans()), unique_by=lambda it: it[0]),
    st.none() | st.integers(1, 5),
    st.none() | st.floats(0, 60),
)
def test_a_good_one_is_always_left(ages: list[tuple[float, bool]], most: int | None, days: float | None) -> None:
    found = [Kept(f"backup-{age}", NOW_S - age * DAY_S, good) for age, good in ages]
    gone = set(to_remove(found, most=most, days=days, now_s=NOW_S))
    good = {it.name for it in found if it.good}
    assert gone <= good
    assert not good or good - gone


def test_the_member_that_knows_most_is_asked_first() -> None:
    views = masters(3, quorum=True)
    live = views["master-2"].member.live
    assert live is not None
    views["master-2"] = altered(views["master-2"], live=replace(live, revision=live.revision + 5))
    views["master-3"] = altered(views["master-3"], live=replace(live, has_quorum=False, revision=live.revision + 9))
    assert [view.host for view in members_to_ask(views)] == ["master-2", "master-1"]
    assert members_to_ask(masters(3)) == ()
