"""The commands `backup schedule` and `backup status`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli import options
from orchestrator.cli.confirm import confirm_plan
from orchestrator.cli.exit import print_ended, print_json, run_command
from orchestrator.cli.session import opened
from orchestrator.errors import OrchestratorError, UsageError


def schedule(
    inventory: options.Inventory,
    every: Annotated[str, typer.Option("--every", metavar="PERIOD", help="Interval, such as 15m, 6h or 1d.")] = "6h",
    on: Annotated[int, typer.Option("--on", metavar="N", min=1, help="Number of masters with backups.")] = 2,
    keep: Annotated[
        int | None, typer.Option("--keep", metavar="N", min=1, help="Backups to keep on each master.")
    ] = 28,
    keep_days: Annotated[
        int | None, typer.Option("--keep-days", metavar="DAYS", min=1, help="Delete backups older than DAYS.")
    ] = None,
    folder: Annotated[
        str, typer.Option("--folder", metavar="PATH", help="Folder for the backups on the masters.")
    ] = "",
    remove: Annotated[
        bool, typer.Option("--remove", help="Remove the schedule from all masters; backups stay.")
    ] = False,
    dry_run: options.DryRun = False,
    confirm: options.Confirm = None,
    as_json: options.Json = False,
    verbose: options.Verbose = 0,
    quiet: options.Quiet = False,
) -> None:
    """Schedule backups on the masters with systemd timers. Shows first, as a diff, what changes on which master.

    Example: orchestrator backup schedule -i cluster.yml --every 6h --on 2 --keep 28
    """
    from orchestrator.adapters.screen import report
    from orchestrator.app import running, schedules
    from orchestrator.core.snapshots.schedules import Terms, folder_of, parse_period

    async def work() -> None:
        if folder and not (folder.startswith("/") and "'" not in folder and " " not in folder):
            raise UsageError(f"invalid folder {folder!r} (expected an absolute path without blanks)")
        ended = None
        async with opened(inventory, quiet=quiet) as cluster:
            where = folder_of(cluster.inventory.cluster, folder)
            terms = None if remove else Terms(parse_period(every), on, where, keep, keep_days)
            found = await schedules.plan_schedule(cluster, terms, inventory)
            if not as_json:
                report.print_lines(report.stdout(), found.diffs)
            if found.plan and not dry_run:
                await confirm_plan(cluster, found.plan, confirm, verbose)
                ended = await running.run_plan(cluster, found.plan)
        if ended:
            print_ended(ended, inventory, as_json=as_json)
        elif as_json:
            from orchestrator.core.report.json_output import schedule_json

            print_json(schedule_json(found.diffs))
        elif not found.plan:
            report.print_lines(report.stdout(), ("nothing to change: the schedule is already in place",))

    run_command(work, inventory)


def status(
    inventory: options.Inventory,
    nagios: Annotated[bool, typer.Option("--nagios", help="Print one line for Nagios; exit 0, 1, 2 or 3.")] = False,
    warn_after: Annotated[
        str, typer.Option("--warn-after", metavar="PERIOD", help="Age for WARNING with --nagios.")
    ] = "12h",
    critical_after: Annotated[
        str, typer.Option("--critical-after", metavar="PERIOD", help="Age for CRITICAL with --nagios.")
    ] = "1d",
    prometheus: Annotated[
        Path | None, typer.Option("--prometheus", metavar="FILE", help="Write metrics for node_exporter's textfiles.")
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show the scheduled backups of every master. Prints the last good one, its age and size, and failures.

    Example: orchestrator backup status -i cluster.yml --nagios --warn-after 12h --critical-after 1d
    """
    from orchestrator.adapters.screen import report
    from orchestrator.app import schedules
    from orchestrator.core.snapshots import schedule_status

    async def work() -> None:
        try:
            await tell()
        except OrchestratorError as error:
            if not nagios:
                raise
            report.print_lines(report.stdout(), (f"ETCD BACKUP UNKNOWN - {error.message}",))
            raise typer.Exit(3) from error

    async def tell() -> None:
        async with opened(inventory, quiet=quiet or nagios) as cluster:
            standings, silent = await schedules.look_at_schedules(cluster)
            name = cluster.inventory.cluster
        found = schedule_status.statuses(standings.values())
        if prometheus:
            _write(prometheus, schedule_status.prometheus(name, found))
        if nagios:
            after = [_seconds(text) for text in (warn_after, critical_after)]
            told = schedule_status.nagios(found, silent, warn_after_s=after[0], critical_after_s=after[1])
            report.print_lines(report.stdout(), (told.line,))
            raise typer.Exit(told.code)
        if as_json:
            from orchestrator.core.report.json_output import backup_status_json

            print_json(backup_status_json(found, silent))
        else:
            report.print_pairs(report.stdout(), schedule_status.status_lines(found, silent))

    run_command(work, inventory)


def _seconds(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if not number.isdigit() or unit not in ("m", "h", "d"):
        raise UsageError(f"invalid period {text!r} (expected for example 90m, 12h, 2d)")
    return int(number) * {"m": 60, "h": 3600, "d": 86400}[unit]


def _write(path: Path, text: str) -> None:
    """By a rename: a collector must not see half of it. Raises OrchestratorError."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise OrchestratorError(f"cannot write {path}: {error.strerror}") from error
