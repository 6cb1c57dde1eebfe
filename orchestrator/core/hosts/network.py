"""Addresses of masters: from URLs, and as other masters reach them."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host

SSH_PORT = 22


def name_of(url: str) -> str:
    """The host name or address that a URL names."""
    return urlsplit(url).hostname or ""


def port_of(url: str) -> int:
    """The port that a URL names."""
    return urlsplit(url).port or (443 if url.startswith("https:") else 80)


def is_address(text: str) -> bool:
    """Whether the text is an IP address rather than a name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def peer_address(host: Host, view: MasterView) -> str:
    """The address at which other masters reach this one: the inventory's if the host has it, or else its first own.

    Behind a translating gateway the address that the laptop uses is not one of the host's own.
    """
    if is_address(host.address):
        # The kernel lists 127.0.0.0/8 once, for all the addresses in it.
        loopback = ipaddress.ip_address(host.address).is_loopback
        if loopback or host.address in view.machine.own_addresses or not view.machine.own_addresses:
            return host.address
    own = sorted(address for address in view.machine.own_addresses if not ipaddress.ip_address(address).is_loopback)
    return own[0] if own else host.address


def ssh_places(host: Host, view: MasterView, port: int) -> tuple[tuple[str, int], ...]:
    """Addresses and ports at which other masters may reach this one's sshd, the likeliest first.

    The laptop's address for it may be a gateway's. Loopback addresses are left out: each host reaches itself there.
    """
    own = peer_address(host, view)
    places = dict.fromkeys(((host.address, port), (own, port), (own, SSH_PORT)))
    return tuple(place for place in places if not (is_address(place[0]) and ipaddress.ip_address(place[0]).is_loopback))
