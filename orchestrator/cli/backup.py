"""The command `backup`, with `backup schedule` and `backup status` below it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli import options
from orchestrator.cli.exit import print_json, run_command
from orchestrator.cli.schedule import schedule, status
from orchestrator.cli.session import opened
from orchestrator.errors import UnprovenError, UsageError, ours, program

backup_app = typer.Typer(rich_markup_mode=None)
backup_app.command("schedule")(schedule)
backup_app.command("status")(status)


@backup_app.callback(invoke_without_command=True)
def backup(
    context: typer.Context,
    inventory: Annotated[
        Path | None, typer.Option("-i", "--inventory", metavar=options.FILE, help="Inventory of the cluster (YAML).")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="PLACE", help="Folder, sftp://USER@HOST/PATH or s3://BUCKET/PREFIX."),
    ] = None,
    all_masters: Annotated[
        bool, typer.Option("--all-masters", help="Compare snapshots of all masters, and keep one.")
    ] = False,
    keep: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Number of backups of this cluster to keep.")
    ] = None,
    keep_days: Annotated[
        float | None, typer.Option(metavar="DAYS", min=0.0, help="Delete backups older than DAYS.")
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Take a snapshot, verify it, and store it elsewhere. Uses the member with the highest revision. The newest
    good backup is never deleted.

    Example: orchestrator backup -i cluster.yml --to ~/backups --keep 14
    """
    from orchestrator.app import backups
    from orchestrator.app.snapshot_locations import open_store
    from orchestrator.core.snapshots.locations import parse_destination

    if context.invoked_subcommand:
        return

    async def work() -> None:
        if inventory is None or to is None:
            raise UsageError(
                "`backup` needs an inventory and a destination", program("orchestrator", "backup", "--help")
            )
        async with open_store(parse_destination(to)) as (store, spool), opened(inventory, quiet=quiet) as cluster:
            made = await backups.back_up(cluster, store, spool, every=all_masters, most=keep, days=keep_days)
        told = (made.path, made.facts, made.removed, made.failed, made.compared)
        if as_json:
            from orchestrator.core.report.json_output import backup_json

            print_json(backup_json(*told))
        else:
            from orchestrator.adapters.screen import report

            report.print_backup(report.stdout(), *told)
        if made.compared and not made.compared.is_proven:
            text = f"the masters' backups differ, or could not be compared: {made.compared.words}"
            raise UnprovenError(text, ours("check"))

    run_command(work, inventory)
