"""What the tests read from the pages: blocks, inline code, prose, titles, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDES = sorted(
    path
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"))
    if "evidence" not in path.parts
)
"""The pages that people write, and the generated reference."""

ALL_PAGES = [
    *GUIDES,
    ROOT / "CHANGELOG.md",
    *sorted(ROOT.glob("docs/evidence/*.md")),
    ROOT / "tests/standins/README.md",
]

_FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^ {4,}(\S.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language and its text."""

    language: str
    text: str


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(text: str) -> list[Block]:
    return [Block(found[2], found[3]) for found in _FENCED.finditer(text)]


def without_blocks(text: str) -> str:
    return _FENCED.sub("", text)


def command_lines(text: str) -> Iterator[str]:
    """The lines of `sh` blocks and of indented blocks, without comments."""
    for block in blocks(text):
        if block.language == "sh":
            yield from (line.partition(" #")[0].strip() for line in block.text.splitlines())
    for found in _INDENTED.finditer(without_blocks(text)):
        if not re.match(r"[-*] |\d+\. ", found[1]):
            yield found[1].partition(" #")[0].strip()


def inline_codes(text: str) -> list[str]:
    return [re.sub(r"\s+", " ", code) for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", without_blocks(text))]


def prose_lines(text: str) -> Iterator[str]:
    """Lines that are no table, no code, no title and no comment."""
    for line in without_blocks(text).splitlines():
        if line.strip() and not line.startswith(("|", "#", "<!--")) and not re.match(r" {4,}\S", line):
            yield line


def paragraphs(text: str) -> Iterator[list[str]]:
    """Paragraphs of prose; each item of a list is one."""
    found: list[str] = []
    for line in (*without_blocks(text).splitlines(), ""):
        if not line.strip() or line.startswith(("|", "#")) or re.match(r" *([-*]|\d+\.) ", line):
            if found:
                yield found
            found = []
        if line.strip() and not line.startswith(("|", "#")):
            found.append(line)


def titles(text: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", without_blocks(text), re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The anchors that GitHub makes of the titles."""
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles(text)}


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", without_blocks(text))


def table(text: str, first_cell: str) -> list[list[str]]:
    """The cells of the table whose first header cell is ``first_cell``."""
    _, found, rest = text.partition(f"\n| {first_cell} |")
    assert found, f"no table {first_cell}"
    lines = rest.splitlines()[2:]
    end = next((number for number, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines[:end]]


def sections(text: str) -> dict[str, str]:
    """The text below each `## title`."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))
