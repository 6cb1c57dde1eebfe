"""docs/reference/ is true: the generated pages are current, checks and exit codes are those of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator import errors
from orchestrator.errors import InterruptedRunError, OrchestratorError
from tests.docs import PAGES, markdown
from tests.docs.markdown import ROOT, read

REFERENCE = ROOT / "docs" / "reference"
CHECKS = markdown.sections(read(REFERENCE / "checks.md"))
EXIT_CODES = markdown.table(read(REFERENCE / "exit-codes.md"), "exit")


@pytest.mark.parametrize(("path", "page"), PAGES.items(), ids=lambda value: getattr(value, "name", ""))
def test_the_generated_pages_are_current(path: Path, page: Callable[[], str]) -> None:
    assert read(path) == page(), "run: make docs-reference"


# --- Exit codes -----------------------------------------------------------------------------------------


def every_error() -> Iterator[type[OrchestratorError]]:
    yield OrchestratorError
    yield from (kind for kind in OrchestratorError.__subclasses__() if kind.__module__ == errors.__name__)


def codes_in(text: str) -> set[int]:
    return {int(code) for code in re.findall(r"\b\d+\b", text)}


def codes_of(kind: type[OrchestratorError]) -> set[int]:
    if kind is InterruptedRunError:
        return {InterruptedRunError("", signal_number=number).exit_code for number in (1, 2, 15)}
    return {kind.exit_code}


def test_exit_codes_are_those_of_the_errors() -> None:
    told = {row[1].strip("`"): codes_in(row[0]) for row in EXIT_CODES if row[1]}
    assert told == {kind.__name__: codes_of(kind) for kind in every_error()}
    assert {code for row in EXIT_CODES if not row[1] for code in codes_in(row[0])} == {0, 2}


def test_the_tree_in_the_errors_docstring_is_true() -> None:
    tree = dict(re.findall(r"(\w+Error) +([\d, ]+?) {3}", errors.__doc__ or ""))
    assert {name: codes_in(codes) for name, codes in tree.items()} == {
        kind.__name__: codes_of(kind) for kind in every_error()
    }


# --- Checks ---------------------------------------------------------------------------------------------

CHECK_FILES = tuple(f"core/checks/{path.name}" for path in (ROOT / "orchestrator/core/checks").glob("*.py"))
DISTROS = tuple(f"distros/{path.name}" for path in (ROOT / "orchestrator/distros").glob("*.py"))
MAKERS = (*CHECK_FILES, *DISTROS, *(f"app/{path.name}" for path in (ROOT / "orchestrator/app").glob("*.py")))
OF_THE_READER = {"unhashed"}
"""The snapshot reader's own, not a finding of a host."""


def calls(files: tuple[str, ...]) -> Iterator[tuple[str, str, ast.Call]]:
    """Each call that makes a finding: the check's name, the function that is called, the call."""
    for file in files:
        for node in ast.walk(ast.parse(read(ROOT / "orchestrator" / file))):
            if isinstance(node, ast.Call):
                yield from ((name, ast.unparse(node.func), node) for name in _names(node))


def _names(call: ast.Call) -> Iterator[str]:
    called = ast.unparse(call.func)
    given = [keyword.value for keyword in call.keywords if called == "Finding" and keyword.arg == "name"]
    given += call.args[:1] if called in ("block", "warn") else []
    yield from (value.value for value in given if isinstance(value, ast.Constant) and isinstance(value.value, str))


def severity(name: str) -> str:
    found = re.search(r"^- Severity: (.*?)$", CHECKS[name], re.MULTILINE)
    assert found, name
    return found[1]


def test_every_check_has_its_section_and_every_section_its_check() -> None:
    assert list(CHECKS) == sorted(CHECKS)
    assert set(CHECKS) == {name for name, _, _ in calls(MAKERS)} | OF_THE_READER


def test_severities_are_those_of_the_checks() -> None:
    for name, called, _ in calls(MAKERS):
        word = {"block": "blocker", "warn": "warning"}.get(called)
        assert word is None or word in severity(name).lower(), name


def test_overrides_are_those_of_the_checks() -> None:
    told = {name for name in CHECKS if "Override: yes" in severity(name)}
    can = {name for name, _, call in calls(MAKERS) if any(keyword.arg == "can_override" for keyword in call.keywords)}
    assert told == can | OF_THE_READER
    assert {name for name in CHECKS if "Override: no" in severity(name)} == {
        name for name in CHECKS if "blocker" in severity(name).lower()
    } - told


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_says_why_and_what_to_do(name: str) -> None:
    assert re.findall(r"^- (\w+):", CHECKS[name], re.MULTILINE) == ["Severity", "Why", "Remedy"]
