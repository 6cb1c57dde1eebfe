"""In which order masters hand a file on to one another. Pure.

A chain begins at a giver: a master that has the file whole, or the laptop. Each host hands what arrives on to the next
at once, so the laptop's link carries one copy, however many masters there are. A host that goes on from what it had
already is given everything from there on; so all hosts of a chain go on from where the last of them stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LAPTOP = ""
"""The giver's name where a chain begins at the laptop."""

NEAR = 0.02
"""Hosts of one chain from the laptop stand at most this part of the file apart: that much is sent to one of them twice.
A transfer that is cut leaves them within some megabytes; one that is further behind gets the rest from a master."""

LATE_S, LATE = 5.0, 0.25
"""A host may be through so much later than the one before it: seconds, or as a part of what that one took."""


@dataclass(frozen=True, slots=True)
class Chain:
    """``giver`` hands on to the first of ``hosts``, that to the second, and so on, each from byte ``offset``."""

    giver: str
    hosts: tuple[str, ...]
    offset: int

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        """Who hands on to whom among the masters."""
        pairs = zip((self.giver, *self.hosts), self.hosts, strict=False)
        return tuple(pair for pair in pairs if pair[0] != LAPTOP)


@dataclass(frozen=True, slots=True)
class Standings:
    """``have`` are the hosts that wait for bytes, in the inventory's order, with what they have of them; ``filling``
    those that some chain fills just now; ``whole`` those with the whole file. ``links`` are the pairs of masters of
    which the first can hand on to the second. ``slow`` hosts have held others up."""

    size_bytes: int
    have: Mapping[str, int]
    filling: frozenset[str] = frozenset()
    whole: Sequence[str] = ()
    links: frozenset[tuple[str, str]] = frozenset()
    slow: frozenset[str] = frozenset()


def next_chains(now: Standings) -> tuple[Chain, ...]:
    """The chains to begin now. A host that can have the file from a master later on waits for that."""
    reached = {taker for _, taker in now.links}
    left = sorted(now.have, key=lambda host: (host in now.slow, -now.have[host], host in reached))
    chains: list[Chain] = []
    for giver in now.whole:
        if hosts := _string(giver, left, now.links):
            chains.append(_chain(giver, hosts, now))
            left = [host for host in left if host not in hosts]
    left = _unlinked(left, now.filling.union(*(chain.hosts for chain in chains)), now.links)
    while left:
        head, *others = left
        near = [host for host in others if now.have[head] - now.have[host] <= NEAR * now.size_bytes]
        hosts = (head, *_string(head, near, now.links))
        chains.append(_chain(LAPTOP, hosts, now))
        left = _unlinked([host for host in others if host not in hosts], frozenset(hosts), now.links)
    return tuple(chains)


def first_chains(hosts: Sequence[str], links: frozenset[tuple[str, str]], giver: str = LAPTOP) -> tuple[Chain, ...]:
    """How a file is brought to hosts of which none has anything of it, but the giver, if that is one of them."""
    have = {host: 0 for host in hosts if host != giver}
    whole = () if giver == LAPTOP else (giver,)
    return next_chains(Standings(size_bytes=1, have=have, whole=whole, links=links))


def held_up(chain: Chain, whole_for_s: Mapping[str, float], took_s: Mapping[str, float]) -> str:
    """The host that holds up those behind it; empty where none does.

    ``whole_for_s`` are the hosts with the whole file, and since when; ``took_s`` is how long that took them. A host
    that is not through long after the one before it is the slow one, not those that wait for it.
    """
    for before, host in zip(chain.hosts, chain.hosts[1:-1], strict=False):
        if host in whole_for_s:
            continue
        late_s = whole_for_s.get(before, 0.0)
        return host if late_s > max(LATE_S, LATE * took_s.get(before, 0.0)) else ""
    return ""


def _chain(giver: str, hosts: tuple[str, ...], now: Standings) -> Chain:
    return Chain(giver, hosts, min(now.have[host] for host in hosts))


def _string(giver: str, hosts: Sequence[str], links: frozenset[tuple[str, str]]) -> tuple[str, ...]:
    """As many hosts as can be strung together behind the giver, each linked to the one before it."""
    found: list[str] = []
    while True:
        last = found[-1] if found else giver
        following = next((host for host in hosts if host not in found and (last, host) in links), None)
        if following is None:
            return tuple(found)
        found.append(following)


def _unlinked(hosts: Sequence[str], givers: frozenset[str], links: frozenset[tuple[str, str]]) -> list[str]:
    """Those that none of the givers can hand anything on to."""
    return [host for host in hosts if not any((giver, host) in links for giver in givers)]
