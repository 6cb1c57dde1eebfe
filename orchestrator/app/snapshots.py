"""`snapshot verify` and `snapshot inspect`: one file on this laptop, and no host."""

from __future__ import annotations

from pathlib import Path

from orchestrator.adapters.snapshot_file import open_snapshot, verify_snapshot
from orchestrator.core.inspection import Bump, Inspection, ids_of
from orchestrator.errors import UsageError
from orchestrator.etcd.contents import ContentsReader
from orchestrator.etcd.details import bumped, read_details
from orchestrator.etcd.ids import parse_initial_cluster
from orchestrator.etcd.verify import Verification
from orchestrator.ports import Reporter

_LAPTOP = "laptop"


def verify_file(path: Path, reporter: Reporter) -> Verification:
    """Reads the file twice, with progress. Raises UsageError where there is none."""
    total = 2 * _size(path)
    reporter.note(f"verifying {path}")
    found = verify_snapshot(path, lambda done: reporter.moved(_LAPTOP, done, total))
    reporter.moved(_LAPTOP, total, total)
    return found


def inspect_file(
    path: Path, reporter: Reporter, *, initial_cluster: str | None, token: str, bump: int | None
) -> Inspection:
    """What is in the file. Raises UsageError for wrong arguments, SnapshotError (exit 3) where it is not whole."""
    ids = None
    if initial_cluster:
        try:
            ids = ids_of(parse_initial_cluster(initial_cluster), token)
        except ValueError as error:
            raise UsageError(str(error), "orchestrator snapshot inspect --help") from error
    total = _size(path)
    reporter.note(f"reading {path}")
    reader = ContentsReader()
    found = open_snapshot(path, reader, allow_unhashed=True, progress=lambda done: reporter.moved(_LAPTOP, done, total))
    reporter.moved(_LAPTOP, total, total)
    after = None if bump is None else bumped(found.keys, bump)
    return Inspection(
        path=str(path),
        snapshot=found.facts,
        details=read_details(found.database, found.keys),
        contents=reader.result(),
        ids=ids,
        bump=Bump(amount=bump, revision=after[0], hash_kv=after[1]) if bump is not None and after else None,
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
