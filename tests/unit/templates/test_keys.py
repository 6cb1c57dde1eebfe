"""The live keys: the hosts' script reads a real etcd that has newer writes than its snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.adapters.snapshot_file import open_snapshot
from orchestrator.core.cost.comparison import Comparison
from orchestrator.core.cost.live_keys import FIRST_KEY, Page, member_to_ask, page_look, read_page
from orchestrator.core.hosts.view import EtcdConfig, MasterView
from orchestrator.core.model.cost import Change
from orchestrator.etcd.keyindex import KeyIndex
from orchestrator.etcd.members import AnswerError
from tests import snapshots
from tests.snapshots import Member
from tests.unit.builders import altered, masters
from tests.unit.templates.host import WITHOUT_APPLETS, FakeHost


@pytest.fixture
def member(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Member]:
    (one,) = snapshots.members("one")
    with snapshots.running(one, tmp_path_factory.mktemp("etcd") / "data"):
        yield one


def view_of(member: Member) -> MasterView:
    view = masters(1, quorum=True)["master-1"]
    assert isinstance(view.member.config, EtcdConfig)
    return altered(view, config=replace(view.member.config, client_url=member.client_url, address="127.0.0.1"))


def ask(host: FakeHost, view: MasterView, first: bytes = FIRST_KEY, revision: int = 0) -> Page:
    look = page_look(view, first, revision, most=7)
    return read_page(host.look_bytes(look.file, **look.values))


def read_all(host: FakeHost, view: MasterView) -> list[tuple[bytes, int]]:
    page = ask(host, view)
    revision, keys = page.revision, [*page.keys]
    while page.further is not None:
        page = ask(host, view, page.further, revision)
        keys += page.keys
    return keys


def test_every_key_in_pages(host: FakeHost, member: Member, tmp_path: Path) -> None:
    """The snapshot's own reader and the live pages agree; after changes, exactly these changes show."""
    for number in range(30):
        snapshots.put(member, f"/registry/configmaps/shop/{number:02}", b"before")
    path = snapshots.save(member, tmp_path / "snapshot.db")
    view = view_of(member)
    then = dict(read_all(host, view))

    index = KeyIndex()
    open_snapshot(path, index)
    assert len(index) == len(then)
    assert {key: index.take(key) for key in then} == then

    snapshots.put(member, "/registry/configmaps/shop/05", b"after")
    snapshots.put(member, "/registry/minions/worker-9", b"new")
    snapshots.put(member, "/registry/pods/a \"quoted\" 'name'", b"new")
    snapshots.delete(member, "/registry/configmaps/shop/29")
    index = KeyIndex()
    open_snapshot(path, index)
    comparison = Comparison(index, "/registry/", max(then.values()), every_name=True)
    for key, revision in read_all(host, view):
        comparison.add(key, revision)
    one_history, rows = comparison.result(max(then.values()) + 4)
    assert one_history
    assert {(row.resource, change.value, row.of(change).names) for row in rows for change in Change} >= {
        ("configmaps", "changed", ("shop/05",)),
        ("configmaps", "deleted", ("shop/29",)),
        ("nodes", "created", ("worker-9",)),
        ("pods", "created", ("a \"quoted\" 'name'",)),
    }
    assert sum(row.of(change).total for row in rows for change in Change) == 4


@WITHOUT_APPLETS
def test_values_do_not_leave_the_host(host: FakeHost, member: Member) -> None:
    snapshots.put(member, "/registry/secrets/shop/password", b"correct horse")
    look = page_look(view_of(member), FIRST_KEY, 0)
    host.program("gzip", "exec cat")
    answer = host.look_bytes(look.file, **look.values)
    assert snapshots.base64_of(b"/registry/secrets/shop/password").encode() in answer
    assert snapshots.base64_of(b"correct horse").encode() not in answer
    assert b'"value"' not in answer
    assert read_page(answer).keys


def test_a_revision_that_is_compacted_is_refused_in_words(host: FakeHost, member: Member) -> None:
    snapshots.put(member, "/registry/configmaps/shop/x", b"")
    revision = ask(host, view_of(member)).revision
    snapshots.put(member, "/registry/configmaps/shop/x", b"")
    snapshots.compact(member, revision + 1)
    with pytest.raises(AnswerError, match="compacted"):
        ask(host, view_of(member), revision=revision)


def test_a_member_that_is_down(host: FakeHost) -> None:
    (nobody,) = snapshots.members("nobody")
    with pytest.raises(AnswerError, match="no answer"):
        ask(host, view_of(nobody))


def test_a_damaged_answer_is_refused() -> None:
    with pytest.raises(AnswerError, match="damaged"):
        read_page(b"\x1f\x8bxxxxxxxxxxxx")
    with pytest.raises(AnswerError, match="no answer"):
        read_page(b"")


def test_the_member_that_knows_most_is_asked() -> None:
    views = masters(quorum=True)
    live = views["master-2"].member.live
    assert live
    views["master-2"] = altered(views["master-2"], live=replace(live, revision=60_000))
    silent = replace(live, revision=70_000, answers_clients=False)
    views["master-3"] = altered(views["master-3"], live=silent)
    asked = member_to_ask(views)
    assert asked
    assert asked.host == "master-2"
    assert member_to_ask(masters()) is None
