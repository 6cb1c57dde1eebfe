"""Draws plans and findings, as `core/report` words them, on a console."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from orchestrator.adapters.screen.pieces import (
    WIDEST,
    grid,
    heading,
    indented,
    labelled,
    print_next,
)
from orchestrator.core.model.cost import Change, Cost, ResourceCost
from orchestrator.core.model.finding import Finding, Severity
from orchestrator.core.model.plan import Phase, Plan
from orchestrator.core.report import plan as render
from orchestrator.core.report import steps as step_words
from orchestrator.core.report.cost import change_heading, change_rows, cost_lines, every_object
from orchestrator.core.report.findings import findings_footer, gathered, remedy_words
from orchestrator.core.runs.phases import point_of_no_return
from orchestrator.core.text import printable

_SEVERITY_STYLES = {Severity.BLOCK: "bold red", Severity.WARN: "yellow", Severity.INFO: "cyan"}
_CHANGE_STYLES = {Change.CREATED: "red", Change.CHANGED: "yellow", Change.DELETED: "green"}


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
        print_next(console, next_step)


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
        table = grid(0, 0)
        for number, resource, names in change_rows(cost, change):
            table.add_row(Text(number, justify="right"), resource, names)
        console.print(indented(table, 6))


def _print_no_return(console: Console) -> None:
    console.print()
    console.print(Rule(Text(render.NO_RETURN, style="bold red"), style="red"))
    console.print(Padding(Text(render.AFTER_NO_RETURN), (0, 0, 0, 2)))


def _print_phase(console: Console, plan: Plan, phase: Phase, verbose: int) -> None:
    console.print()
    console.print(Text.assemble((render.heading(plan, phase), "bold"), f"  {phase.title}"))
    hosts_width, names_width = _widths(plan)
    steps, conditions = grid(hosts_width, names_width), grid(hosts_width)
    for row in step_words.rows(plan, phase):
        steps.add_row(render.hosts_words(plan, row.hosts), row.name, row.what)
    for label, words in step_words.conditions(plan, phase):
        conditions.add_row(label, words, style="dim")
    for table in (steps, conditions):
        if table.row_count:
            console.print(indented(table))
    if verbose:
        _print_commands(console, plan, phase)


def _widths(plan: Plan) -> tuple[int, int]:
    """Return the widths of the host and step columns, so that they align in all phases."""
    rows = [row for phase in plan.phases for row in step_words.rows(plan, phase)]
    hosts = max((len(render.hosts_words(plan, row.hosts)) for row in rows), default=0)
    return min(hosts, WIDEST), min(max((len(row.name) for row in rows), default=0), WIDEST)


def _print_commands(console: Console, plan: Plan, phase: Phase) -> None:
    """Print one line per command, never wrapped, so that it can be copied."""
    for verb, hosts, command in step_words.commands(plan, phase):
        console.print(Text(f"    {verb:4} {hosts}: {command}", style="dim"), soft_wrap=True)


def _print_scripts(console: Console, plan: Plan) -> None:
    for name, text in plan.files.items():
        heading(console, name)
        console.print(Text(text.rstrip("\n")), soft_wrap=True)


def print_findings(console: Console, findings: Sequence[Finding], hosts: Sequence[str] = ()) -> None:
    """Print what `check` found on these hosts, blockers first, and how many hosts are well."""
    if findings:
        console.print(_findings(findings))
        console.print()
    console.print(findings_footer(findings, hosts))


def _findings(findings: Iterable[Finding]) -> RenderableType:
    table = grid(0, 0, 0)
    for whose, finding in gathered(findings):
        severity = Text(finding.severity.value, style=_SEVERITY_STYLES[finding.severity])
        table.add_row(severity, whose, finding.name, printable(finding.what))
        if remedy := remedy_words(finding):
            table.add_row("", "", "", Text(f"-> {remedy}"))
    return indented(table)
