"""The commands of the program, as Typer has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from orchestrator.cli.main import app


def commands(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[list[str], Any]]:
    """The words that name each command that does something, with the command."""
    command = command or get_command(app)
    below = getattr(command, "commands", {})
    if path and (not below or command.invoke_without_command):
        yield list(path), command
    for name, child in below.items():
        yield from commands(child, (*path, name))


def takes(command: Any, option: str) -> bool:
    return any(option in parameter.opts for parameter in command.params)
