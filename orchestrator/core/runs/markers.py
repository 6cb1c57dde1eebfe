"""Parsers for the answers of the shell functions in ``templates/host.sh``.

Each answer is a few lines of words. Other lines are skipped: a login shell may print a greeting.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.core.model.outcome import ActRecord, ActState, Ended, Outcome, Settled

TIMED_OUT = 124
"""The exit status of coreutils ``timeout`` after it has ended the command."""
_SIGNALLED = 128
"""The shell's exit status for a command that a signal ended is this plus the signal's number."""


def was_cut_off(exit_code: int) -> bool:
    """Whether a timeout or a signal ended the program."""
    return exit_code == TIMED_OUT or exit_code > _SIGNALLED


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a pushed file that a host has: its length in bytes and its sha256."""

    size_bytes: int
    sha256: str


def parse_settle(text: str) -> Settled:
    """Parse the answer of ``settle``. Raises ValueError if its last line is missing, or a record cannot be read."""
    records: list[ActRecord] = []
    for words in _lines(text):
        match words:
            case ["act", step, attempt, state, code]:
                records.append(_record(step, attempt, state, code))
            case ["act", *_]:
                raise ValueError(f"invalid record of a step: {' '.join(words)}")
            case ["settled"]:
                return Settled(tuple(records))
            case ["fenced", newer]:
                return Settled(fenced_by=newer)
            case ["busy", step]:
                return Settled(busy_with=step)
    raise ValueError("the host's answer to settle is incomplete")


def parse_acts(text: str) -> tuple[ActRecord, ...]:
    """Parse lines of `act STEP ATTEMPT STATE EXIT`, which ``settle`` and ``observe/run.sh`` print."""
    return tuple(_record(*words[1:]) for words in _lines(text) if words[0] == "act" and len(words) == 5)


def parse_join(text: str) -> Outcome | None:
    """Parse the answer of ``join``: how the act ended, or None if it waits or runs. Raises ValueError."""
    answer, _, log = f"\n{text}".partition("\nlog\n")
    for words in _lines(answer):
        match words:
            case ["ended", code]:
                return _ended(int(code), log)
            case ["died", "-"]:
                return Outcome(Ended.DIED, log=log, detail="it began but did not end, and no longer runs")
            case ["fenced", newer]:
                return Outcome(Ended.FENCED, detail=fenced(newer))
            case ["waiting" | "running", "-"]:
                return None
            case ["refused"]:
                return Outcome(Ended.FAILED, detail="the host could not start it")
    raise ValueError("the host's answer to join has no state of the step")


def parse_part(text: str) -> Part | Outcome:
    """Parse the answer of ``part`` or ``finish``: the part to continue from, or how the push ended. Raises
    ValueError."""
    for words in _lines(text):
        match words:
            case ["have", size_bytes, sha256]:
                return Part(int(size_bytes), sha256)
            case ["whole"]:
                return Outcome(Ended.DONE, 0)
            case ["wrong", sha256]:
                return Outcome(Ended.FAILED, detail=f"the file that arrived has sha256 {sha256}")
            case ["fenced", newer]:
                return Outcome(Ended.FENCED, detail=fenced(newer))
            case ["busy"]:
                return Outcome(Ended.FAILED, detail="another step held the host's lock for too long")
    raise ValueError("the host's answer has no state of the push")


def fenced(newer: str) -> str:
    """The reason to show if a newer attempt has fenced this one."""
    return f"attempt {newer} has taken over this host"


def is_later(attempt: str, mine: str) -> bool:
    """Whether ``attempt``, a host's newest (NUMBER-NONCE, or empty for none), fences ``mine``."""
    return attempt != mine and number(attempt) >= number(mine)


def number(attempt: str) -> int:
    return int(attempt.partition("-")[0] or 0)


def _lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def _record(step: str, attempt: str, state: str, code: str) -> ActRecord:
    return ActRecord(step, number(attempt), ActState(state), None if code == "-" else int(code))


def _ended(code: int, log: str) -> Outcome:
    if code == 0:
        return Outcome(Ended.DONE, 0, log)
    detail = "it timed out" if code == TIMED_OUT else f"exit status {code}"
    return Outcome(Ended.FAILED, code, log, detail)
