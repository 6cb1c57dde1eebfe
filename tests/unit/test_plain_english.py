"""What people read is plain English: no phrase of the list in messages, help, scripts or pages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.markdown import ALL_PAGES, ROOT, name_of, read
from tests.unit.cli.test_help import PAGES as HELP
from tests.unit.plain_english import PHRASES, complaints

MODULES = sorted((ROOT / "orchestrator").rglob("*.py"))
SCRIPTS = sorted((ROOT / "templates").rglob("*.sh"))


def messages(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of every string of several words, f-strings with `{}` for their values; no docstrings."""
    tree = ast.parse(source)
    skipped = {
        id(part)
        for node in ast.walk(tree)
        for part in (node.values if isinstance(node, ast.JoinedStr) else [getattr(node, "value", None)])
        if isinstance(node, ast.JoinedStr | ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr | ast.Constant) or id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(it.value) if isinstance(it, ast.Constant) else "{}" for it in node.values)
        else:
            text = str(node.value)
        if " " in text.strip():
            yield node.lineno, text


def said_by(script: str) -> Iterator[str]:
    """Yield what a script prints in words, and the opening sentence that a plan shows for a barrier."""
    yield from re.findall(r'\b(?:echo|refuse) "([^"]* [^"]*)"', script)
    yield from re.findall(r"\bExits 0 [^.;:]*", script)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_messages(module: Path) -> None:
    found = [(line, it) for line, text in messages(read(module)) for it in complaints(text)]
    assert found == []


@pytest.mark.parametrize("command", HELP)
def test_help(command: str) -> None:
    assert list(complaints(HELP[command])) == []


@pytest.mark.parametrize("page", ALL_PAGES, ids=name_of)
def test_pages(page: Path) -> None:
    assert list(complaints(read(page))) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_scripts(script: Path) -> None:
    assert [it for text in said_by(read(script)) for it in complaints(text)] == []


ONCE_SAID = (
    "the lease's time '2026' is none",
    "nothing is known of ftp:// addresses",
    "2x is no rate",
    "the hosts know no open run",
    "left at once: the hosts bring their current act to its end by themselves",
    "On so many masters, one after another.",
    "Have one failed member thrown away, and join the others anew.",
    "this plan was used before: m1 knows its run R",
    "the masters are not proven to hold the same",
    "no is none of pause, none",
    "to restore all the same: --override quorum-healthy",
    "Take a restore back before its first start",
    "etcd's data lies in /mnt, not in /var",
    "NOT whole: do not restore it",
)


@pytest.mark.parametrize("text", ONCE_SAID)
def test_phrase_of_earlier_messages_is_found(text: str) -> None:
    assert list(complaints(text)) != []


@pytest.mark.parametrize(
    "text",
    [
        "there is no plan",
        "lease renewTime '2026' is not a timestamp",
        "none of the masters answers",
        "the cluster is no longer held",
        "commit.mend",
        "so many that the disk fills up",
    ],
)
def test_plain_text_is_left_alone(text: str) -> None:
    assert list(complaints(text)) == []


def test_each_pattern_compiles_and_names_another_phrase() -> None:
    for phrase in PHRASES:
        re.compile(phrase.pattern)
        assert list(complaints(phrase.instead)) == [], phrase


def test_messages_are_found_and_docstrings_are_not() -> None:
    source = '"""Doc string."""\nraise Error(f"{host} is no host", "one word")\nx = "word"\n'
    assert list(messages(source)) == [(2, "{} is no host"), (2, "one word")]
