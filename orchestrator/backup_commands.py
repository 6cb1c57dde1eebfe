"""The command `backup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestrator import options
from orchestrator.exits import print_json, run_command
from orchestrator.opening import opened


def backup(
    inventory: options.Inventory,
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where backups lie on this laptop.")],
    keep: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Remove older backups of this cluster beyond so many.")
    ] = None,
    keep_days: Annotated[
        float | None, typer.Option(metavar="DAYS", min=0.0, help="Remove backups of this cluster that are older.")
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Take a snapshot from the member that knows most, and bring it here, proven whole. The newest good one stays.

    Example: orchestrator backup -i cluster.yml --to ~/backups --keep 14
    """
    from orchestrator.adapters.backup_folder import BackupFolder
    from orchestrator.app import backups

    async def work() -> None:
        folder = BackupFolder(to)
        async with opened(inventory, quiet=quiet) as cluster:
            made = await backups.back_up(cluster, folder, most=keep, days=keep_days)
        if as_json:
            from orchestrator.core.documents import backup_json

            print_json(backup_json(str(made.path), made.facts, made.removed, made.failed))
        else:
            from orchestrator.adapters import report

            report.print_backup(report.stdout(), str(made.path), made.facts, made.removed, made.failed)

    run_command(work, inventory)
