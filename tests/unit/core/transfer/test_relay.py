"""Which master can pass a file to which: from what each has and sees."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.core.transfer.relay import (
    GIVES_WITH,
    Packing,
    Ways,
    copies_sent,
    key_kind,
    parse_ways,
    relay_note,
    relay_of,
)

PLACES = {name: ((f"10.0.0.{number}", 22),) for number, name in enumerate(("a", "b", "c"), 1)}
KEYS = {name: f"ssh-ed25519 KEY-{name}" for name in PLACES}
PROGRAMS = GIVES_WITH | {"zstd", "gzip"}


def ways(**changes: dict[str, object]) -> dict[str, Ways]:
    """Return three masters that see each other; ``changes`` by name."""
    seen = {(name, *places[0]): KEYS[name] for name, places in PLACES.items()}
    plain = Ways(PROGRAMS, "ops", "/home/ops/.ssh/authorized_keys", "", seen)
    return {name: replace(plain, **changes.get(name, {})) for name in PLACES}  # type: ignore[arg-type]


def test_all_masters_are_linked_and_laptop_sends_once() -> None:
    relay = relay_of(ways(), PLACES, KEYS)
    assert len(relay.links) == 6 and relay.refused == {} and relay.packing is Packing.ZSTD
    link = relay.link("a", "b")
    assert (link.address, link.port, link.login, link.host_key) == ("10.0.0.2", 22, "ops", KEYS["b"])
    assert copies_sent(relay, list(PLACES)) == 1
    assert relay_note(relay, list(PLACES)).endswith("this laptop -> a -> b -> c")
    assert relay_note(relay, list(PLACES), "b").endswith("b -> a -> c")
    assert copies_sent(relay, list(PLACES), "b") == 0


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"b": {"closed": "its sshd has a ForceCommand"}}, "its sshd has a ForceCommand"),
        ({"a": {"sees": {}}, "c": {"sees": {}}}, "the other masters cannot reach its sshd at 10.0.0.2:22"),
        (
            {name: {"sees": {("b", "10.0.0.2", 22): "ssh-ed25519 OTHER"}} for name in "ac"},
            "the other masters see a different host key there than this laptop",
        ),
    ],
)
def test_reason_why_master_takes_nothing(changes: dict[str, dict[str, object]], why: str) -> None:
    relay = relay_of(ways(**changes), PLACES, KEYS)
    assert relay.refused["b"] == why
    assert all(link.taker != "b" for link in relay.links)


def test_master_that_only_gives_is_fed_first() -> None:
    relay = relay_of(ways(b={"closed": "no"}), PLACES, KEYS)
    assert copies_sent(relay, list(PLACES)) == 1
    assert relay_note(relay, list(PLACES)).endswith("this laptop -> b -> a -> c")


def test_without_ssh_client_no_links() -> None:
    without: dict[str, object] = {"programs": frozenset({"gzip"})}
    relay = relay_of(ways(**dict.fromkeys(PLACES, without)), PLACES, KEYS)
    assert relay.links == () and relay.packing is Packing.GZIP
    assert copies_sent(relay, list(PLACES)) == 3
    note = relay_note(relay, list(PLACES))
    assert note.startswith(
        "directly from this laptop, compressed with gzip, to a (no other master has an OpenSSH client)"
    )


def test_packing_is_available_on_all_masters() -> None:
    assert relay_of(ways(c={"programs": GIVES_WITH | {"gzip"}}), PLACES, KEYS).packing is Packing.GZIP
    assert relay_of(ways(c={"programs": GIVES_WITH}), PLACES, KEYS).packing is Packing.NONE


def test_answer_of_master_is_parsed() -> None:
    found = parse_ways(
        "has zstd\nhas ssh\nkeys ops /home/ops/.ssh/authorized_keys\nnoise\n"
        "sees b 10.0.0.2 2222 ssh-ed25519 AAAA\nsees c 10.0.0.3 22 ssh-rsa BBBB\n"
    )
    assert found.programs == {"zstd", "ssh"} and found.closed == ""
    assert (found.login, found.keys) == ("ops", "/home/ops/.ssh/authorized_keys")
    assert found.sees == {("b", "10.0.0.2", 2222): "ssh-ed25519 AAAA", ("c", "10.0.0.3", 22): "ssh-rsa BBBB"}
    assert parse_ways("closed its sshd takes no keys\n").closed == "its sshd takes no keys"
    assert parse_ways("").closed


@pytest.mark.parametrize(
    ("key", "kind"),
    [("ssh-ed25519 A", "ed25519"), ("ecdsa-sha2-nistp256 A", "ecdsa"), ("ssh-rsa A", "rsa")],
)
def test_key_kind_as_ssh_keyscan_names_it(key: str, kind: str) -> None:
    assert key_kind(key) == kind
