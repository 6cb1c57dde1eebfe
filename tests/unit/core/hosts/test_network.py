"""Addresses and names: who is reached where, what a hosts file lacks, which sockets listen."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.hosts.hostsfile import block_for, missing_names, peer_names, removable
from orchestrator.core.hosts.network import is_address, name_of, peer_address, port_of
from orchestrator.core.hosts.sockets import socket_pattern
from orchestrator.core.hosts.view import MasterView
from orchestrator.core.inventory.inventory import Host
from tests.unit.builders import altered, inventory, masters

# --- URLs and addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "name", "port"),
    [
        ("https://etcd0.kublr.local:2380", "etcd0.kublr.local", 2380),
        ("https://10.20.0.11:2380", "10.20.0.11", 2380),
        ("https://[fd00::11]:2380", "fd00::11", 2380),
        ("https://etcd0", "etcd0", 443),
        ("http://etcd0/", "etcd0", 80),
    ],
)
def test_what_a_url_names(url: str, name: str, port: int) -> None:
    assert (name_of(url), port_of(url)) == (name, port)


@pytest.mark.parametrize(
    ("text", "address"), [("10.20.0.11", True), ("fd00::11", True), ("10.20.0", False), ("etcd0", False), ("", False)]
)
def test_what_is_an_address(text: str, address: bool) -> None:
    assert is_address(text) is address


def host(address: str) -> Host:
    return inventory().masters[0].model_copy(update={"address": address})


@pytest.mark.parametrize(
    ("address", "own", "reached_at"),
    [
        ("10.20.0.11", {"127.0.0.1", "10.20.0.11", "10.9.9.9"}, "10.20.0.11"),
        ("203.0.113.7", {"127.0.0.1", "10.20.0.11"}, "10.20.0.11"),  # behind a gateway that translates
        ("master-1.example", {"127.0.0.1", "10.20.0.11"}, "10.20.0.11"),
        ("10.20.0.11", set(), "10.20.0.11"),  # unknown: the inventory's own word
        ("master-1.example", {"127.0.0.1"}, "master-1.example"),
    ],
)
def test_where_other_masters_reach_one(address: str, own: set[str], reached_at: str) -> None:
    view = altered(MasterView("master-1"), own_addresses=frozenset(own))
    assert peer_address(host(address), view) == reached_at


# --- The hosts file -------------------------------------------------------------------------------------

NAMES = {f"etcd{index}.kublr.local": f"10.20.0.{11 + index}" for index in range(3)}
BY_NAME = {host.name: host for host in inventory().masters}


def test_every_peers_name_and_where_it_must_lead() -> None:
    assert peer_names(BY_NAME, masters()) == NAMES


def test_a_peer_url_with_an_address_needs_no_name() -> None:
    views = masters()
    etcd = views["master-1"].member.config
    assert etcd is not None
    views["master-1"] = altered(views["master-1"], config=replace(etcd, peer_url="https://10.20.0.11:2380"))
    assert set(peer_names(BY_NAME, views)) == {"etcd1.kublr.local", "etcd2.kublr.local"}


def test_names_that_a_master_lacks() -> None:
    views = masters()
    assert missing_names(views["master-1"], NAMES) == {}
    assert missing_names(masters(resolving=False)["master-1"], NAMES) == NAMES
    elsewhere = views["master-1"].machine.resolves | {"etcd2.kublr.local": ("10.99.0.1",)}
    assert missing_names(altered(views["master-1"], resolves=elsewhere), NAMES) == {"etcd2.kublr.local": "10.20.0.13"}


def test_the_lines_between_our_markers() -> None:
    assert block_for({"b": "10.0.0.2", "a": "10.0.0.1"}) == "10.0.0.1\ta\n10.0.0.2\tb"


def test_when_the_lines_may_be_removed_again() -> None:
    down, quorum = masters()["master-1"], masters(quorum=True)["master-1"]
    assert not removable(down, NAMES)
    assert removable(quorum, NAMES)  # peers were reached without them
    assert down.member.config is not None
    knows = altered(down, config=replace(down.member.config, aliases=frozenset(NAMES)))
    assert removable(knows, NAMES)  # the pod knows the names by itself
    assert not removable(knows, NAMES | {"etcd9.kublr.local": "10.20.0.19"})
    assert not removable(altered(down, config=None), {})


# --- Listening sockets ----------------------------------------------------------------------------------


def listens(family: socket.AddressFamily, address: str, pattern_for: tuple[str, int | None]) -> bool:
    """Whether the pattern for ``pattern_for`` (address, port; None: the right one) finds a socket that really
    listens on ``address``."""
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address != "::"))
        listening.bind((address, 0))
        listening.listen()
        wanted, port = pattern_for
        pattern = socket_pattern(frozenset((wanted,)), (listening.getsockname()[1] if port is None else port,))
        table = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    return re.search(rf"^ *[0-9]+: ({pattern}) [0-9A-F]+:[0-9A-F]+ 0A ", table, re.MULTILINE) is not None


def has_ipv6() -> bool:
    return Path("/proc/net/if_inet6").exists() and "lo" in Path("/proc/net/if_inet6").read_text()


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.42", "127.0.0.42"),
        ("0.0.0.0", "10.20.0.11"),  # all addresses are this one, too
    ],
)
def test_a_real_listening_socket_is_found(address: str, asked: str) -> None:
    assert listens(socket.AF_INET, address, (asked, None))
    assert not listens(socket.AF_INET, address, (asked, 1))


def test_a_socket_of_another_address_is_none_of_ours() -> None:
    assert not listens(socket.AF_INET, "127.0.0.42", ("127.0.0.1", None))


@pytest.mark.skipif(not has_ipv6(), reason="this kernel has no IPv6")
@pytest.mark.parametrize(
    ("address", "asked"), [("::1", "::1"), ("::", "fd00::11"), ("::", "10.20.0.11"), ("::ffff:127.0.0.1", "127.0.0.1")]
)
def test_a_real_ipv6_socket_is_found(address: str, asked: str) -> None:
    if address.startswith("::ffff:"):
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as listening:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            listening.bind((address, 0))
            listening.listen()
            pattern = socket_pattern(frozenset((asked,)), (listening.getsockname()[1],))
            assert re.search(f": ({pattern}) ", Path("/proc/net/tcp6").read_text())
    else:
        assert listens(socket.AF_INET6, address, (asked, None))


def test_the_kernels_own_writing() -> None:
    # Documentation/networking/proc_net_tcp.rst: 127.0.0.1 is 0100007F; ports are not swapped.
    assert "0100007F:0016" in socket_pattern(frozenset(("127.0.0.1",)), (22,)).split("|")
    assert "00000000000000000000000001000000:0016" in socket_pattern(frozenset(("::1",)), (22,)).split("|")
    assert "0000000000000000FFFF00000100007F:0016" in socket_pattern(frozenset(("127.0.0.1",)), (22,)).split("|")


def test_ports_are_named_once() -> None:
    pattern = socket_pattern(frozenset(("127.0.0.1",)), (2379, 2380, 2379)).split("|")
    assert len(pattern) == len(set(pattern)) == 8  # one address in two writings, all addresses in two; two ports
