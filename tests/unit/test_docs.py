"""The README says what the program does: every command, option, check and exit code, and none that is not there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperOption
from typer.main import get_command

from orchestrator import errors
from orchestrator.cli import main as cli
from orchestrator.core.model.plan import PhaseName
from orchestrator.errors import InterruptedRunError, OrchestratorError

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAM = get_command(cli.app)


def rows(header: str) -> list[list[str]]:
    """The cells of the README's table whose first header cell is ``header``."""
    _, found, rest = README.partition(f"\n| {header} |")
    assert found, f"README.md has no table {header}"
    lines = rest.splitlines()[2:]
    end = next((number for number, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:end]]


# --- Commands and options -------------------------------------------------------------------------------


def all_commands() -> dict[str, Any]:
    """Every command by the words that call it: `plan`, `snapshot verify`."""
    found: dict[str, Any] = {}
    for name, command in PROGRAM.commands.items():  # type: ignore[attr-defined]
        below = getattr(command, "commands", None)
        found |= {f"{name} {inner}": it for inner, it in below.items()} if below else {}
        if not below or command.invoke_without_command:
            found[name] = command
    return found


def commands() -> dict[str, list[str]]:
    """Every command with its options, long and short, as the program itself knows them."""
    found: dict[str, list[str]] = {}
    for name, command in all_commands().items():
        options = [param for param in command.params if isinstance(param, TyperOption)]
        found[name] = [flag for option in options for flag in (*option.opts, *option.secondary_opts)]
    return found


def test_every_command_has_its_row_and_every_row_its_command() -> None:
    told = [row[0].strip("`").removeprefix("orchestrator ") for row in rows("command")]
    names = sorted(commands(), key=len, reverse=True)  # `backup schedule` before `backup`
    named = {next((name for name in names if f"{line} ".startswith(f"{name} ")), line) for line in told}
    assert named == set(commands())


@pytest.mark.parametrize(
    ("command", "flag"), [(name, flag) for name, flags in commands().items() for flag in flags if flag != "--help"]
)
def test_every_option_is_told(command: str, flag: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(flag)}(?![\w-])", README), f"{command} {flag} is not in README.md"


def test_no_option_is_told_that_is_not_there() -> None:
    known = {flag for flags in commands().values() for flag in flags} | {"--help"}
    known |= {flag for param in PROGRAM.params for flag in param.opts}
    typed = [line for line in README.splitlines() if "orchestrator " in line and line.startswith(("    ", "| `orch"))]
    told = {flag for line in typed for flag in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", line.partition("#")[0])}
    assert told <= known


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_shows_an_example_of_itself(name: str) -> None:
    help_text = all_commands()[name].help
    assert f"Example: orchestrator {name} " in help_text


# --- Exit codes -----------------------------------------------------------------------------------------


def every_error() -> Iterator[type[OrchestratorError]]:
    yield OrchestratorError
    yield from (kind for kind in OrchestratorError.__subclasses__() if kind.__module__ == errors.__name__)


def codes_in(text: str) -> set[int]:
    return {int(code) for code in re.findall(r"\b\d+\b", text)}


def test_the_table_of_exit_codes_is_that_of_the_errors() -> None:
    told = set().union(*(codes_in(row[0]) for row in rows("exit")))
    plain = {kind.exit_code for kind in every_error() if kind is not InterruptedRunError}
    signals = {InterruptedRunError("", signal_number=number).exit_code for number in (1, 2, 15)}
    assert told == plain | signals | {0, 2}  # done; `plan --detailed-exitcode`


def test_the_tree_in_the_errors_docstring_is_true() -> None:
    tree = dict(re.findall(r"(\w+Error) +([\d, ]+?) {3}", errors.__doc__ or ""))
    assert set(tree) == {kind.__name__ for kind in every_error()}
    for kind in every_error():
        if kind is not InterruptedRunError:
            assert codes_in(tree[kind.__name__]) == {kind.exit_code}


# --- Checks and phases ----------------------------------------------------------------------------------

CHECKS = tuple(f"core/checks/{path.name}" for path in (ROOT / "orchestrator/core/checks").glob("*.py"))
DISTROS = tuple(f"distros/{path.name}" for path in (ROOT / "orchestrator/distros").glob("*.py"))
MAKERS = (*CHECKS, *DISTROS, "app/planning.py", "etcd/snapshot.py")


def finding_names() -> set[str]:
    """The names that findings are made with: `Finding(name=...)`, `block(NAME, ...)`."""
    names: set[str] = set()
    for file in MAKERS:
        for node in ast.walk(ast.parse((ROOT / "orchestrator" / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                names |= set(_name_of(node))
    return names


def _name_of(call: ast.Call) -> Iterator[str]:
    called = ast.unparse(call.func)
    given = [keyword.value for keyword in call.keywords if called == "Finding" and keyword.arg == "name"]
    given += call.args[:1] if called in ("block", "warn") else []
    yield from (value.value for value in given if isinstance(value, ast.Constant) and isinstance(value.value, str))


def test_every_check_has_its_row_and_every_row_its_check() -> None:
    told = [row[0].strip("`") for row in rows("name")]
    assert told == sorted(set(told))
    assert set(told) == finding_names() | {"unhashed"}  # the snapshot reader's own, not a finding of a host


def test_what_may_be_overridden_is_told() -> None:
    source = "\n".join((ROOT / "orchestrator" / file).read_text(encoding="utf-8") for file in CHECKS)
    open_to_override = {
        name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and any(keyword.arg == "can_override" for keyword in node.keywords)
        for name in _name_of(node)
    }
    told = {row[0].strip("`") for row in rows("name") if row[3] == "yes"}
    assert told == open_to_override | {"unhashed"}


def test_every_phase_is_told_in_its_order() -> None:
    assert [row[0] for row in rows("phase")] == [name.value for name in PhaseName]


# --- Links ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page", sorted(path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        if path:
            assert (ROOT / page).parent.joinpath(path).exists(), target
        elif anchor:
            titles = {
                re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
                for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
            }
            assert anchor in titles, target
