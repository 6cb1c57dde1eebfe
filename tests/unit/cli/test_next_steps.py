"""Every next step in the package is a command that runs as printed: each is collected from the source, and typed."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.undo import COMMANDS
from orchestrator.errors import NextStep, again, ours, program
from tests.unit.cli.typed import commands

PACKAGE = Path(__file__).parents[3] / "orchestrator"
MAKERS: dict[str, Callable[..., NextStep]] = {"again": again, "ours": ours, "program": program}
KNOWN = {" ".join(path): command for path, command in commands()}
PROGRAMS = {"orchestrator", "${EDITOR:-vi}", "chmod", "kubectl", "ls", "pipx", "sftp"}
VARIABLE = {
    "following": ("abort", "resume", "rollback"),
    "command": ("abort", "finish", "resume", "rollback"),
    "kind": tuple(COMMANDS),
    "undoing.kind": tuple(COMMANDS),
}
"""What a command's name can be, where it is no literal."""
SPREAD = {
    "options": ("--snapshot", "backup.db"),
    "flags": ("--volumes-done",),
    "extra": ("--override", "clock", "--without", "m3", "--strategy", "manual", "--etcdutl", "etcdutl"),
    "command.split()": ("orchestrator", "plan"),
    "shown": ("describe", "node", "worker-1"),
}
"""What an unpacked list can hold."""


@dataclass(frozen=True)
class Found:
    """A call that makes a next step, with sample values for what is not literal."""

    where: str
    maker: str
    words: tuple[str, ...]


def collected() -> Iterator[Found]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in MAKERS:
                for first in _firsts(node):
                    rest = [word for argument in node.args[1:] for word in _sample(argument)]
                    yield Found(f"{path.relative_to(PACKAGE)}:{node.lineno}", ast.unparse(node.func), (*first, *rest))


def _firsts(call: ast.Call) -> Iterator[tuple[str, ...]]:
    """The first word: each that it can be."""
    if not call.args:
        yield ()
    elif (name := ast.unparse(call.args[0])) in VARIABLE:
        yield from ((choice,) for choice in VARIABLE[name])
    else:
        yield _sample(call.args[0])


def _sample(argument: ast.expr) -> tuple[str, ...]:
    if isinstance(argument, ast.Starred):
        return SPREAD[ast.unparse(argument.value)]
    if isinstance(argument, ast.Constant):
        return (str(argument.value),)
    if isinstance(argument, ast.JoinedStr):
        return ("".join(str(it.value) if isinstance(it, ast.Constant) else "7" for it in argument.values),)
    return ("sample",)


FOUND = tuple(collected())


def typed(line: str) -> None:
    """Raises what Typer raises for a command that it does not know, or not so."""
    program_name, *words = shlex.split(line)
    assert program_name == "orchestrator"
    count = max((n for n in range(1, len(words) + 1) if " ".join(words[:n]) in KNOWN), default=0)
    assert count, f"there is no command `{line}`"
    if words[count:] != ["--help"]:
        command: Any = KNOWN[" ".join(words[:count])]
        command.make_context("orchestrator", list(words[count:]), resilient_parsing=False)


def step(found: Found) -> NextStep:
    return MAKERS[found.maker](*found.words)


@pytest.mark.parametrize("found", FOUND, ids=lambda it: f"{it.where} {' '.join(it.words)}")
def test_a_next_step_runs_as_printed(found: Found) -> None:
    if found.maker == "again":
        for command in ("restore -i prod.yml --snapshot backup.db", "apply restore.plan")[: 2 if found.words else 1]:
            typed(step(found).line("prod.yml", command.split()))
        return
    line = step(found).line("prod.yml")
    if found.maker == "ours" or found.words[0] == "orchestrator":
        typed(line)
    else:
        assert found.words[0] in PROGRAMS


def test_they_are_found() -> None:
    assert len(FOUND) >= 50
    assert {it.maker for it in FOUND} == set(MAKERS)


def test_there_is_no_other_way_to_make_one() -> None:
    sources = [path for path in PACKAGE.rglob("*.py") if path.name != "errors.py"]
    assert [path for path in sources if "NextStep(" in path.read_text(encoding="utf-8")] == []


def test_a_command_in_a_sentence_exists() -> None:
    named = [
        words
        for path in PACKAGE.rglob("*.py")
        for words in re.findall(r"`orchestrator ([a-z][a-z -]*)", path.read_text(encoding="utf-8"))
    ]
    assert len(named) >= 3
    assert [words for words in named if not any(f"{words.strip()} ".startswith(f"{known} ") for known in KNOWN)] == []


@pytest.mark.parametrize("line", ["orchestrator plan -i prod.yml", "orchestrator resume -i prod.yml (looks once more)"])
def test_prose_is_not_typed(line: str) -> None:
    with pytest.raises(Exception, match=r"Missing|extra|unexpected|syntax|No such"):
        typed(line)


def test_values_are_quoted() -> None:
    assert ours("resume", "r1").line("my cluster.yml") == "orchestrator resume -i 'my cluster.yml' r1"
    assert program("${EDITOR:-vi}", "+3", "a b.yml").line("") == "${EDITOR:-vi} +3 'a b.yml'"
    assert again("--confirm", "prod-1").line("", ["apply", "a b"]) == "orchestrator apply 'a b' --confirm prod-1"


def test_a_command_about_an_unknown_inventory_is_left_out() -> None:
    assert ours("resume", "r1").line("") == ""


def test_no_text_has_a_placeholder_for_the_inventory() -> None:
    texts = [
        node.value
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert [text for text in texts if re.search(r"INVENTORY|-i FILE", text)] == []
