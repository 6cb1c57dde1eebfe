"""docs/reference/commands.md, from the Typer app itself: every command, argument and option."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from typer.core import TyperOption
from typer.main import get_command

from orchestrator.cli import main as cli

PROGRAM = get_command(cli.app)

HEAD = """\
# Commands

`make docs-reference` writes this page from the program. Do not edit it by hand.

Results go to standard output. Progress and errors go to standard error. A failure ends with a line
`error:` and, if a command continues from there, a line `next:`. [Exit codes](exit-codes.md) lists
what each exit status means.

The first Ctrl-C lets running steps finish and starts no new ones. The second Ctrl-C leaves at once;
steps that already run on hosts finish there.

If sudo needs a password, the program asks once, or reads the file that
`ORCHESTRATOR_SUDO_PASSWORD_FILE` names.
"""


def all_commands() -> dict[str, Any]:
    """Every command, by the words that call it: `plan`, `snapshot verify`."""
    found: dict[str, Any] = {}
    for name, command in PROGRAM.commands.items():  # type: ignore[attr-defined]
        below = getattr(command, "commands", None)
        if not below or command.invoke_without_command:
            found[name] = command
        found |= {f"{name} {inner}": it for inner, it in (below or {}).items()}
    return found


def options_of(command: Any) -> list[TyperOption]:
    return [param for param in command.params if isinstance(param, TyperOption)]


def flags(command: Any) -> list[str]:
    """Every option of a command, long and short."""
    return [flag for option in options_of(command) for flag in (*option.opts, *option.secondary_opts)]


def arguments_of(command: Any) -> list[Any]:
    return [param for param in command.params if not isinstance(param, TyperOption)]


def page() -> str:
    """The whole page."""
    index = "".join(f"- [`{name}`](#{name.replace(' ', '-')})\n" for name in sorted(all_commands()))
    sections = "".join(_section(name, command) for name, command in sorted(all_commands().items()))
    return f"{HEAD}\n{index}\n{sections}{_program_section()}"


def _section(name: str, command: Any) -> str:
    words = [f"`{argument_name(argument)}`" for argument in arguments_of(command)]
    text, _, example = (command.help or "").partition("Example: ")
    lines = [f"## {name}", "", textwrap.fill(_one_line(text), 100), ""]
    lines += [f"    {_one_line(example)}", ""] if example else []
    rows = [(word, argument.help or "", argument) for word, argument in zip(words, arguments_of(command), strict=True)]
    rows += [(_flags(option), option.help or "", option) for option in options_of(command)]
    lines += ["| option | meaning |", "| --- | --- |"]
    lines += [f"| {flags} | {_cell(f'{text}{_notes(param)}')} |" for flags, text, param in rows]
    return "\n".join((*lines, "", ""))


def _program_section() -> str:
    rows = [f"| {_flags(option)} | {_cell(option.help or '')} |" for option in options_of(PROGRAM)]
    return "\n".join(("## For your shell", "", "| option | meaning |", "| --- | --- |", *rows, ""))


def argument_name(argument: Any) -> str:
    name = str(argument.metavar or argument.name).upper()
    return name if argument.required else f"[{name}]"


def _flags(option: TyperOption) -> str:
    names = ", ".join(f"`{flag}`" for flag in (*option.opts, *option.secondary_opts))
    return f"{names} `{option.metavar}`" if option.metavar else names


def _notes(param: Any) -> str:
    """What else one must know: required, the default, the least value."""
    notes = ["required"] if param.required and isinstance(param, TyperOption) else []
    switch = getattr(param, "is_flag", False) or getattr(param, "count", False)
    if param.default not in (None, "", (), []) and not switch and not callable(param.default):
        notes += [f"default: `{param.default}`"]
    notes += ["may be repeated"] if isinstance(param, TyperOption) and param.multiple else []
    return f" ({'; '.join(notes)})" if notes else ""


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _cell(text: str) -> str:
    return _one_line(text).replace("|", "\\|")
