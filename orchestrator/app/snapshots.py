"""`snapshot verify` and `snapshot inspect`: one file that can be read on this laptop."""

from __future__ import annotations

from pathlib import Path

from orchestrator.adapters.snapshot_file import open_snapshot, verify_snapshot
from orchestrator.app.snapshot_locations import LAPTOP, Located
from orchestrator.core.snapshots.inspection import Inspection, ids_of
from orchestrator.errors import UsageError, program
from orchestrator.etcd.contents import ContentsReader
from orchestrator.etcd.details import bumped, read_details
from orchestrator.etcd.ids import parse_initial_cluster
from orchestrator.etcd.verify import Verification
from orchestrator.ports import Reporter


def verify_file(source: Located, reporter: Reporter) -> Verification:
    """Read the file twice, with progress, and verify it. Raises UsageError if it does not exist."""
    total = 2 * _size(source.path)
    reporter.note(f"verifying {source.address}")
    found = verify_snapshot(source.path, lambda done: reporter.moved(LAPTOP, done, total))
    reporter.moved(LAPTOP, total, total)
    return found


def inspect_file(
    source: Located, reporter: Reporter, *, initial_cluster: str | None, token: str, bump: int | None
) -> Inspection:
    """The content of the file. Raises UsageError for wrong arguments, SnapshotError (exit 3) if it is not intact."""
    ids = None
    if initial_cluster:
        try:
            ids = ids_of(parse_initial_cluster(initial_cluster), token)
        except ValueError as error:
            raise UsageError(str(error), program("orchestrator", "snapshot", "inspect", "--help")) from error
    total = _size(source.path)
    reporter.note(f"reading {source.address}")
    reader = ContentsReader()
    found = open_snapshot(
        source.path, reader, allow_unhashed=True, progress=lambda done: reporter.moved(LAPTOP, done, total)
    )
    reporter.moved(LAPTOP, total, total)
    return Inspection(
        path=source.address,
        snapshot=found.facts,
        details=read_details(found.database, found.keys),
        contents=reader.result(),
        ids=ids,
        bump=None if bump is None else bumped(found.keys, bump),
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
