"""Which masters can pass a file to which, and how it is compressed on the way. Pure.

The links are found before anything changes: the giver reads the taker's host key over its own network, and it must
be the key that the laptop knows; and the taker's sshd must accept a key with a forced command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import Field

from orchestrator.core.transfer.chains import LAPTOP, first_chains
from orchestrator.etcd.frozen import Frozen

UNSAID = "its answer does not mention its sshd"
GIVES_WITH = frozenset(("ssh", "ssh-keygen", "ssh-keyscan"))


class Packing(StrEnum):
    """How the bytes are compressed: with the best program that every master has."""

    ZSTD = "zstd"
    GZIP = "gzip"
    NONE = "none"


class Link(Frozen):
    """A way from one master to another.

    ``giver`` reaches ``taker``'s sshd at ``address`` and ``port``, and sees ``host_key`` there (`ssh-ed25519 ...`).
    ``login`` is the user whose authorized_keys file, ``keys``, gets a temporary line.
    """

    giver: str
    taker: str
    address: str
    port: int
    login: str
    keys: str
    host_key: str


class Relay(Frozen):
    """How the masters can pass files on. ``refused`` says, for every master that no other can send to, why."""

    packing: Packing = Packing.NONE
    links: tuple[Link, ...] = ()
    refused: dict[str, str] = Field(default_factory=dict)

    @property
    def pairs(self) -> frozenset[tuple[str, str]]:
        return frozenset((link.giver, link.taker) for link in self.links)

    @property
    def order(self) -> tuple[str, ...]:
        """The masters that take part, in the inventory's order."""
        return tuple(dict.fromkeys(name for link in self.links for name in (link.giver, link.taker)))

    def link(self, giver: str, taker: str) -> Link:
        """Return the link between these two. Raises KeyError."""
        for link in self.links:
            if (link.giver, link.taker) == (giver, taker):
                return link
        raise KeyError(f"{giver} sends nothing to {taker}")


@dataclass(frozen=True, slots=True)
class Ways:
    """One master's answer to `observe/transfer.sh`.

    ``sees`` maps another master's name, address and port to the host key shown there. ``closed`` says why a login
    with a temporary key would fail; it is empty if it would work.
    """

    programs: frozenset[str]
    login: str = ""
    keys: str = ""
    closed: str = UNSAID
    sees: Mapping[tuple[str, str, int], str] = field(default_factory=dict)


def parse_ways(text: str) -> Ways:
    """Parse the answer of `observe/transfer.sh`; unknown lines are ignored."""
    programs: set[str] = set()
    sees: dict[tuple[str, str, int], str] = {}
    login = keys = ""
    closed = UNSAID
    for line in text.splitlines():
        match line.split():
            case ["has", program]:
                programs.add(program)
            case ["keys", login, keys]:
                closed = ""
            case ["closed", *why]:
                closed = " ".join(why)
            case ["sees", name, address, port, kind, key]:
                sees[name, address, int(port)] = f"{kind} {key}"
    return Ways(frozenset(programs), login, keys, closed, sees)


def key_kind(key: str) -> str:
    """Return the type of a host key (`ssh-ed25519 AAAA...`) as ssh-keyscan(1) names it."""
    kind = key.partition(" ")[0]
    return "ecdsa" if kind.startswith("ecdsa-") else kind.removeprefix("ssh-")


def relay_of(
    ways: Mapping[str, Ways], places: Mapping[str, Sequence[tuple[str, int]]], keys: Mapping[str, str]
) -> Relay:
    """Find the links between the masters.

    ``places`` are the addresses and ports at which each may be reached, the best first; ``keys`` are the host keys
    that the laptop knows, `ssh-ed25519 AAAA...`.
    """
    links = [
        link
        for giver in ways
        for taker in ways
        if giver != taker and (link := _link(giver, taker, ways, places[taker], keys[taker]))
    ]
    programs = frozenset.intersection(*(way.programs for way in ways.values())) if ways else frozenset()
    packing = next((packing for packing in (Packing.ZSTD, Packing.GZIP) if packing in programs), Packing.NONE)
    reached = {link.taker for link in links}
    refused = {name: _refusal(name, ways, places[name]) for name in ways if name not in reached and len(ways) > 1}
    return Relay(packing=packing, links=tuple(links), refused=refused)


def _link(giver: str, taker: str, ways: Mapping[str, Ways], places: Sequence[tuple[str, int]], key: str) -> Link | None:
    way = ways[taker]
    if way.closed or not ways[giver].programs >= GIVES_WITH or not key:
        return None
    for address, port in places:
        if ways[giver].sees.get((taker, address, port)) == key:
            return Link(
                giver=giver, taker=taker, address=address, port=port, login=way.login, keys=way.keys, host_key=key
            )
    return None


def _refusal(taker: str, ways: Mapping[str, Ways], places: Sequence[tuple[str, int]]) -> str:
    others = {name: way for name, way in ways.items() if name != taker}
    if ways[taker].closed:
        return ways[taker].closed
    if not any(way.programs >= GIVES_WITH for way in others.values()):
        return (
            f"{', '.join(others)} has no OpenSSH client"
            if len(others) == 1
            else "no other master has an OpenSSH client"
        )
    seen = [way.sees[taker, *place] for way in others.values() for place in places if (taker, *place) in way.sees]
    if seen:
        return "the other masters see a different host key there than this laptop"
    where = ", ".join(dict.fromkeys(f"{address}:{port}" for address, port in places))
    return f"the other masters cannot reach its sshd at {where}"


def relay_note(relay: Relay, masters: Sequence[str], giver: str = LAPTOP) -> str:
    """Describe how the snapshot reaches all masters. ``giver`` is the master that already has it, if any."""
    chains = first_chains(masters, relay.pairs, giver)
    handed_on = [" -> ".join((chain.giver or "this laptop", *chain.hosts)) for chain in chains if chain.links]
    straight = [host for chain in chains if not chain.links for host in chain.hosts]
    packed = "uncompressed" if relay.packing is Packing.NONE else f"compressed with {relay.packing}"
    notes = []
    if handed_on:
        notes.append(f"forwarded while it arrives, {packed}, with keys made for this transfer: {'; '.join(handed_on)}")
    if straight:
        whys = [f"{host} ({relay.refused[host]})" if host in relay.refused else host for host in straight]
        notes.append(f"directly from this laptop, {packed}, to {', '.join(whys)}")
    return "; ".join(notes)


def copies_sent(relay: Relay | None, masters: Sequence[str], giver: str = LAPTOP) -> int:
    """Return how many copies of the file cross the laptop's link."""
    links = relay.pairs if relay else frozenset()
    return sum(chain.giver == LAPTOP for chain in first_chains(masters, links, giver))
