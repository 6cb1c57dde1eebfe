"""Every way in which a command can fail, with its exit code. Imports nothing.

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


class OrchestratorError(Exception):
    """A failure, shown to the operator in two lines: `error: ...` and `next: ...`.

    ``message`` says what failed, where and why; ``next_step`` is the command or act that continues from here.
    """

    exit_code = 1

    def __init__(self, message: str, next_step: str = "") -> None:
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

    def __init__(self, message: str, next_step: str = "", *, signal_number: int = 2) -> None:
        super().__init__(message, next_step)
        self.exit_code = 128 + signal_number
