"""What hosts of every distribution print."""

from __future__ import annotations

import pytest

from orchestrator.distros.common import parse_names, parse_own_addresses, parse_trust, parse_units

TRIE = """Local:
  +-- 0.0.0.0/0 3 0 5
     +-- 10.20.0.0/24 2 0 2
        |-- 10.20.0.0
           /24 link UNICAST
        |-- 10.20.0.11
           /32 host LOCAL
        |-- 10.20.0.255
           /32 link BROADCAST
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 10.20.7.1
        /32 link UNICAST
"""


def test_own_addresses_are_the_local_ones() -> None:
    assert parse_own_addresses(TRIE) == {"10.20.0.11", "127.0.0.1"}
    assert parse_own_addresses("") == frozenset()


@pytest.mark.parametrize(
    ("shown", "state"),
    [
        ("Id=docker.service\nLoadState=loaded\nActiveState=active\n", "active"),
        ("Id=docker.service\nLoadState=loaded\nActiveState=inactive\n", "inactive"),
        ("Id=docker.service\nLoadState=loaded\nActiveState=failed\n", "failed"),
        ("Id=docker.service\nLoadState=not-found\nActiveState=inactive\n", "not-found"),
        ("Id=docker.service\nLoadState=masked\nActiveState=inactive\n", "masked"),
    ],
)
def test_states_of_a_unit(shown: str, state: str) -> None:
    other = "Id=other.service\nLoadState=loaded\nActiveState=active\nFragmentPath=/x=y\n"
    assert parse_units(f"{other}\n{shown}") == {"other.service": "active", "docker.service": state}


def test_no_units() -> None:
    assert parse_units("") == {}
    assert parse_units("Failed to connect to bus: No such file or directory\n") == {}


def test_a_name_may_have_several_addresses() -> None:
    assert parse_names("a 10.0.0.1\nb fd00::1\na 10.0.0.2\nc\n") == {"a": ("10.0.0.1", "10.0.0.2"), "b": ("fd00::1",)}


def test_what_a_master_trusts() -> None:
    names = "DNS:etcd0.kublr.local, IP Address:10.20.0.11"
    trust = parse_trust(
        {
            "certificates_shown": f"/pki/peer.crt\tsoon\tNov 28 10:00:00 2026 GMT\t    {names}\n",
            "shared_files": "aa  /pki/ca.crt\nbb  /pki/a key.pub\n",
            "encryption_keys": '  - aescbc:\n    - name: key2\n    - name: "key1"\n  - identity:\n',
        }
    )
    (shown,) = trust.certificates
    assert (shown.path, shown.state, shown.ends) == ("/pki/peer.crt", "soon", "Nov 28 10:00:00 2026 GMT")
    assert shown.names == {"etcd0.kublr.local", "10.20.0.11"}
    assert trust.files == {"/pki/ca.crt": "aa", "/pki/a key.pub": "bb"}
    assert trust.encryption_keys == ("aescbc key2", "aescbc key1", "identity")
    assert parse_trust({}).encryption_keys is None
    assert parse_trust({"encryption_keys": ""}).encryption_keys == ()
