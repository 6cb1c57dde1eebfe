"""The pages are true: their commands parse, their links and files exist, their samples and inventories are real."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from orchestrator.adapters.yaml import read_yaml
from orchestrator.core.inventory.parser import parse_inventory
from orchestrator.core.model.plan import PhaseName
from orchestrator.distros import DISTROS
from tests.docs import commands, markdown, samples
from tests.docs.markdown import ALL_PAGES, GUIDES, ROOT, name_of, read
from tests.unit import test_architecture as architecture

GUIDE = pytest.mark.parametrize("page", GUIDES, ids=name_of)
HOW_IT_WORKS, ARCHITECTURE = ROOT / "docs/how-it-works.md", ROOT / "docs/architecture.md"

FOREIGN_OPTIONS = {
    "--collect",
    "--config-file",
    "--control-plane",
    "--file",
    "--format",
    "--no-block",
    "--reflink=auto",
}
FOREIGN_OPTIONS |= {"--secure-port", "--wal-dir"}
"""Options of other programs that the pages mention by themselves."""

ROOTS = (ROOT, ROOT / "orchestrator", ROOT / "templates/host")
TREE = {path.name for root in ROOTS for path in root.iterdir()} - {"etcd"}
"""Where a path of this repository begins; `etcd/` may be one on a host."""

MAKEFILES = "\n".join(read(path) for path in (ROOT / "Makefile", *ROOT.glob("tests/*/*.mk")))


# --- Commands -------------------------------------------------------------------------------------------


def typed_in(page: Path) -> list[str]:
    """Every line of ours that a reader may type, and every inline command that has arguments."""
    text = read(page)
    lines = [re.sub(r"^(\w+=\S+ )*(\.venv/bin/)?", "", line) for line in markdown.command_lines(text)]
    lines += [code for code in markdown.inline_codes(text) if len(code.split()) > 2 or " --" in code]
    return [line for line in lines if line.startswith("orchestrator ")]


def parse(line: str) -> None:
    """Raises whatever the program says to that line; runs nothing."""
    words = shlex.split(line, comments=True)[1:]
    command: Any = commands.PROGRAM
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    if words not in (["--help"], ["--version"]):
        assert command is not commands.PROGRAM, f"no such command: {line}"
        command.make_context("orchestrator", words[: words.index(">")] if ">" in words else words)


@GUIDE
def test_every_command_line_parses(page: Path) -> None:
    for line in typed_in(page):
        try:
            parse(line)
        except Exception as error:  # Typer's usage errors share no public base class
            said = error.format_message() if hasattr(error, "format_message") else error
            raise AssertionError(f"{line}: {said}") from error


def test_command_lines_are_found() -> None:
    assert len([line for page in GUIDES for line in typed_in(page)]) > 45


@pytest.mark.parametrize(
    "line", ["orchestrator plan -i x.yml", "orchestrator frobnicate x y", "orchestrator status --no"]
)
def test_a_wrong_command_line_does_not_parse(line: str) -> None:
    with pytest.raises(Exception, match=r"(?i)missing|no such"):
        parse(line)


@GUIDE
def test_every_command_that_is_mentioned_exists(page: Path) -> None:
    known = {word for name in commands.all_commands() for word in (name, name.split()[0])}
    for code in markdown.inline_codes(read(page)):
        if found := re.match(r"orchestrator ([a-z][a-z-]*)( [a-z]+)?", code):
            assert found[1] in known, code


@GUIDE
def test_every_option_that_is_mentioned_exists(page: Path) -> None:
    known = {flag for command in commands.all_commands().values() for flag in commands.flags(command)}
    known |= set(commands.flags(commands.PROGRAM)) | FOREIGN_OPTIONS | {"--help"}
    told = {code.split()[0] for code in markdown.inline_codes(read(page)) if re.match(r"--?[a-z]", code)}
    assert {flag for flag in told if not flag[1:2].isdigit()} <= known


@pytest.mark.parametrize(
    ("command", "flag"),
    [(name, flag) for name, command in commands.all_commands().items() for flag in commands.flags(command)],
)
def test_every_option_is_in_the_reference(command: str, flag: str) -> None:
    section = markdown.sections(read(ROOT / "docs/reference/commands.md"))[command]
    assert f"`{flag}`" in section


@pytest.mark.parametrize("name", sorted(commands.all_commands()))
def test_every_command_shows_an_example_of_itself(name: str) -> None:
    assert f"Example: orchestrator {name} " in commands.all_commands()[name].help


@GUIDE
def test_every_make_target_exists(page: Path) -> None:
    text = read(page)
    typed = [line for line in markdown.command_lines(text) if line.startswith("make ")]
    typed += [code for code in markdown.inline_codes(text) if code.startswith("make ")]
    for line in typed:
        target = line.split()[1]
        word = rf"(?<![\w-]){re.escape(target)}(?![\w-])"
        assert re.search(rf"^[^\t#\n]*{word}", MAKEFILES, re.MULTILINE), line


# --- Links and files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ALL_PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in markdown.links(read(page)):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in markdown.anchors(read(target)), link


@GUIDE
def test_every_file_that_is_named_exists(page: Path) -> None:
    for code in markdown.inline_codes(read(page)):
        if not re.fullmatch(r"[a-z_./-]+", code) or code.partition("/")[0] not in TREE:
            continue  # a path on a host; a name with capitals or an ellipsis stands for many files
        assert any((root / code).exists() for root in ROOTS), code


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached = {ROOT / "README.md"}
    while True:
        found = {
            (page.parent / link.partition("#")[0]).resolve()
            for page in reached
            for link in markdown.links(read(page))
            if "://" not in link and link.partition("#")[0].endswith(".md")
        }
        if found <= reached:
            break
        reached |= found
    assert set(GUIDES) <= reached


# --- Samples and inventories ----------------------------------------------------------------------------


def inventories() -> list[tuple[str, str]]:
    return [
        (f"{name_of(page)}-{number}", block.text)
        for page in GUIDES
        for number, block in enumerate(markdown.blocks(read(page)))
        if block.language == "yaml"
    ]


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in inventories()])
def test_every_yaml_block_is_an_inventory_or_part_of_one(text: str) -> None:
    if "format:" not in text:
        text = f"format: 1\ncluster: c\ndistribution: kublr\nmasters: {{hosts: {{m: {{address: 10.0.0.1}}}}}}\n{text}"
    parse_inventory(read_yaml(text), "page", DISTROS)


@GUIDE
def test_every_sample_is_what_the_program_prints(page: Path) -> None:
    assert read(page) == samples.refreshed(read(page)), "run: make docs-reference"


def test_phases_are_those_of_the_program() -> None:
    told = [row[0] for row in markdown.table(read(HOW_IT_WORKS), "phase")]
    assert told == [name.value for name in PhaseName]


def test_every_distribution_has_its_page_and_its_row() -> None:
    pages = {page.stem: markdown.titles(read(page)) for page in ROOT.glob("docs/distributions/*.md")}
    rows = [re.findall(r"\w+", row[0])[0] for row in markdown.table(read(ROOT / "README.md"), "distribution")]
    assert list(DISTROS) == rows == sorted(pages, key=rows.index)
    for titles in pages.values():
        told = {
            "Inventory",
            "What is stopped, in which order",
            "What is special",
            "A lost master rejoins",
            "Tested with",
        }
        assert told <= set(titles)


# --- The drawing of the rooms ---------------------------------------------------------------------------


def floors() -> list[set[str]]:
    """The rooms of the drawing, from the top floor down."""
    drawing = markdown.blocks(markdown.sections(read(ARCHITECTURE))["The rooms"])[0]
    return [set(re.split(r" {2,}(?! )|(?<=\w) (?=\w)", line[:41].strip())) - {""} for line in drawing.text.splitlines()]


def test_the_drawing_has_every_room() -> None:
    drawn = [room for floor in floors() for room in floor]
    assert sorted(drawn) == sorted(architecture.RANK)


def test_imports_go_down_the_drawing() -> None:
    floor_of = {room: number for number, floor in enumerate(floors()) for room in floor}
    upward = []
    for path in architecture.FILES:
        room = architecture.room_of(architecture.module_of(path))
        for _, module in architecture.imports(architecture.parsed(path)):
            other = architecture.room_of(module)
            if module.startswith("orchestrator.") and other in floor_of and room in floor_of and other != room:
                upward += [f"{path}: {module}"] if floor_of[other] <= floor_of[room] else []
    assert upward == []


# --- The shape of the pages -----------------------------------------------------------------------------


def test_the_readme_fits_on_a_page() -> None:
    assert len(read(ROOT / "README.md").splitlines()) <= 130


@GUIDE
def test_prose_is_wrapped(page: Path) -> None:
    assert [line for line in markdown.prose_lines(read(page)) if len(line) > 100 and " " in line.strip()] == []


@GUIDE
def test_paragraphs_are_short(page: Path) -> None:
    assert [lines[0] for lines in markdown.paragraphs(read(page)) if len(lines) > 5] == []


def test_pages_that_the_program_names_exist() -> None:
    named = {
        page for path in architecture.FILES for page in re.findall(r"docs/[\w./-]+\.md|README(?:\.md)?", read(path))
    }
    assert named
    assert [page for page in named if not (ROOT / page).exists()] == []
