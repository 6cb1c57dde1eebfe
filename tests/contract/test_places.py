"""Backups and snapshots in every kind of place, each behind a real server: one suite for all."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.adapters.clock import SystemClock
from orchestrator.adapters.screen.reporters import QuietReporter
from orchestrator.adapters.ssh.fleet import Fleet
from orchestrator.adapters.stores.objects import ObjectFiles
from orchestrator.adapters.stores.spool import Spool
from orchestrator.adapters.templates import read_templates
from orchestrator.app.cluster import Cluster
from orchestrator.app.snapshot_locations import located, open_store
from orchestrator.core.scripts import Scripts
from orchestrator.core.snapshots.backups import BackupFacts, describe_backup, facts_text, name_of, read_facts
from orchestrator.core.snapshots.locations import Objects, parse_destination, parse_location
from orchestrator.distros import KUBLR
from orchestrator.errors import LoginError, OrchestratorError, UnreachableError, UsageError
from orchestrator.ports import BackupStore
from tests.contract.conftest import host, inventory
from tests.contract.sshd import Sshd, login_name, make_key
from tests.contract.swift import Swift
from tests.snapshots import make_snapshot
from tests.unit.builders import masters, snapshot_facts

CLUSTER = "prod-1"
FIRST, SECOND = (name_of(CLUSTER, f"2026-11-2{day}T03:00:07Z") for day in (2, 3))
CONTENT = bytes(range(256)) * 80_000  # 20 MB: several parts of an upload, and not a multiple of their size
KINDS = ("folder", "sftp", "s3")


@pytest.fixture
def home(tmp_path: Path, sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An operator's home folder, whose ssh_config knows the server."""
    folder = tmp_path / "home"
    (folder / ".ssh").mkdir(parents=True)
    config = f"Host 127.0.0.1\n IdentityFile {sshd.key}\n UserKnownHostsFile {sshd.known_hosts}\n"
    (folder / ".ssh" / "config").write_text(config)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return folder


@dataclass
class Site:
    """A place by its address, with its files for inspection: ``files`` is None for an object store."""

    address: str
    files: Path | None


