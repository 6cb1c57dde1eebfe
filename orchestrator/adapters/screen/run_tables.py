"""Draws what `core/report` says of a run, a backup and a failure on a console."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from orchestrator.adapters.screen.pieces import (
    grid,
    heading,
    indented,
    labelled,
    print_next,
    print_unwrapped,
)
from orchestrator.core.hosts.view import Claim
from orchestrator.core.model.plan import Plan
from orchestrator.core.model.restored import Restored
from orchestrator.core.proof.evidence import Evidence, StaleKind
from orchestrator.core.proof.served import Served
from orchestrator.core.report import plan as render
from orchestrator.core.report.evidence import evidence_lines, member_rows, resource_rows, stale_lines
from orchestrator.core.report.findings import by_words
from orchestrator.core.report.result import result_lines
from orchestrator.core.report.status import event_line, holder_lines, outlook
from orchestrator.core.runs.result import Result
from orchestrator.core.runs.status import PhaseStanding, Records, Stand, standings
from orchestrator.core.snapshots.backups import BackupFacts, backup_lines
from orchestrator.core.snapshots.consistency import SameContent
from orchestrator.core.text import few, harmless, printable
from orchestrator.errors import OrchestratorError

_STAND_STYLES = {Stand.DONE: "green", Stand.RUNNING: "cyan", Stand.DOUBT: "bold red", Stand.LEFT: ""}


def print_result(
    console: Console,
    plan: Plan,
    result: Result,
    total_s: float,
    inventory: Path | str,
    served: Served | None = None,
) -> None:
    """Print the last lines of a run: never wrapped, so that a path can be copied or searched for."""
    print_unwrapped(console, result_lines(plan, result, total_s, str(inventory), served))


def print_evidence(console: Console, restored: Restored, found: Evidence) -> None:
    """Print what the restored cluster holds: by member, by resource, and which objects may be dead."""
    heading(console, "What the restored cluster holds")
    tables = [member_rows(found, restored)] if found.members else []
    tables += [resource_rows(found)] if found.resources else []
    for rows in tables:
        console.print(_numbers(rows))
        console.print()
    console.print(labelled(evidence_lines(found)))
    for kind in StaleKind:
        for line in stale_lines(found, kind):
            console.print(Text(f"  {line}"), soft_wrap=True)
    console.print()


def _numbers(rows: Iterable[Sequence[str]]) -> RenderableType:
    """Format a table with words on the left, numbers on the right, and a dim heading."""
    head, *body = rows
    table = Table.grid(padding=(0, 2, 0, 0))
    for number in range(len(head)):
        table.add_column(justify="right" if number else "left", overflow="fold")
    table.add_row(*head, style="dim")
    for row in body:
        table.add_row(*row)
    return indented(table)


def print_status(
    console: Console,
    plan: Plan,
    records: Records,
    claims: Mapping[str, Claim],
    inventory: Path | str,
    history: Iterable[Mapping[str, Any]] = (),
    undone_by: str = "",
    silent: Sequence[str] = (),
) -> None:
    """Print who holds the masters, the state of each phase and host, the laptop's history, and how to continue."""
    console.print(Text(f"Run {plan.run} on {plan.inventory.cluster}, plan {plan.sha256[:12]}", style="bold"))
    for line in holder_lines(plan.masters, claims, silent):
        console.print(Padding(Text(line), (0, 0, 0, 2)))
    console.print()
    table = grid(0, 0)
    for standing in standings(plan, records):
        style = _STAND_STYLES[standing.stand]
        words = Text(standing.stand.value, style=style)
        table.add_row(render.heading(plan, standing.phase), words, _stands(plan, standing))
    console.print(indented(table))
    events = [event_line(event) for event in history]
    if events:
        heading(console, "Journal on this laptop")
        for event in events:
            console.print(Text(f"  {event}"), soft_wrap=True)
    console.print()
    state, following = outlook(plan, records, claims, undone_by)
    console.print(Text(f"run: {state}"), soft_wrap=True)
    if following:
        print_next(console, following.line(str(inventory)))


def _stands(plan: Plan, standing: PhaseStanding) -> Text:
    """Describe the hosts' states if they differ, and why."""
    text = Text()
    groups = [(stand, hosts) for stand, hosts in standing.hosts.items() if hosts]
    if len(groups) > 1 or (groups and groups[0][0] in (Stand.DOUBT, Stand.RUNNING)):
        text.append("; ".join(f"{stand}: {render.hosts_words(plan, hosts)}" for stand, hosts in groups))
    for line in few(
        [
            f"{render.hosts_words(plan, hosts)}: {printable(reason)}"
            for reason, hosts in by_words(standing.reasons.items()).items()
        ]
    ):
        text.append(f"\n{line}" if text else line)
    return text


def print_backup(
    console: Console,
    path: str,
    facts: BackupFacts,
    removed: Sequence[str],
    failed: Mapping[str, str],
    compared: SameContent | None = None,
) -> None:
    """Print what was saved, from where, and what was deleted; never wrapped, so that the path can be copied."""
    print_unwrapped(console, backup_lines(path, facts, removed, failed, compared))


def print_pairs(console: Console, lines: render.Lines) -> None:
    """Print labels and values."""
    print_unwrapped(console, lines)


def print_error(console: Console, error: OrchestratorError, following: str = "") -> None:
    """Print a failure: what, where and why, then the command that continues from here."""
    console.print(Text.assemble(("error: ", "bold red"), harmless(error.message)), soft_wrap=True)
    if following:
        print_next(console, following)
