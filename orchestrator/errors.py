"""Every way in which a command can fail, with its exit code. Imports nothing of ours.

OrchestratorError                      1   failed, nothing changed on any host
├── RefusedError                       3   a check refuses
├── UnreachableError                   4   a host does not answer, or its host key changed
├── NotConfirmedError                  5   not confirmed; plan stale or already used
├── HaltedError                       10   partly applied; `resume` continues
├── LockedError                       11   another run holds the cluster, or this one was fenced
├── LoginError                        12   login or sudo refused
├── UnprovenError                     20   applied, but not proven
├── UsageError                        64   flags, inventory, missing file
└── InterruptedRunError    129, 130, 143   a signal ended the command
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class NextStep:
    """A command that runs as printed.

    What only the command line knows is filled in there: the path of the inventory, and the words that were typed.
    """

    words: tuple[str, ...]
    kind: Literal["program", "ours", "again"]

    def line(self, inventory: str, typed: Sequence[str] = ()) -> str:
        """The command as a line for a shell; empty for a command about an inventory if there is none."""
        if self.kind == "again":
            return shlex.join(("orchestrator", *typed, *self.words))
        program, *words = self.words  # the program may be a shell's variable: it is not quoted
        if self.kind == "program":
            return f"{program} {shlex.join(words)}"
        return shlex.join(("orchestrator", *program.split(), "-i", inventory, *words)) if inventory else ""


def program(name: str, *words: str) -> NextStep:
    """Any program with its arguments."""
    return NextStep((name, *words), "program")


def ours(command: str, *words: str) -> NextStep:
    """A command of this program about the same inventory, for example `backup status`."""
    return NextStep((command, *words), "ours")


def again(*options: str) -> NextStep:
    """The command that was typed, with these options added."""
    return NextStep(options, "again")


class OrchestratorError(Exception):
    """A failure, shown to the operator as `error: ...` and, if a command continues from here, `next: ...`.

    ``message`` says what failed, where and why, and what to do about it if no command does that.
    """

    exit_code = 1

    def __init__(self, message: str, next_step: NextStep | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class RefusedError(OrchestratorError):
    """A check refuses; nothing was changed."""

    exit_code = 3


class UnreachableError(OrchestratorError):
    """A host does not answer, or its host key differs from the known one."""

    exit_code = 4


class NotConfirmedError(OrchestratorError):
    """The operator did not confirm, or the saved plan no longer fits the cluster."""

    exit_code = 5


class HaltedError(OrchestratorError):
    """The run stopped at a barrier that did not open; it can be resumed."""

    exit_code = 10


class LockedError(OrchestratorError):
    """Another run holds the cluster, or a later attempt fenced this one."""

    exit_code = 11


class LoginError(OrchestratorError):
    """A host refused the login, or sudo refused to become root."""

    exit_code = 12


class UnprovenError(OrchestratorError):
    """The restore was applied, but a member could not be proven to be restored."""

    exit_code = 20


class UsageError(OrchestratorError):
    """Wrong flags, an inventory with faults, or a missing file."""

    exit_code = 64


class InterruptedRunError(OrchestratorError):
    """A signal ended the command: exit code 128 + the signal's number."""

    def __init__(self, message: str, next_step: NextStep | None = None, *, signal_number: int = 2) -> None:
        super().__init__(message, next_step)
        self.exit_code = 128 + signal_number