@pytest.fixture(params=KINDS)
def site(request: pytest.FixtureRequest, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    files = tmp_path / "kept" / "here"
    if request.param == "folder":
        return Site(str(files), files)
    if request.param == "sftp":
        return Site(sftp(request.getfixturevalue("sshd"), files), files)
    server: Swift = request.getfixturevalue("swift")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return Site(f"s3://backups/{tmp_path.name}/{os.getpid()}", None)


def sftp(server: Sshd, path: Path) -> str:
    return f"sftp://{login_name()}@127.0.0.1:{server.port}{path}"


def facts(content: bytes) -> BackupFacts:
    view = masters(1, quorum=True)["master-1"]
    sums = {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return describe_backup(CLUSTER, "2026-11-23T03:00:07Z", view, snapshot_facts(1).model_copy(update=sums))


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 1 << 20):
        yield content[start : start + (1 << 20)]


async def keep(store: BackupStore, spool: Spool, name: str, content: bytes = CONTENT, *, told: bytes = CONTENT) -> str:
    """Keep ``content`` as a backup whose facts describe ``told``."""
    await spool.receive(name, chunks(content), lambda _: None)
    return await store.keep(name, spool.part(name), facts(told), lambda _: None)


async def test_backup_is_kept_listed_read_and_removed(site: Site) -> None:
    async with open_store(parse_destination(site.address)) as (store, spool):
        address = await keep(store, spool, FIRST)
        await keep(store, spool, SECOND)
        assert [(it.name, it.good) for it in await store.backups(CLUSTER)] == [(FIRST, True), (SECOND, True)]
        assert await store.backups("prod") == ()
        assert address == f"{site.address}/{FIRST}.db"
        await store.remove(SECOND)
        await store.remove(SECOND)
        assert [it.name for it in await store.backups(CLUSTER)] == [FIRST]
    async with located(parse_location(address), QuietReporter()) as found:
        assert found.path.read_bytes() == CONTENT
        assert found.address == address
        assert read_facts(found.facts) == facts(CONTENT)
        assert stat.S_IMODE(found.path.stat().st_mode) == 0o600
        here = found.path
    assert here.exists() == (site.address == str(site.files)), "what was brought here is gone with the command"
    if site.files:
        assert sorted(it.name for it in site.files.iterdir()) == [f"{FIRST}.db", f"{FIRST}.json"]
        assert {stat.S_IMODE(it.stat().st_mode) for it in site.files.iterdir()} == {0o600}
        assert stat.S_IMODE(site.files.stat().st_mode) == 0o700


async def test_snapshot_without_facts(site: Site) -> None:
    async with open_store(parse_destination(site.address)) as (store, spool):
        address = await keep(store, spool, FIRST)
    if site.files:
        (site.files / f"{FIRST}.json").unlink()
        async with located(parse_location(address), QuietReporter()) as found:
            assert found.facts == b""
    else:
        place = parse_location(f"{site.address}/none.db")
        assert isinstance(place, Objects)
        assert await ObjectFiles(place).facts() == b""


async def test_snapshot_on_master_is_read_with_its_facts(home: Path, sshd: Sshd, tmp_path: Path) -> None:
    """A master's folder as scheduled backups leave it; one snapshot there has no facts."""
    declared = inventory(host(sshd))
    for name in ("with facts.db", "without.db"):
        (tmp_path / name).write_bytes(CONTENT)
    (tmp_path / "with facts.json").write_text(facts_text(facts(CONTENT)))
    async with Fleet(declared, read_templates(), None) as fleet:
        opened = await fleet.open(["master-1"])
        cluster = Cluster(declared, KUBLR, Scripts(read_templates()), opened, SystemClock(), QuietReporter())
        for name, expected in (("with facts.db", facts(CONTENT)), ("without.db", None)):
            async with located(parse_location(f"master-1:{tmp_path}/{name}"), QuietReporter(), cluster) as found:
                assert found.path.read_bytes() == CONTENT
                assert read_facts(found.facts) == expected


async def test_altered_upload_is_not_kept(site: Site) -> None:
    """The folder is exempt: there the same file that was hashed and read is renamed."""
    if site.address == str(site.files):
        return
    async with open_store(parse_destination(site.address)) as (store, spool):
        await keep(store, spool, FIRST)
        for wrong in (CONTENT[:-1], b"x" + CONTENT[1:]):
            with pytest.raises(OrchestratorError, match="differs from the sent one"):
                await keep(store, spool, SECOND, wrong)
        assert [it.name for it in await store.backups(CLUSTER)] == [FIRST]
    if site.files:
        assert not [it for it in site.files.iterdir() if it.suffix in (".part", ".db") and it.stem != FIRST]


async def test_missing_snapshot_is_reported(site: Site) -> None:
    async with open_store(parse_destination(site.address)) as (store, spool):
        await keep(store, spool, FIRST)
    if site.address == str(site.files):
        return  # the reader of a local file reports that
    with pytest.raises(UsageError, match="cannot read"):
        async with located(parse_location(f"{site.address}/none.db"), QuietReporter()):
            pass


async def test_existing_backup_is_not_overwritten(site: Site) -> None:
    if site.address == str(site.files):
        return  # there is one spool and one name, so the second call has the newer content
    async with open_store(parse_destination(site.address)) as (store, spool):
        await keep(store, spool, FIRST)
        with pytest.raises(OrchestratorError):
            await keep(store, spool, FIRST)
        assert [it.good for it in await store.backups(CLUSTER)] == [True]


def test_stored_snapshot_is_inspected(site: Site, tmp_path: Path) -> None:
    """The program itself reads it, with its own temporary folder, and leaves nothing there."""
    path = make_snapshot(tmp_path / "snapshots", keys=50, value_bytes=100)

    async def bring() -> str:
        async with open_store(parse_destination(site.address)) as (store, spool):
            return await keep(store, spool, FIRST, path.read_bytes(), told=path.read_bytes())

    address = asyncio.run(bring())
    argv = [str(Path(sys.executable).with_name("orchestrator")), "snapshot", "inspect", address, "--json"]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert (told["path"], told["snapshot"]["sha256"]) == (address, hashlib.sha256(path.read_bytes()).hexdigest())
    assert not list(tmp_path.glob("orchestrator/*"))


async def test_unknown_host_key_refuses_store(home: Path, sshd: Sshd, tmp_path: Path) -> None:
    config = home / ".ssh" / "config"
    config.write_text(f"{config.read_text()} StrictHostKeyChecking no\n".replace(str(sshd.known_hosts), "none"))
    with pytest.raises(UnreachableError, match="host key"):
        async with open_store(parse_destination(sftp(sshd, tmp_path / "kept"))):
            pass
    assert not (tmp_path / "kept").exists()


async def test_refused_login_is_reported(home: Path, sshd: Sshd, tmp_path: Path) -> None:
    make_key(home / "other")
    config = home / ".ssh" / "config"
    config.write_text(config.read_text().replace(str(sshd.key), str(home / "other")))
    with pytest.raises(LoginError, match="refused"):
        async with open_store(parse_destination(sftp(sshd, tmp_path / "kept"))):
            pass


async def test_wrong_credentials_are_reported_but_not_printed(
    home: Path, swift: Swift, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**swift.environment, "AWS_SECRET_ACCESS_KEY": "another-secret"}.items():
        monkeypatch.setenv(name, value)
    async with open_store(parse_destination("s3://backups/wrong")) as (store, spool):
        with pytest.raises(LoginError) as told:
            await keep(store, spool, FIRST)
    assert "another-secret" not in f"{told.value} {told.value.next_step}"


async def test_plain_http_needs_permission_of_environment(
    home: Path, swift: Swift, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in swift.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    with pytest.raises(OrchestratorError):
        async with located(parse_location("s3://backups/any.db"), QuietReporter()):
            pass
