"""The commands about one snapshot file: they need no inventory, and look at no host."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from orchestrator import options
from orchestrator.errors import RefusedError
from orchestrator.exits import print_json, run_alone

snapshot_app = typer.Typer(
    help="Look at one snapshot file on this laptop. No host is asked.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
DEFAULT_TOKEN = "etcd-cluster"  # noqa: S105 - etcd's own default, and no secret
File = Annotated[Path, typer.Argument(metavar=options.FILE, help="The snapshot, as `etcdctl snapshot save` wrote it.")]


@snapshot_app.command("verify")
def verify(file: File, as_json: options.Json = False, quiet: options.Quiet = False) -> None:
    """Read the whole file: its sha256 and every page. Exits 3 where anything is wrong, and says what and where.

    Example: orchestrator snapshot verify backup.db
    """
    from orchestrator.adapters.reporters import make_reporter, stdout
    from orchestrator.app import snapshots

    def work() -> None:
        with make_reporter(quiet=quiet) as reporter:
            found = snapshots.verify_file(file, reporter)
        if as_json:
            print_json(found.model_dump(mode="json") | {"is_whole": found.is_whole})
        else:
            from orchestrator.adapters.snapshot_tables import print_verification

            print_verification(stdout(), found)
        if not found.is_whole:
            raise RefusedError(
                f"{file} is not whole", "take another backup file, or copy this one again from where it was saved"
            )

    run_alone(work)


@snapshot_app.command("inspect")
def inspect(
    file: File,
    initial_cluster: Annotated[
        str | None, typer.Option(metavar="NAME=URL,...", help="Tell the ids of these members after a restore.")
    ] = None,
    token: Annotated[str, typer.Option(metavar="TOKEN", help="The cluster token, for the ids.")] = DEFAULT_TOKEN,
    bump_revision: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Tell the HashKV after a restore with that bump.")
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Say what is in the file: etcd's own figures, the HashKV to come, and what Kubernetes has in it.

    Example: orchestrator snapshot inspect backup.db --json
    """
    from orchestrator.adapters.reporters import make_reporter, stdout
    from orchestrator.app import snapshots

    def work() -> None:
        with make_reporter(quiet=quiet) as reporter:
            found = snapshots.inspect_file(
                file, reporter, initial_cluster=initial_cluster, token=token, bump=bump_revision
            )
        if as_json:
            print_json(found.model_dump(mode="json"))
        else:
            from orchestrator.adapters.snapshot_tables import print_inspection

            print_inspection(stdout(), found, time.time())

    run_alone(work)
