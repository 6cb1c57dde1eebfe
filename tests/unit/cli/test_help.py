"""The help of every command reads well on a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from orchestrator.cli.main import app


def help_pages() -> Iterator[tuple[str, str]]:
    """The command line that asks for it, and the help of every command and group of commands."""
    todo: list[tuple[tuple[str, ...], Any]] = [((), typer.main.get_command(app))]
    while todo:
        words, command = todo.pop()
        result = CliRunner().invoke(app, (*words, "--help"), prog_name="orchestrator", terminal_width=80)
        yield " ".join((*words, "--help")), result.stdout
        todo += [((*words, name), it) for name, it in getattr(command, "commands", {}).items()]


PAGES = dict(help_pages())


def section(page: str, name: str) -> list[str]:
    """The lines below ``name:``; those that Typer itself brings are left out."""
    _, found, rest = page.partition(f"\n{name}:\n")
    lines = rest.partition("\n\n")[0].splitlines() if found else []
    return [line for line in lines if "completion" not in line and "customize the installation" not in line]


@pytest.mark.parametrize("page", PAGES)
def test_each_option_fits_on_one_line(page: str) -> None:
    assert [line for line in section(PAGES[page], "Options") if not line.startswith("  -")] == []


@pytest.mark.parametrize("page", PAGES)
def test_each_argument_fits_on_one_line(page: str) -> None:
    assert [line for line in section(PAGES[page], "Arguments") if line.startswith("     ")] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_first_line_of_a_command_is_cut(page: str) -> None:
    assert [line for line in section(PAGES[page], "Commands") if line.endswith("...")] == []


def test_every_command_has_a_page() -> None:
    assert {"--help", "backup schedule --help", "snapshot verify --help", "restart-workers --help"} <= set(PAGES)
