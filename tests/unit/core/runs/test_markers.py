"""The answers of the hosts' shell functions, read."""

from __future__ import annotations

import pytest

from orchestrator.core.model.outcome import ActRecord, ActState, Ended, Outcome, Settled
from orchestrator.core.runs.markers import Part, parse_join, parse_part, parse_settle


def test_settle_reports_every_act() -> None:
    answer = (
        "act stop.unit.kublr 1-a1b2 ended 0\n"
        "act keep.copy 1-a1b2 ended 137\n"
        "act keep.copy 2-c3d4 died -\n"
        "act commit.schedule 2-c3d4 waiting -\n"
        "act commit.verify 12-e5f6 running -\n"
        "settled\n"
    )
    assert parse_settle(answer) == Settled(
        (
            ActRecord("stop.unit.kublr", 1, ActState.ENDED, 0),
            ActRecord("keep.copy", 1, ActState.ENDED, 137),
            ActRecord("keep.copy", 2, ActState.DIED),
            ActRecord("commit.schedule", 2, ActState.WAITING),
            ActRecord("commit.verify", 12, ActState.RUNNING),
        )
    )
    assert parse_settle(answer).ok


def test_settle_on_a_fresh_host() -> None:
    assert parse_settle("settled\n") == Settled()


def test_settle_refused() -> None:
    assert parse_settle("fenced 3-e5f6\n") == Settled(fenced_by="3-e5f6")
    assert parse_settle("busy keep.copy/2-c3d4\n") == Settled(busy_with="keep.copy/2-c3d4")
    assert not parse_settle("fenced 3-e5f6\n").ok
    assert not parse_settle("busy unknown\n").ok


def test_a_login_shell_may_greet() -> None:
    assert parse_settle("Welcome to master-1!\n\nsettled\n") == Settled()
    assert parse_join("Welcome to master-1!\nended 0\nlog\nhello\n") == Outcome(Ended.DONE, 0, "hello\n")


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "act stop.unit.kublr 1-a1b2 ended 0\n",  # cut before its end
        "act stop.unit.kublr 1-a1b2 ended\nsettled\n",  # an exit status that was not read must not be overlooked
        "act stop.unit.kublr 1-a1b2 vanished -\nsettled\n",
        "act stop.unit.kublr first ended 0\nsettled\n",
        "act stop.unit.kublr 1-a1b2 ended many\nsettled\n",
    ],
)
def test_an_unreadable_settle_is_no_settle(answer: str) -> None:
    with pytest.raises(ValueError):
        parse_settle(answer)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("ended 0\nlog\n", Outcome(Ended.DONE, 0)),
        ("ended 0\nlog\nall\nfine\n", Outcome(Ended.DONE, 0, "all\nfine\n")),
        ("ended 3\nlog\nno\n", Outcome(Ended.FAILED, 3, "no\n", "exit status 3")),
        ("ended 124\nlog\n", Outcome(Ended.FAILED, 124, "", "it timed out")),
        ("died -\nlog\nhalf\n", Outcome(Ended.DIED, None, "half\n", "it began but did not end, and no longer runs")),
        ("fenced 3-e5f6\nlog\n", Outcome(Ended.FENCED, detail="attempt 3-e5f6 has taken over this host")),
        (
            "fenced 3-e5f6\nfenced 3-e5f6\nlog\n",
            Outcome(Ended.FENCED, detail="attempt 3-e5f6 has taken over this host"),
        ),
        ("refused\n", Outcome(Ended.FAILED, detail="the host could not start it")),
        ("waiting -\nlog\n", None),
        ("running -\nlog\nso far\n", None),
    ],
)
def test_join_tells_how_an_act_stands(answer: str, outcome: Outcome | None) -> None:
    assert parse_join(answer) == outcome


def test_what_an_act_prints_is_never_read_as_an_answer() -> None:
    outcome = parse_join("ended 1\nlog\nlog\nended 0\nfenced 9-x\n")
    assert outcome == Outcome(Ended.FAILED, 1, "log\nended 0\nfenced 9-x\n", "exit status 1")
    with pytest.raises(ValueError, match="join"):
        parse_join("log\nended 0\n")


@pytest.mark.parametrize("answer", ["", "ended\nlog\n", "ended soon\nlog\n", "sh: out of memory\n"])
def test_an_unreadable_join_tells_nothing(answer: str) -> None:
    with pytest.raises(ValueError):
        parse_join(answer)


@pytest.mark.parametrize(
    ("answer", "stands"),
    [
        ("have 1048576 abcd\n", Part(1048576, "abcd")),
        ("whole\n", Outcome(Ended.DONE, 0)),
        ("wrong abcd\n", Outcome(Ended.FAILED, detail="the file that arrived has sha256 abcd")),
        ("fenced 3-e5f6\n", Outcome(Ended.FENCED, detail="attempt 3-e5f6 has taken over this host")),
        ("busy\n", Outcome(Ended.FAILED, detail="another step held the host's lock for too long")),
    ],
)
def test_part_and_finish_tell_how_a_push_stands(answer: str, stands: Part | Outcome) -> None:
    assert parse_part(answer) == stands
    with pytest.raises(ValueError, match="push"):
        parse_part("")
