"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FILE, NAME, PLACE = "FILE", "NAME", "PLACE"
Inventory = Annotated[
    Path, typer.Option("-i", "--inventory", metavar=FILE, help="The cluster: its masters, workers, paths (YAML).")
]
MaybeInventory = Annotated[
    Path | None, typer.Option("-i", "--inventory", metavar=FILE, help="The cluster, if not as in the plan.")
]
Snapshot = Annotated[
    str, typer.Option("--snapshot", metavar=PLACE, help="The etcd snapshot: FILE, MASTER:PATH, sftp://..., s3://...")
]
MaybeSnapshot = Annotated[
    str | None, typer.Option("--snapshot", metavar=PLACE, help="An etcd snapshot, here or elsewhere.")
]
Strategy = Annotated[
    str, typer.Option(metavar=NAME, help="aided: by Kublr's own agent (its default). manual: by etcd's own tool.")
]
Tool = Annotated[
    Path | None, typer.Option("--etcdutl", metavar=FILE, help="manual: bring this etcdutl, built for the masters.")
]
Override = Annotated[
    list[str] | None, typer.Option("--override", metavar=NAME, help="Go on despite the check of this name.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Verbose = Annotated[int, typer.Option("-v", "--verbose", count=True, help="Show the exact commands; -vv their texts.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress.")]
Diff = Annotated[
    bool, typer.Option("--diff", help="Name every object that the restore would take away, set back or bring back.")
]
Confirm = Annotated[str | None, typer.Option("--confirm", metavar="CLUSTER", help="Confirm without being asked.")]
DryRun = Annotated[bool, typer.Option("-n", "--dry-run", help="Show the plan, and stop.")]
Run = Annotated[str | None, typer.Argument(help="The run's id; without it, the one that holds the masters.")]
LimitRate = Annotated[
    str, typer.Option("--limit-rate", metavar="RATE", help="Send at most so many bytes a second: 800K, 2.5M, 1G.")
]
VolumesDone = Annotated[
    bool,
    typer.Option("--volumes-done", help="The persistent volumes are put back, by you or a hook: go on."),
]
Without = Annotated[
    list[str] | None, typer.Option("--without", metavar="HOST", help="Go on without this master: it is lost for good.")
]
Destroyed = Annotated[
    list[str] | None,
    typer.Option("--destroyed", metavar="HOST", help="Confirm that its old disk is gone, for --without HOST."),
]


def answers(volumes_done: bool) -> frozenset[str]:
    """What the operator has said already to what a run may ask."""
    return frozenset(("--volumes-done",)) if volumes_done else frozenset()
