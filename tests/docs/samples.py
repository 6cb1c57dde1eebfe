"""Samples of output in the pages, taken from the golden files.

A marker above a block names the golden file. `<!-- sample: FILE -->` is the whole file.
`<!-- sample: FILE: PART, PART -->` is parts of it, with `...` between. A part `TEXT` begins at the first line that
contains TEXT and ends before the next empty line; `TEXT+N` has N lines.
"""

from __future__ import annotations

import re

from tests.docs.markdown import GUIDES, ROOT, read

_SAMPLE = re.compile(r"(<!-- sample: ([^:\n]+?)(?:: ([^\n]+))? -->\n```\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)


def refreshed(text: str) -> str:
    """The page with its samples as the golden files have them now."""
    return _SAMPLE.sub(lambda found: found[1] + _sample(found[2], found[3] or ""), text)


def _sample(file: str, parts: str) -> str:
    lines = [line.rstrip() for line in read(ROOT / file).strip("\n").splitlines()]
    if not parts:
        return "\n".join((*lines, ""))
    return "...\n".join(_part(lines, part) for part in parts.split(", "))


def _part(lines: list[str], part: str) -> str:
    text, _, count = part.partition("+")
    first = next(number for number, line in enumerate(lines) if text in line)
    end = first + int(count) if count else lines.index("", first)
    return "".join(f"{line}\n" for line in lines[first:end])


def refresh() -> None:
    """Writes the pages whose samples have changed."""
    for page in GUIDES:
        if (text := refreshed(read(page))) != read(page):
            page.write_text(text, encoding="utf-8")
            print(page)
