"""``python tests/commits.py``: checks the messages of the commits after the one that added this file.

A subject is `area: what to do`, of at most SUBJECT characters: `relay: report ENOSPC`. A body after an empty line says
why; only a change of at most TRIVIAL lines needs none.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SUBJECT, TRIVIAL = 72, 10
_FORM = re.compile(r"[a-z][a-z0-9./_-]*(, [a-z][a-z0-9./_-]*)*: (?P<verb>[a-z]+)(\b.*[^.])?")
_NO_COMMAND = re.compile(r"(?!(need|feed|embed|shed|bring|ping|string)$).*(ed|ing)")
"""What a sentence in the imperative does not begin with: `added`, `adding`."""


def faults(message: str, lines: int) -> list[str]:
    """Return what is wrong with the message of a commit that changes that many lines."""
    subject, _, rest = message.strip().partition("\n")
    found = []
    if len(subject) > SUBJECT:
        found.append(f"subject has {len(subject)} characters: at most {SUBJECT}")
    form = _FORM.fullmatch(subject)
    if not form:
        found.append("subject is not `area: what to do` in lowercase and without a full stop")
    elif _NO_COMMAND.fullmatch(form["verb"]):
        found.append(f"subject is not in the imperative: {form['verb']}")
    if rest and not rest.startswith("\n"):
        found.append("no empty line after the subject")
    if not rest.strip() and lines > TRIVIAL:
        found.append(f"no body: a change of {lines} lines needs a reason")
    return found


def git(folder: Path, *argv: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *argv], check=True, capture_output=True, text=True).stdout


def changed_lines(folder: Path, commit: str) -> int:
    """Count the added and removed lines; moves, and files that are no text, count as none."""
    numbers = git(folder, "show", "--numstat", "--find-renames", "--format=", commit).split("\n")
    columns = [line.split("\t")[:2] for line in numbers if line]
    return sum(int(number) for pair in columns for number in pair if number.isdigit())


def check(folder: Path) -> list[str]:
    """Return a line for each fault of the repository's new commits, oldest first."""
    added = git(folder, "log", "--diff-filter=A", "--format=%H", "--", "tests/commits.py").split()
    commits = git(folder, "rev-list", "--reverse", "--no-merges", f"{added[-1]}..HEAD").split()
    messages = {commit: git(folder, "show", "--no-patch", "--format=%B", commit) for commit in commits}
    return [
        f"{commit[:10]} {message.splitlines()[0]}: {fault}"
        for commit, message in messages.items()
        for fault in faults(message, changed_lines(folder, commit))
    ]


if __name__ == "__main__":
    wrong = check(Path(__file__).parents[1])
    print("\n".join(wrong) or "commit messages: ok")
    sys.exit(1 if wrong else 0)
