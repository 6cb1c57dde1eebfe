"""Commands for hosts, hosts' answers, and how acts end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Command:
    """One program on one host. ``argv`` is quoted in one place only, the ssh adapter.

    With a ``script`` (a text for ``sh``), ``argv[0]`` is the script's name, the rest are its arguments, and
    ``values`` are set as variables before it runs. ``lets_go`` marks a command that starts services: it must not
    pass the host's lock on to them, or the lock would stay taken as long as they live.
    """

    argv: tuple[str, ...]
    script: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 60.0
    as_root: bool = True
    lets_go: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The command for a reader: the name, the values that are not empty, and the arguments."""
        values = (f"{name}={value}" for name, value in sorted(self.values.items()) if value)
        return (self.argv[0], *values, *self.argv[1:])


class Failure(StrEnum):
    """Why a host gave no answer."""

    UNREACHABLE = "unreachable"
    HOST_KEY = "host-key"
    LOGIN = "login"
    SUDO = "sudo"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Output:
    """The answer to a look. ``exit_code`` is None exactly when ``failure`` says why there is none."""

    exit_code: int | None
    stdout: bytes = b""
    stderr: bytes = b""
    failure: Failure | None = None
    detail: str = ""

    @property
    def text(self) -> str:
        """Standard output as text; bytes that are not UTF-8 are replaced."""
        return self.stdout.decode("utf-8", "replace")


class Ended(StrEnum):
    """How an act ended, as far as the laptop can know."""

    DONE = "done"
    FAILED = "failed"
    DIED = "died"  # started, has no end and no longer runs: a reboot or a kill
    FENCED = "fenced"  # a later attempt has taken the host
    LOST = "lost"  # the host stopped answering; the act may still be running there


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one act ended. A host's failure is a value, never an exception."""

    ended: Ended
    exit_code: int | None = None
    log: str = ""
    detail: str = ""


class ActState(StrEnum):
    """What a step's markers say about one attempt at it."""

    WAITING = "waiting"  # handed over, not yet begun
    RUNNING = "running"
    ENDED = "ended"
    DIED = "died"


@dataclass(frozen=True, slots=True)
class ActRecord:
    """One attempt at one step, read from the markers on its host."""

    step: str
    attempt: int
    state: ActState
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """A host's answer to settle: no act of an older attempt runs there, or the reason why it could not settle.

    ``fenced_by`` is the newer attempt that refused us; ``busy_with`` the step whose act still holds the lock.
    """

    records: tuple[ActRecord, ...] = ()
    fenced_by: str = ""
    busy_with: str = ""
    failure: Failure | None = None
    detail: str = ""

    @property
    def ok(self) -> bool:
        return not (self.fenced_by or self.busy_with or self.failure)


class Answer(StrEnum):
    YES = "yes"
    NO = "no"  # not yet
    WRONG = "wrong"  # and waiting will not help
    UNKNOWN = "unknown"  # a host did not answer


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judge's verdict on the answers. ``reasons`` is per host; ``details`` is for report and proof."""

    answer: Answer
    reasons: dict[str, str] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
