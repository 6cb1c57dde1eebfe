"""What the tables of a report are made of: headings, labels, grids, lines that are never wrapped."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from orchestrator.core.report import plan as render
from orchestrator.core.text import printable

WIDEST = 24
"""The widest column but the last, in characters."""


def print_unwrapped(console: Console, lines: render.Lines) -> None:
    width = max(len(label) for label, _ in lines)
    for label, value in lines:
        console.print(Text.assemble((label.ljust(width + 2), "dim"), printable(value)), soft_wrap=True)


def print_lines(console: Console, lines: Iterable[str]) -> None:
    """Print the lines unchanged, one below the other."""
    for line in lines:
        console.print(Text(printable(line)), soft_wrap=True)


def print_next(console: Console, command: str) -> None:
    console.print(Text.assemble(("next: ", "bold"), printable(command)), soft_wrap=True)


def heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold"))


def labelled(lines: render.Lines, indent: int = 2) -> RenderableType:
    table = grid(0)
    for label, value in lines:
        table.add_row(Text(label, style="dim" if label else ""), Text(value, overflow="fold"))
    return indented(table, indent)


def grid(*widths: int) -> Table:
    """Return a table with columns of at least these widths, two blanks apart, and a last one for the rest.

    A long name wraps.
    """
    table = Table.grid(padding=(0, 2, 0, 0))
    for width in widths:
        table.add_column(min_width=width, max_width=WIDEST, overflow="fold")
    table.add_column(overflow="fold")
    return table


def indented(table: Table, indent: int = 2) -> RenderableType:
    return Padding(table, (0, 0, 0, indent))
