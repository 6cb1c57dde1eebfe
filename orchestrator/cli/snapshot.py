"""The commands about one snapshot file: they ask no host but one that the file lies on."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from orchestrator.cli import options
from orchestrator.cli.exit import print_json, run_alone
from orchestrator.cli.session import read_alone
from orchestrator.errors import RefusedError

snapshot_app = typer.Typer(
    help="Verify or inspect one snapshot file. Changes nothing.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
DEFAULT_TOKEN = "etcd-cluster"  # noqa: S105 - etcd's own default, and no secret
File = Annotated[str, typer.Argument(metavar=options.FILE, help="FILE, sftp://..., s3://... or, with -i, MASTER:PATH.")]


@snapshot_app.command("verify")
def verify(
    file: File,
    inventory: options.FileInventory = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Read the whole file: its sha256 and every page. Exits 3 if anything is wrong, and says what and where.

    Example: orchestrator snapshot verify backup.db
    """
    from orchestrator.adapters.screen.reporters import stdout
    from orchestrator.app import snapshots

    def work() -> None:
        with read_alone(file, inventory, quiet=quiet) as (source, reporter):
            found = snapshots.verify_file(source, reporter)
        if as_json:
            from orchestrator.core.report.json_output import verification_json

            print_json(verification_json(found))
        else:
            from orchestrator.adapters.screen.snapshot_tables import print_verification

            print_verification(stdout(), found)
        if not found.is_whole:
            raise RefusedError(
                f"{file} is damaged or incomplete: take another backup, or copy this one again from where it was saved"
            )

    run_alone(work)


@snapshot_app.command("inspect")
def inspect(
    file: File,
    inventory: options.FileInventory = None,
    initial_cluster: Annotated[
        str | None, typer.Option(metavar="NAME=URL,...", help="Predict the ids of these members.")
    ] = None,
    token: Annotated[str, typer.Option(metavar="TOKEN", help="Cluster token.")] = DEFAULT_TOKEN,
    bump_revision: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Predict the HashKV after this bump.")
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show etcd's figures and the Kubernetes objects in the file. Predicts the HashKV after a restore.

    Example: orchestrator snapshot inspect backup.db --json
    """
    from orchestrator.adapters.screen.reporters import stdout
    from orchestrator.app import snapshots

    def work() -> None:
        with read_alone(file, inventory, quiet=quiet) as (source, reporter):
            found = snapshots.inspect_file(
                source, reporter, initial_cluster=initial_cluster, token=token, bump=bump_revision
            )
        if as_json:
            print_json(found.model_dump(mode="json"))
        else:
            from orchestrator.adapters.screen.snapshot_tables import print_inspection

            print_inspection(stdout(), found, time.time())

    run_alone(work)
