"""In which order masters pass a file on: every plan of chains, and new plans after any cut."""

from __future__ import annotations

import itertools

import pytest

from orchestrator.core.transfer.chains import LAPTOP, Chain, Standings, first_chains, held_up, next_chains

HOSTS = ("a", "b", "c", "d", "e")
ALL = frozenset(itertools.permutations(HOSTS, 2))
SIZE = 1000


def planned(have: dict[str, int], **others: object) -> tuple[Chain, ...]:
    return next_chains(Standings(size_bytes=SIZE, have=have, **({"links": ALL} | others)))  # type: ignore[arg-type]


def test_laptop_sends_once_and_hosts_pass_on() -> None:
    assert planned(dict.fromkeys(HOSTS, 0)) == (Chain(LAPTOP, HOSTS, 0),)
    assert Chain(LAPTOP, ("a", "b", "c"), 0).links == (("a", "b"), ("b", "c"))


def test_without_links_laptop_sends_to_each() -> None:
    chains = planned({"a": 0, "b": 500}, links=frozenset())
    assert chains == (Chain(LAPTOP, ("b",), 500), Chain(LAPTOP, ("a",), 0))


def test_host_without_giver_comes_first() -> None:
    links = frozenset(pair for pair in ALL if pair[1] != "c")
    assert planned(dict.fromkeys(HOSTS, 0), links=links) == (Chain(LAPTOP, ("c", "a", "b", "d", "e"), 0),)


def test_master_with_whole_file_is_giver() -> None:
    assert planned({"b": 0, "c": 700}, whole=("a",)) == (Chain("a", ("c", "b"), 0),)


def test_host_far_behind_waits_for_master() -> None:
    assert planned({"a": 900, "b": 890, "c": 100}) == (Chain(LAPTOP, ("a", "b"), 890),)
    assert planned({"c": 100}, filling=frozenset("ab")) == ()


def test_host_unreachable_from_filling_masters_does_not_wait() -> None:
    assert planned({"c": 100}, filling=frozenset("ab"), links=frozenset()) == (Chain(LAPTOP, ("c",), 100),)


def test_slow_host_comes_last() -> None:
    assert planned({"b": 300, "c": 100, "d": 100}, whole=("a",), slow=frozenset("b")) == (
        Chain("a", ("c", "d", "b"), 100),
    )


@pytest.mark.parametrize("links", [ALL, frozenset(), frozenset((("a", "b"), ("b", "c"), ("c", "a")))])
def test_all_hosts_are_filled_after_any_cut(links: frozenset[tuple[str, str]]) -> None:
    """Of every chain that starts, only one host is filled, and the rest asks again. No host is in two plans at once."""
    have = dict.fromkeys(HOSTS, 0)
    whole: list[str] = []
    for _ in range(len(HOSTS)):
        chains = planned(have, whole=tuple(whole), links=links)
        busy = [host for chain in chains for host in chain.hosts]
        assert busy and len(set(busy)) == len(busy)
        assert all(chain.giver == LAPTOP or chain.giver in whole for chain in chains)
        assert all(pair in links for chain in chains for pair in chain.links)
        for chain in chains:
            have.pop(chain.hosts[0])
            whole.append(chain.hosts[0])
        if not have:
            return
    raise AssertionError(f"{have} never got it")


def test_first_chains_start_at_giver() -> None:
    assert first_chains(HOSTS, ALL, "c") == (Chain("c", ("a", "b", "d", "e"), 0),)
    assert first_chains(HOSTS, frozenset(), "c") == tuple(Chain(LAPTOP, (host,), 0) for host in "abde")


@pytest.mark.parametrize(
    ("whole_for_s", "slow"),
    [({}, ""), ({"a": 4.0}, ""), ({"a": 6.0}, "b"), ({"a": 60.0, "b": 1.0}, ""), ({"a": 60.0, "b": 30.0}, "")],
)
def test_held_up_names_slow_host(whole_for_s: dict[str, float], slow: str) -> None:
    """The last host delays nobody."""
    assert held_up(Chain(LAPTOP, ("a", "b", "c"), 0), whole_for_s, dict.fromkeys("abc", 10.0)) == slow


def test_allowed_delay_grows_with_duration() -> None:
    chain = Chain(LAPTOP, ("a", "b", "c"), 0)
    assert held_up(chain, {"a": 20.0}, {"a": 100.0}) == ""
    assert held_up(chain, {"a": 26.0}, {"a": 100.0}) == "b"
