"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FILE, NAME, PLACE = "FILE", "NAME", "PLACE"
Inventory = Annotated[Path, typer.Option("-i", "--inventory", metavar=FILE, help="Inventory of the cluster (YAML).")]
MaybeInventory = Annotated[
    Path | None, typer.Option("-i", "--inventory", metavar=FILE, help="Inventory to use instead of the plan's.")
]
FileInventory = Annotated[
    Path | None, typer.Option("-i", "--inventory", metavar=FILE, help="Inventory, for a file on a master.")
]
Snapshot = Annotated[str, typer.Option("--snapshot", metavar=PLACE, help="FILE, MASTER:PATH, sftp://... or s3://...")]
MaybeSnapshot = Annotated[
    str | None, typer.Option("--snapshot", metavar=PLACE, help="Snapshot FILE, MASTER:PATH, sftp://... or s3://...")
]
Strategy = Annotated[str, typer.Option(metavar=NAME, help="Strategy: aided (default for kublr) or manual.")]
Tool = Annotated[
    Path | None, typer.Option("--etcdutl", metavar=FILE, help="etcdutl program to send to the masters (manual).")
]
Override = Annotated[
    list[str] | None, typer.Option("--override", metavar=NAME, help="Override this check: proceed although it blocks.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Verbose = Annotated[
    int,
    typer.Option("-v", "--verbose", count=True, show_default=False, help="Show the commands; -vv also the scripts."),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Hide progress.")]
Diff = Annotated[bool, typer.Option("--diff", help="List every object to be deleted, reverted, recreated.")]
Confirm = Annotated[
    str | None, typer.Option("--confirm", metavar="CLUSTER", help="Confirm with the cluster's name, without a prompt.")
]
DryRun = Annotated[bool, typer.Option("-n", "--dry-run", help="Show the plan and exit.")]
Run = Annotated[str | None, typer.Argument(help="Run id; default: the run that holds the masters.")]
LimitRate = Annotated[
    str, typer.Option("--limit-rate", metavar="RATE", help="Maximum send rate: 800K, 2.5M or 1G bytes a second.")
]
VolumesDone = Annotated[
    bool,
    typer.Option("--volumes-done", help="Confirm that the persistent volumes are in place."),
]
Without = Annotated[
    list[str] | None, typer.Option("--without", metavar="HOST", help="Leave out this master: it is lost for good.")
]
Destroyed = Annotated[
    list[str] | None,
    typer.Option("--destroyed", metavar="HOST", help="Confirm that the old disk of --without HOST is gone."),
]


def answers(volumes_done: bool) -> frozenset[str]:
    """The flags with which the operator has already answered what a run may ask."""
    return frozenset(("--volumes-done",)) if volumes_done else frozenset()
