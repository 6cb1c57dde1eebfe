"""A snapshot on the laptop's disk: errors between the file and its bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.adapters.snapshot_file import open_snapshot
from orchestrator.errors import UsageError, program
from orchestrator.etcd.snapshot import SnapshotError


@pytest.mark.parametrize("name", ["absent.db", "."])
def test_unreadable_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(UsageError, match=f"cannot read the snapshot {path}") as raised:
        open_snapshot(path)
    assert raised.value.exit_code == 64
    assert raised.value.next_step == program("ls", "-l", str(path))


@pytest.mark.parametrize("content", [b"", b"no snapshot", b"\0" * 100_000], ids=["empty", "short", "zeros"])
def test_error_names_file_that_is_not_snapshot(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "backup.db"
    path.write_bytes(content)
    with pytest.raises(SnapshotError) as raised:
        open_snapshot(path)
    assert raised.value.exit_code == 3
    assert raised.value.message.startswith(f"snapshot {path}: ")
    assert raised.value.message.endswith(raised.value.remedy)
