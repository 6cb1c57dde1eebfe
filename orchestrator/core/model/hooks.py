"""Hooks: the operator's own programs, as acts of a plan."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from orchestrator.etcd.frozen import Frozen


class Hook(Frozen):
    """A hook that runs as root on its step's host. The plan shows its arguments and its environment.

    Only its exit status says what it did. A later attempt runs it again if it reported a failure itself. If it was cut
    off, it runs again only if the operator has declared that to be safe; otherwise the operator looks, completes its
    work if necessary, and gives ``answer_flag``.
    """

    kind: Literal["hook"] = "hook"
    argv: tuple[str, ...]
    env: dict[str, str] = Field(default_factory=dict)
    timeout_s: float
    answer_flag: str
    lets_go: bool = True  # it may leave a daemon behind

    @property
    def command_line(self) -> tuple[str, ...]:
        return command_line(self.argv, self.env)


class LocalHook(Frozen):
    """A hook that runs once, on the attempt's laptop. Markers on every master say that it began and how it ended."""

    kind: Literal["local-hook"] = "local-hook"
    argv: tuple[str, ...]
    env: dict[str, str] = Field(default_factory=dict)
    timeout_s: float
    answer_flag: str

    @property
    def command_line(self) -> tuple[str, ...]:
        return command_line(self.argv, self.env)


def command_line(argv: tuple[str, ...], env: dict[str, str]) -> tuple[str, ...]:
    """The command line of a hook, with its environment set by `env`."""
    return ("env", *(f"{name}={value}" for name, value in env.items()), *argv)


BEGUN = ".begun"
"""The suffix of the marker that is written before a hook on the laptop begins; the marker without it says how the hook
ended."""
