"""The check of commit messages, on messages and on a repository of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.commits import SUBJECT, check, faults

BODY = "\n\nThe error file may have no room."


@pytest.mark.parametrize(
    "message",
    [
        f"relay: report ENOSPC even if the error file cannot be written{BODY}",
        f"core/hosts: read facts as pairs{BODY}",
        f"tests, docs: bring both up to date{BODY}",
        "docs: correct a word",
    ],
)
def test_good_message_has_no_faults(message: str) -> None:
    assert faults(message, lines=2) == []


@pytest.mark.parametrize(
    ("message", "lines", "fault"),
    [
        ("A host whose disk is full says so", 2, "is not `area: what to do`"),
        ("Relay: report ENOSPC", 2, "is not `area: what to do`"),
        ("relay: report ENOSPC.", 2, "is not `area: what to do`"),
        ("relay: reported ENOSPC", 2, "not in the imperative: reported"),
        ("relay: adding a test", 2, "not in the imperative: adding"),
        (f"relay: {'x' * SUBJECT}", 2, f"at most {SUBJECT}"),
        ("relay: report ENOSPC\nThe error file may have no room.", 2, "no empty line"),
        ("relay: report ENOSPC", 200, "no body"),
    ],
)
def test_fault_is_reported(message: str, lines: int, fault: str) -> None:
    (found,) = faults(message, lines)
    assert fault in found


def commit(folder: Path, message: str, path: str, text: str) -> None:
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_text(text)
    author = ("-c", "user.name=Somebody", "-c", "user.email=somebody@localhost", "-c", "commit.gpgsign=false")
    for argv in (["add", "."], [*author, "commit", "--quiet", "--no-verify", "--message", message]):
        subprocess.run(["git", "-C", str(folder), *argv], check=True)


def test_only_commits_since_the_check_exists_are_checked(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    commit(tmp_path, "Once upon a time", "README.md", "x")
    commit(tmp_path, "The check comes", "tests/commits.py", "x")
    commit(tmp_path, "docs: correct a word", "README.md", "y")
    assert check(tmp_path) == []
    commit(tmp_path, "docs: rewrite", "README.md", "y\n" * 50)
    commit(tmp_path, "Stray", "README.md", "z\n" * 50)
    assert [line.split(" ", 1)[1].split(": ")[:2] for line in check(tmp_path)] == [
        ["docs", "rewrite"],
        ["Stray", "subject is not `area"],
        ["Stray", "no body"],
    ]
