"""Draws the reports of `core/snapshots/inspection.py` on a console."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.adapters.screen.pieces import heading, labelled
from orchestrator.core.snapshots.inspection import (
    Inspection,
    etcd_lines,
    kubernetes_lines,
    resource_rows,
    verification_lines,
)
from orchestrator.core.text import printable
from orchestrator.etcd.verify import Verification


def print_verification(console: Console, found: Verification) -> None:
    """Print the verdict first, then what is damaged and where."""
    console.print(labelled(verification_lines(found), indent=0))


def print_inspection(console: Console, found: Inspection, now_s: float) -> None:
    """Print etcd's figures, then the Kubernetes objects in the file."""
    console.print(labelled(tuple((name, printable(text)) for name, text in etcd_lines(found)), indent=0))
    lines = kubernetes_lines(found, now_s)
    if not lines:
        return
    heading(console, "Kubernetes")
    console.print(labelled(tuple((name, printable(text)) for name, text in lines)))
    heading(console, "Objects")
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    for number, resource, namespaces in resource_rows(found.contents):
        table.add_row(Text(f"  {number:,}"), Text(printable(resource)), Text(printable(namespaces), style="dim"))
    console.print(table)
