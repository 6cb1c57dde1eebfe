"""In which order hosts pass a file to one another. Pure.

A chain starts at a giver: a master that has the whole file, or the laptop. Each host passes what arrives to the
next one at once, so the laptop's link carries one copy, however many masters there are. A host that resumes a
transfer receives everything from its resume point on, so all hosts of a chain start from the offset of the host
that has least.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LAPTOP = ""
"""The giver's name when a chain starts at the laptop."""

NEAR = 0.02
"""The largest distance between hosts of one chain from the laptop, as a part of the file: that much is sent twice
to one of them. A cut transfer leaves them within a few megabytes; a host that is further behind gets the rest
from a master."""

LATE_S, LATE = 5.0, 0.25
"""How much later than its predecessor a host may finish: in seconds, or as a part of the predecessor's time."""


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain: ``giver`` sends to the first of ``hosts``, that one to the second, and so on, each from byte
    ``offset``."""

    giver: str
    hosts: tuple[str, ...]
    offset: int

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        """The (giver, taker) pairs among the masters."""
        pairs = zip((self.giver, *self.hosts), self.hosts, strict=False)
        return tuple(pair for pair in pairs if pair[0] != LAPTOP)


@dataclass(frozen=True, slots=True)
class Standings:
    """The state of a transfer.

    ``have`` holds the hosts that wait for bytes, in the inventory's order, with the bytes they have; ``filling``
    the hosts that a chain fills now; ``whole`` the hosts with the whole file. ``links`` are the pairs of masters of
    which the first can send to the second. ``slow`` hosts have delayed others.
    """

    size_bytes: int
    have: Mapping[str, int]
    filling: frozenset[str] = frozenset()
    whole: Sequence[str] = ()
    links: frozenset[tuple[str, str]] = frozenset()
    slow: frozenset[str] = frozenset()


def next_chains(now: Standings) -> tuple[Chain, ...]:
    """Return the chains to start now. A host that can later get the file from a master waits for that."""
    reached = {taker for _, taker in now.links}
    left = sorted(now.have, key=lambda host: (host in now.slow, -now.have[host], host in reached))
    chains: list[Chain] = []
    for giver in now.whole:
        if hosts := _linked_series(giver, left, now.links):
            chains.append(_make_chain(giver, hosts, now))
            left = [host for host in left if host not in hosts]
    left = _unlinked(left, now.filling.union(*(chain.hosts for chain in chains)), now.links)
    while left:
        head, *others = left
        near = [host for host in others if now.have[head] - now.have[host] <= NEAR * now.size_bytes]
        hosts = (head, *_linked_series(head, near, now.links))
        chains.append(_make_chain(LAPTOP, hosts, now))
        left = _unlinked([host for host in others if host not in hosts], frozenset(hosts), now.links)
    return tuple(chains)


def first_chains(hosts: Sequence[str], links: frozenset[tuple[str, str]], giver: str = LAPTOP) -> tuple[Chain, ...]:
    """Return the chains when no host has any part of the file yet, except the giver if it is one of the hosts."""
    have = {host: 0 for host in hosts if host != giver}
    whole = () if giver == LAPTOP else (giver,)
    return next_chains(Standings(size_bytes=1, have=have, whole=whole, links=links))


def held_up(chain: Chain, whole_for_s: Mapping[str, float], took_s: Mapping[str, float]) -> str:
    """Return the host that delays those behind it; empty if there is none.

    ``whole_for_s`` maps the hosts with the whole file to the seconds since they had it; ``took_s`` maps them to the
    seconds that they needed. A host that still lacks the file long after its predecessor got it is the slow one; the
    hosts behind it only wait.
    """
    for before, host in zip(chain.hosts, chain.hosts[1:-1], strict=False):
        if host in whole_for_s:
            continue
        late_s = whole_for_s.get(before, 0.0)
        return host if late_s > max(LATE_S, LATE * took_s.get(before, 0.0)) else ""
    return ""


def _make_chain(giver: str, hosts: tuple[str, ...], now: Standings) -> Chain:
    return Chain(giver, hosts, min(now.have[host] for host in hosts))


def _linked_series(giver: str, hosts: Sequence[str], links: frozenset[tuple[str, str]]) -> tuple[str, ...]:
    """Return the longest series of hosts behind the giver in which each is linked to the one before it."""
    found: list[str] = []
    while True:
        last = found[-1] if found else giver
        following = next((host for host in hosts if host not in found and (last, host) in links), None)
        if following is None:
            return tuple(found)
        found.append(following)


def _unlinked(hosts: Sequence[str], givers: frozenset[str], links: frozenset[tuple[str, str]]) -> list[str]:
    """Return the hosts to which none of the givers can send."""
    return [host for host in hosts if not any((giver, host) in links for giver in givers)]
