"""The operator's own programs, as acts of a plan."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from orchestrator.etcd.frozen import Frozen


class Hook(Frozen):
    """One of them, on its step's host, as root. The plan shows its arguments and its environment.

    Only its own exit status tells how far it came. So it runs again, in a later attempt, where it has said itself that
    it failed; where it was cut off, only if the operator has declared that to be safe. Else he looks, and says
    ``answer_flag`` once what it was to do is done.
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
    """The same, once, on the laptop that is at work. That it has begun, and how it ended, every master knows."""

    kind: Literal["local-hook"] = "local-hook"
    argv: tuple[str, ...]
    env: dict[str, str] = Field(default_factory=dict)
    timeout_s: float
    answer_flag: str

    @property
    def command_line(self) -> tuple[str, ...]:
        return command_line(self.argv, self.env)


def command_line(argv: tuple[str, ...], env: dict[str, str]) -> tuple[str, ...]:
    """With its environment before it."""
    return ("env", *(f"{name}={value}" for name, value in env.items()), *argv)


BEGUN = ".begun"
"""Ends the name of the marker that a hook on a laptop is about to begin; the marker of its own name tells its end."""
