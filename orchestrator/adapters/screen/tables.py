"""Draws the plan and status reports of `core/report` on a console. It adds labels, but no sentences of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from orchestrator.core.hosts.view import Claim
from orchestrator.core.model.cost import Change, Cost, ResourceCost
from orchestrator.core.model.finding import Finding, Severity
from orchestrator.core.model.plan import Phase, Plan
from orchestrator.core.proof.evidence import Evidence, StaleKind
from orchestrator.core.report import plan as render
from orchestrator.core.report import steps as step_words
from orchestrator.core.report.cost import change_heading, change_rows, cost_lines, every_object
from orchestrator.core.report.evidence import evidence_lines, member_rows, resource_rows, stale_lines
from orchestrator.core.report.findings import by_words, findings_footer, gathered, remedy_words
from orchestrator.core.report.result import result_lines
from orchestrator.core.report.status import event_line, holder_lines, outlook
from orchestrator.core.runs.phases import point_of_no_return
from orchestrator.core.runs.result import Result
from orchestrator.core.runs.status import PhaseStanding, Records, Stand, standings
from orchestrator.core.snapshots.backups import BackupFacts, backup_lines
from orchestrator.core.snapshots.consistency import SameContent
from orchestrator.core.text import few, harmless, printable
from orchestrator.errors import OrchestratorError
from orchestrator.etcd.snapshot import SnapshotFacts

_WIDEST = 24
_SEVERITY_STYLES = {Severity.BLOCK: "bold red", Severity.WARN: "yellow", Severity.INFO: "cyan"}
_CHANGE_STYLES = {Change.CREATED: "red", Change.CHANGED: "yellow", Change.DELETED: "green"}
_STAND_STYLES = {Stand.DONE: "green", Stand.RUNNING: "cyan", Stand.DOUBT: "bold red", Stand.LEFT: ""}


# --- The plan -------------------------------------------------------------------------------------------


def print_plan(
    console: Console, plan: Plan, *, verbose: int = 0, next_step: str = "", rows: Sequence[ResourceCost] = ()
) -> None:
    """Print what would happen, from the header to the command that does it.

    With ``verbose`` 1 it adds every command that would run or look; with 2 also the scripts' texts. With ``rows``
    it adds every object that these name.
    """
    console.print(Text(f"{render.TITLES[plan.kind]} {plan.inventory.cluster}", style="bold"))
    console.print(labelled(render.header(plan)))
    if plan.findings:
        heading(console, "What the checks found")
        console.print(_findings(plan.findings))
    heading(console, "What happens")
    no_return = point_of_no_return(plan) if plan.snapshot else None
    for phase in plan.phases:
        if phase is no_return:
            _print_no_return(console)
        _print_phase(console, plan, phase, verbose)
    if plan.cost:
        _print_cost(console, plan.cost, rows)
    heading(console, "Before you confirm")
    console.print(labelled(render.consequences(plan)))
    if verbose > 1:
        _print_scripts(console, plan)
    console.print()
    console.print(Text(render.footer(plan), style="bold"))
    if next_step:
        _print_next(console, next_step)


def _print_cost(console: Console, cost: Cost, rows: Sequence[ResourceCost]) -> None:
    """Print what happened since the snapshot, like a diff; with ``rows`` one line per object."""
    heading(console, "What it costs")
    console.print(labelled(cost_lines(cost)))
    for change in Change:
        if not cost.total(change):
            continue
        console.print(Padding(Text(change_heading(cost, change), style=_CHANGE_STYLES[change]), (0, 0, 0, 2)))
        if rows:
            for line in every_object(rows, change):
                console.print(Text(f"    {line}"), soft_wrap=True)
            continue
        table = _grid(0, 0)
        for number, resource, names in change_rows(cost, change):
            table.add_row(Text(number, justify="right"), resource, names)
        console.print(_indented(table, 6))


def _print_no_return(console: Console) -> None:
    console.print()
    console.print(Rule(Text(render.NO_RETURN, style="bold red"), style="red"))
    console.print(Padding(Text(render.AFTER_NO_RETURN), (0, 0, 0, 2)))


def _print_phase(console: Console, plan: Plan, phase: Phase, verbose: int) -> None:
    console.print()
    console.print(Text.assemble((render.heading(plan, phase), "bold"), f"  {phase.title}"))
    hosts_width, names_width = _widths(plan)
    steps, conditions = _grid(hosts_width, names_width), _grid(hosts_width)
    for row in step_words.rows(plan, phase):
        steps.add_row(render.hosts_words(plan, row.hosts), row.name, row.what)
    for label, words in step_words.conditions(plan, phase):
        conditions.add_row(label, words, style="dim")
    for table in (steps, conditions):
        if table.row_count:
            console.print(_indented(table))
    if verbose:
        _print_commands(console, plan, phase)


def _widths(plan: Plan) -> tuple[int, int]:
    """Return the widths of the host and step columns, so that they align in all phases."""
    rows = [row for phase in plan.phases for row in step_words.rows(plan, phase)]
    hosts = max((len(render.hosts_words(plan, row.hosts)) for row in rows), default=0)
    return min(hosts, _WIDEST), min(max((len(row.name) for row in rows), default=0), _WIDEST)


def _print_commands(console: Console, plan: Plan, phase: Phase) -> None:
    """Print one line per command, never wrapped, so that it can be copied."""
    for verb, hosts, command in step_words.commands(plan, phase):
        console.print(Text(f"    {verb:4} {hosts}: {command}", style="dim"), soft_wrap=True)


def _print_scripts(console: Console, plan: Plan) -> None:
    for name, text in plan.files.items():
        heading(console, name)
        console.print(Text(text.rstrip("\n")), soft_wrap=True)


# --- Findings -------------------------------------------------------------------------------------------


def print_findings(console: Console, findings: Sequence[Finding], hosts: Sequence[str] = ()) -> None:
    """Print what `check` found on these hosts, blockers first, and how many hosts are well."""
    if findings:
        console.print(_findings(findings))
        console.print()
    console.print(findings_footer(findings, hosts))


def _findings(findings: Iterable[Finding]) -> RenderableType:
    table = _grid(0, 0, 0)
    for whose, finding in gathered(findings):
        severity = Text(finding.severity.value, style=_SEVERITY_STYLES[finding.severity])
        table.add_row(severity, whose, finding.name, printable(finding.what))
        if remedy := remedy_words(finding):
            table.add_row("", "", "", Text(f"-> {remedy}"))
    return _indented(table)


# --- A run ----------------------------------------------------------------------------------------------


def print_result(console: Console, plan: Plan, result: Result, total_s: float, inventory: Path | str) -> None:
    """Print the last lines of a run, at most ten: never wrapped, so that a path can be copied or searched for."""
    _print_unwrapped(console, result_lines(plan, result, total_s, str(inventory)))


def _print_unwrapped(console: Console, lines: render.Lines) -> None:
    width = max(len(label) for label, _ in lines)
    for label, value in lines:
        console.print(Text.assemble((label.ljust(width + 2), "dim"), printable(value)), soft_wrap=True)


def print_evidence(console: Console, snapshot: SnapshotFacts, found: Evidence) -> None:
    """Print what the restored cluster holds: by member, by resource, and which objects may be dead."""
    heading(console, "What the restored cluster holds")
    tables = [member_rows(found, snapshot)] if found.members else []
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
    return _indented(table)


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
    table = _grid(0, 0)
    for standing in standings(plan, records):
        style = _STAND_STYLES[standing.stand]
        words = Text(standing.stand.value, style=style)
        table.add_row(render.heading(plan, standing.phase), words, _stands(plan, standing))
    console.print(_indented(table))
    events = [event_line(event) for event in history]
    if events:
        heading(console, "Journal on this laptop")
        for event in events:
            console.print(Text(f"  {event}"), soft_wrap=True)
    console.print()
    state, following = outlook(plan, records, claims, undone_by)
    console.print(Text(f"run: {state}"), soft_wrap=True)
    if following:
        _print_next(console, following.line(str(inventory)))


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
    _print_unwrapped(console, backup_lines(path, facts, removed, failed, compared))


def print_pairs(console: Console, lines: render.Lines) -> None:
    """Print labels and values."""
    _print_unwrapped(console, lines)


def print_lines(console: Console, lines: Iterable[str]) -> None:
    """Print the lines unchanged, one below the other."""
    for line in lines:
        console.print(Text(printable(line)), soft_wrap=True)


def print_error(console: Console, error: OrchestratorError, following: str = "") -> None:
    """Print a failure: what, where and why, then the command that continues from here."""
    console.print(Text.assemble(("error: ", "bold red"), harmless(error.message)), soft_wrap=True)
    if following:
        _print_next(console, following)


# --- Pieces ---------------------------------------------------------------------------------------------


def _print_next(console: Console, command: str) -> None:
    console.print(Text.assemble(("next: ", "bold"), printable(command)), soft_wrap=True)


def heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold"))


def labelled(lines: render.Lines, indent: int = 2) -> RenderableType:
    table = _grid(0)
    for label, value in lines:
        table.add_row(Text(label, style="dim" if label else ""), Text(value, overflow="fold"))
    return _indented(table, indent)


def _grid(*widths: int) -> Table:
    """Return a table with columns of at least these widths, two blanks apart, and a last one for the rest.

    A long name wraps.
    """
    table = Table.grid(padding=(0, 2, 0, 0))
    for width in widths:
        table.add_column(min_width=width, max_width=_WIDEST, overflow="fold")
    table.add_column(overflow="fold")
    return table


def _indented(table: Table, indent: int = 2) -> RenderableType:
    return Padding(table, (0, 0, 0, indent))
