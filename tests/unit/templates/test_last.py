"""The leader stops last: three members of a real etcd stop together."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from orchestrator.core.hosts.network import port_of
from tests import snapshots
from tests.snapshots import Member
from tests.unit.templates.host import Ended, FakeHost, client_values

pytestmark = pytest.mark.slow


MOST_SLEEPS = 75
"""The limit in the script: after that it stops waiting."""
Running = dict[Member, contextlib.ExitStack]
"""Each running member, with the stack that stops it."""


@pytest.fixture
def members(host: FakeHost) -> Iterator[Running]:
    # Not on 127.0.0.1: the format of their connections in the list depends on the address.
    three = tuple(replace(member, peer_address="127.0.0.7") for member in snapshots.members("a", "b", "c"))
    with contextlib.ExitStack() as all_of_them:
        running = {}
        for member in three:
            running[member] = all_of_them.enter_context(contextlib.ExitStack())
            everywhere = f"--listen-peer-urls=http://0.0.0.0:{member.peer_port}"
            etcd = snapshots.running(member, host.root / member.name, everywhere, cluster=three)
            running[member].enter_context(etcd)
        snapshots.put(three[0], "/registry/pods/1", b"x")
        yield running


def leads(member: Member) -> bool:
    status = snapshots.call(member, "maintenance/status", {})
    return bool(status["leader"] == status["header"]["member_id"])


def last(host: FakeHost, member: Member) -> Ended:
    return host.act("down/last.sh", port=port_of(member.peer_url), **client_values(member.client_url))


def count_sleeps(host: FakeHost) -> None:
    """Record sleeps in ``host.calls``, because a busy machine makes times unreliable. Busybox uses its own sleep."""
    host.program("sleep", 'exec /bin/sleep "$@"')


def test_a_follower_does_not_wait(host: FakeHost, members: Running) -> None:
    count_sleeps(host)
    assert [last(host, member).returncode for member in members if not leads(member)] == [0, 0]
    assert host.calls == []


def test_a_leader_waits_until_the_others_are_gone(host: FakeHost, members: Running) -> None:
    (leader,) = (member for member in members if leads(member))
    count_sleeps(host)
    ended: list[Ended] = []
    waiting = threading.Thread(target=lambda: ended.append(last(host, leader)))
    waiting.start()
    followers = [member for member in members if member is not leader]
    members[followers[0]].close()
    waiting.join(1)
    assert waiting.is_alive(), "one is connected still"
    members[followers[1]].close()
    waiting.join()
    assert ended[0].returncode == 0
    assert len(host.calls) < MOST_SLEEPS, "it did not wait in vain"


def test_no_member_at_all(host: FakeHost) -> None:
    (nobody,) = snapshots.members("a")
    assert last(host, nobody).returncode == 0
