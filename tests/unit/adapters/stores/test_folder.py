"""Backups on the laptop: whole or absent, readable by their owner only, and distinct from other files in the folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from orchestrator.adapters.stores.folder import BackupFolder, LocalSnapshot
from orchestrator.core.snapshots.backups import BackupFacts, Kept, describe_backup, name_of
from orchestrator.errors import UsageError
from tests.unit.builders import masters, snapshot_facts

CLUSTER, AT = "prod-1", "2026-11-23T03:00:07Z"
NAME = name_of(CLUSTER, AT)
CONTENT = b"all that the cluster knows"


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def facts() -> BackupFacts:
    view = masters(1, quorum=True)["master-1"]
    return describe_backup(CLUSTER, AT, view, snapshot_facts(1, size_bytes=len(CONTENT)))


def received(folder: BackupFolder) -> str:
    return asyncio.run(folder.spool.receive(NAME, chunks(CONTENT[:5], CONTENT[5:]), lambda _: None))


def kept(folder: BackupFolder) -> Path:
    return Path(asyncio.run(folder.keep(NAME, folder.spool.part(NAME), facts(), lambda _: None)))


def found(folder: BackupFolder, cluster: str = CLUSTER) -> tuple[Kept, ...]:
    return asyncio.run(folder.backups(cluster))


def test_backup_exists_only_when_whole(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path / "new" / "folder")
    assert received(folder) == sha256(CONTENT).hexdigest()
    assert found(folder) == ()
    path = kept(folder)
    assert path.read_bytes() == CONTENT
    assert [it.name for it in found(folder) if it.good] == [NAME]
    assert {file.stat().st_mode & 0o777 for file in folder.path.iterdir()} == {0o600}
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert found(folder, "prod") == ()
    asyncio.run(folder.remove(NAME))
    assert list(folder.path.iterdir()) == []


def test_cut_backup_or_backup_without_facts_is_not_good(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    received(folder)
    path = kept(folder)
    path.write_bytes(CONTENT[:-1])
    assert [it.good for it in found(folder)] == [False]
    path.write_bytes(CONTENT)
    path.with_suffix(".json").unlink()
    assert [it.good for it in found(folder)] == [False]


def test_discard_removes_part_file(tmp_path: Path) -> None:
    folder = BackupFolder(tmp_path)
    received(folder)
    folder.spool.discard(NAME)
    folder.spool.discard(NAME)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_created_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot write .*/file/folder: Not a directory"):
        BackupFolder(tmp_path / "file" / "folder")


async def test_local_snapshot_is_read_with_its_facts(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"content")
    snapshot = LocalSnapshot(path)
    assert await snapshot.facts() == b""
    (tmp_path / "a.json").write_bytes(b"{}")
    assert await snapshot.size_bytes() == 7
    assert b"".join([piece async for piece in snapshot.chunks()]) == b"content"
    assert await snapshot.facts() == b"{}"


async def test_missing_local_snapshot_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*: No such file"):
        await LocalSnapshot(tmp_path / "absent.db").size_bytes()
