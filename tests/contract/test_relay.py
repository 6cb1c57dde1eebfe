"""A file from host to host: three hosts behind their own OpenSSH servers, and failures between them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from orchestrator.adapters.source import FileSource
from orchestrator.adapters.ssh.carrier import SshCarrier
from orchestrator.adapters.ssh.fleet import Fleet
from orchestrator.adapters.ssh.packing import Limit
from orchestrator.adapters.ssh.remote import SshRemote
from orchestrator.core.model.outcome import Ended, Outcome
from orchestrator.core.model.plan import Push
from orchestrator.core.transfer import chains
from orchestrator.core.transfer.relay import Link, Packing, Relay
from orchestrator.engine import transfer as spread_module
from orchestrator.engine.transfer import Transfers
from orchestrator.ports import Source
from tests.contract.conftest import HASTE, TEXTS, host, inventory
from tests.contract.sshd import Sshd, login_name
from tests.contract.test_remote import until

NAMES = ("one", "two", "three")
RUN = f"run-{os.getpid()}"
"""All hosts here, and other test runs, share this machine's /run."""
FIRST = "1-aaaa"


def run_of(name: str) -> str:
    return f"{RUN}-{name}"


@dataclass
class Site:
    """Three hosts. They share this machine's /run, so each has its own run."""

    folder: Path
    servers: dict[str, Sshd]
    remotes: dict[str, SshRemote] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    moved: dict[str, list[int]] = field(default_factory=dict)

    @property
    def links(self) -> tuple[Link, ...]:
        return tuple(self.link(giver, taker) for giver in NAMES for taker in NAMES if giver != taker)

    def link(self, giver: str, taker: str) -> Link:
        server = self.servers[taker]
        kind, key, *_ = (server.folder / "host_key.pub").read_text().split()
        return Link(
            giver=giver,
            taker=taker,
            address="127.0.0.1",
            port=server.port,
            login=login_name(),
            keys=str(server.folder / "authorized_keys"),
            host_key=f"{kind} {key}",
        )

    def path(self, name: str) -> Path:
        return self.folder / name / run_of(name) / "snapshot.db"

    def keys(self, name: str) -> bytes:
        return (self.servers[name].folder / "authorized_keys").read_bytes()

    async def settle(self, attempt: str) -> None:
        for name, remote in self.remotes.items():
            assert (await remote.settle(run_of(name), attempt, 5)).ok

    def transfers(self, attempt: str = FIRST, *, relay: Relay | None = None, limit: float = 0) -> Transfers:
        relay = relay or Relay(packing=Packing.ZSTD, links=self.links)
        carrier = SshCarrier({name: remote.end for name, remote in self.remotes.items()}, relay, Limit(limit))
        return Transfers(relay, carrier, attempt, self.notes.append)

    async def bring(self, transfers: Transfers, source: Source, names: tuple[str, ...] = NAMES) -> dict[str, Outcome]:
        sha256 = await source.sha256(source.size_bytes)

        async def one(name: str) -> Outcome:
            push = Push(path=str(self.path(name)), sha256=sha256, size_bytes=source.size_bytes)
            told = self.moved.setdefault(name, [])

            async def opened() -> Source:
                return source

            return await transfers.bring(name, push, opened, lambda done, total: told.append(done))

        try:
            async with asyncio.timeout(90):
                return dict(zip(names, await asyncio.gather(*(one(name) for name in names)), strict=True))
        finally:
            await transfers.close()


@pytest.fixture(scope="module")
def servers(public_folder: Path) -> Iterator[dict[str, Sshd]]:
    made = {name: Sshd.make(public_folder / f"relay-{name}") for name in NAMES}
    yield made
    for server in made.values():
        server.stop()


@pytest.fixture
async def site(request: pytest.FixtureRequest, servers: dict[str, Sshd], tmp_path: Path) -> AsyncIterator[Site]:
    """A parameter replaces parts of the patience with hosts."""
    hosts = [host(servers[name], state=tmp_path / name, name=name, node=name) for name in NAMES]
    patience = replace(HASTE, **getattr(request, "param", {}))
    async with Fleet(inventory(*hosts), TEXTS, None, patience=patience) as fleet:
        site = Site(tmp_path, servers)
        for name, remote in (await fleet.open(NAMES)).items():
            assert isinstance(remote, SshRemote), remote
            site.remotes[name] = remote
        await site.settle(FIRST)
        before = {name: site.keys(name) for name in NAMES}
        yield site
    await until(lambda: leftovers(tmp_path) == [])  # cut processes end within a moment
    assert {name: site.keys(name) for name in NAMES} == before, "every authorized_keys is as it was"


def leftovers(folder: Path) -> list[Path]:
    """Return files that no transfer may leave behind."""
    found = [path for name in NAMES for path in (folder / name).rglob("*")]
    return [path for path in found if "relay." in str(path) or ".part" in str(path)] + [
        *Path("/run").glob(f"orchestrator-{RUN}-*")
    ]


def text(path: Path, size_bytes: int, seed: int = 1) -> Path:
    """Write text that compresses about five times, like etcd's content."""
    chance = random.Random(seed)
    words = [bytes(chance.choices(range(97, 123), k=chance.randint(3, 12))) for _ in range(500)]
    with path.open("wb") as file:
        while file.tell() < size_bytes:
            file.write(b" ".join(chance.choices(words, k=2000)) + chance.randbytes(800))
        file.truncate(size_bytes)
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def whole(site: Site, source: Path) -> bool:
    return all(sha256(site.path(name)) == sha256(source) for name in NAMES)


@pytest.mark.parametrize("packing", list(Packing))
async def test_laptop_sends_once_and_every_host_gets_file(site: Site, packing: Packing) -> None:
    source = Counting(text(site.folder / "source", 20_000_000))
    outcomes = await site.bring(site.transfers(relay=Relay(packing=packing, links=site.links)), source)
    assert {outcome.ended for outcome in outcomes.values()} == {Ended.DONE}
    assert whole(site, site.folder / "source")
    assert source.read_bytes == source.size_bytes
    assert all(told[-1] == source.size_bytes for told in site.moved.values())
    assert site.notes == []


class Counting(FileSource):
    """Counts the bytes read; ``then`` is called once ``at`` bytes were read."""

    def __init__(self, path: Path, at: int = 0, then: Callable[[], object] = lambda: None) -> None:
        super().__init__(path)
        self.read_bytes = 0
        self._at, self._then = at, then

    async def chunks(self, offset: int) -> AsyncIterator[bytes]:
        async for chunk in super().chunks(offset):
            self.read_bytes += len(chunk)
            yield chunk
            if self._at and self.read_bytes >= self._at:
                self._at = 0
                self._then()


async def test_host_with_file_gets_nothing_and_passes_it_on(site: Site) -> None:
    path = text(site.folder / "source", 20_000_000)
    shutil.copy(path, site.path("two"))
    source = Counting(path)
    outcomes = await site.bring(site.transfers(), source)
    assert {outcome.ended for outcome in outcomes.values()} == {Ended.DONE}
    assert whole(site, path)
    assert source.read_bytes == 0


async def test_giver_with_changed_file_is_replaced(site: Site) -> None:
    path = text(site.folder / "source", 3_000_000)
    changed = site.folder / "changed.db"
    changed.write_bytes(path.read_bytes()[:-1] + b"!")
    source = FileSource(path)
    push = Push(
        path=str(site.path("two")),
        sha256=sha256(path),
        size_bytes=source.size_bytes,
        source_host="one",
        source_path=str(changed),
    )

    async def opened() -> Source:
        return source

    transfers = site.transfers()
    outcome = await transfers.bring("two", push, opened, lambda done, total: None)
    await transfers.close()
    assert outcome.ended is Ended.DONE
    assert sha256(site.path("two")) == sha256(path)
    assert site.notes == ["one cannot send it to two: it has another file"]


async def test_file_with_other_sha256_is_refused(site: Site) -> None:
    path = text(site.folder / "source", 3_000_000)
    push = Push(path=str(site.path("one")), sha256="0" * 64, size_bytes=3_000_000)

    async def opened() -> Source:
        return FileSource(path)

    transfers = site.transfers()
    outcome = await transfers.bring("one", push, opened, lambda done, total: None)
    await transfers.close()
    assert outcome.ended is Ended.FAILED and sha256(path) in outcome.detail
    for part in site.path("one").parent.glob("*.part.*"):
        part.unlink()  # left for another attempt to resume from


async def test_without_links_each_host_gets_file_from_laptop(site: Site) -> None:
    source = Counting(text(site.folder / "source", 5_000_000))
    outcomes = await site.bring(site.transfers(relay=Relay(packing=Packing.GZIP)), source)
    assert {outcome.ended for outcome in outcomes.values()} == {Ended.DONE}
    assert whole(site, site.folder / "source")
    assert source.read_bytes == 3 * source.size_bytes


async def test_unexpected_host_key_gets_no_byte(site: Site) -> None:
    path = text(site.folder / "source", 5_000_000)
    strange = site.link("one", "two").host_key
    links = tuple(
        link.model_copy(update={"host_key": strange}) if link.taker == "three" else link for link in site.links
    )
    outcomes = await site.bring(site.transfers(relay=Relay(packing=Packing.ZSTD, links=links)), FileSource(path))
    assert {outcome.ended for outcome in outcomes.values()} == {Ended.DONE}
    assert whole(site, path)
    assert any("three" in note and "erification failed" in note for note in site.notes), site.notes


async def test_slow_host_does_not_delay_others(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    path = text(site.folder / "source", 20_000_000)
    monkeypatch.setattr(chains, "LATE_S", 3.0)
    monkeypatch.setattr(chains, "LATE", 0.0)

    def stand_still() -> None:
        (reader,) = (site.folder / "two").rglob("reader")
        os.kill(int(reader.read_text().split()[1]), signal.SIGSTOP)

    source = Counting(path, 10_000_000, stand_still)
    outcomes = await site.bring(site.transfers(limit=2_000_000), source)
    assert {outcome.ended for outcome in outcomes.values()} == {Ended.DONE}
    assert whole(site, path)
    assert site.notes == ["two is slow, and no longer sends to others"]
    assert source.read_bytes == source.size_bytes, "the rest came from a master"


async def test_hanging_giver_is_replaced(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    path = text(site.folder / "source", 3_000_000)
    monkeypatch.setattr(spread_module, "STILL_S", 2.0)
    listening = socket.create_server(("127.0.0.1", 0))  # an sshd that accepts the connection and never answers
    dead = site.link("one", "two").model_copy(update={"port": listening.getsockname()[1]})
    links = tuple(dead if (link.giver, link.taker) == ("one", "two") else link for link in site.links)
    outcomes = await site.bring(site.transfers(relay=Relay(packing=Packing.ZSTD, links=links)), FileSource(path))
    listening.close()
    assert {outcome.ended for outcome in outcomes.values()} == {Ended.DONE}
    assert whole(site, path)
    assert any(note == "one cannot send it to two: no data for 2 s" for note in site.notes), site.notes


async def test_cut_transfer_sends_little_twice(site: Site) -> None:
    path = text(site.folder / "source", 40_000_000)
    source = Counting(path, 20_000_000, site.servers["one"].cut)
    outcomes = await site.bring(site.transfers(limit=4_000_000), source)
    assert {outcome.ended for outcome in outcomes.values()} == {Ended.DONE}
    assert whole(site, path)
    assert source.read_bytes <= 1.15 * source.size_bytes  # bytes packed in advance or in flight were read, too


@pytest.mark.parametrize("site", [{"unanswered_s": 2}], ids=["impatient"], indirect=True)
async def test_dead_host_in_the_middle_does_not_stop_others(site: Site) -> None:
    path = text(site.folder / "source", 30_000_000)

    def die() -> None:
        site.servers["two"].stop()

    outcomes = await site.bring(site.transfers(limit=4_000_000), Counting(path, 15_000_000, die))
    site.servers["two"].start()
    assert {name: outcome.ended for name, outcome in outcomes.items()} == {
        "one": Ended.DONE,
        "two": Ended.LOST,
        "three": Ended.DONE,
    }
    assert sha256(site.path("one")) == sha256(site.path("three")) == sha256(path)
    await asyncio.sleep(1)
    await site.settle("2-bbbb")
    outcomes = await site.bring(site.transfers("2-bbbb"), FileSource(path))
    assert {outcome.ended for outcome in outcomes.values()} == {Ended.DONE}
    assert whole(site, path)


async def test_byte_changed_on_one_host_does_not_reach_the_next(site: Site) -> None:
    path = text(site.folder / "source", 30_000_000)

    def flip() -> None:
        for part in (site.folder / "two").rglob("snapshot.db.part.*"):
            with part.open("r+b") as file:
                file.seek(1000)
                file.write(b"?!")

    outcomes = await site.bring(site.transfers(limit=4_000_000), Counting(path, 20_000_000, flip))
    assert {outcome.ended for outcome in outcomes.values()} == {Ended.DONE}
    # The sum covers the stream; the barrier hashes the file on the disk again, after the last rename.
    assert sha256(site.path("one")) == sha256(site.path("three")) == sha256(path)


async def test_dead_laptop_leaves_no_key_and_no_process(site: Site) -> None:
    path = text(site.folder / "source", 60_000_000)
    transfers = site.transfers(limit=2_000_000)
    bringing = asyncio.create_task(site.bring(transfers, FileSource(path)))
    while not all(any(done > 5_000_000 for done in site.moved.get(name, ())) for name in NAMES):
        await asyncio.sleep(0.1)
    assert all(b"orchestrator" not in site.keys(name) for name in NAMES), "the keys were for the beginning only"
    for name in NAMES:
        site.servers[name].cut()
    bringing.cancel()
    await asyncio.gather(bringing, return_exceptions=True)
    await until(lambda: not processes(str(site.folder)))  # processes that lost their laptop end on their own
    await site.settle("2-bbbb")
    source = Counting(path)
    assert {end.ended for end in (await site.bring(site.transfers("2-bbbb"), source)).values()} == {Ended.DONE}
    assert whole(site, path)
    assert 0 < source.read_bytes < source.size_bytes


async def test_settle_removes_leftovers_of_crash(site: Site) -> None:
    run = site.folder / "one" / run_of("one")
    pipes = Path(f"/run/orchestrator-{run.name}")
    keys = site.servers["one"].folder / "authorized_keys"
    before = keys.read_bytes()
    keys.write_bytes(
        before + f'restrict,command="exec cat >/run/x" ssh-ed25519 AAAA orchestrator-{run.name}\n'.encode()
    )
    (run / "relay.keys").write_text(f"{keys}\n")
    (run / "relay.1-aaaa-7").mkdir()
    (run / "relay.1-aaaa-7" / "key").write_text("secret")
    pipes.mkdir()
    os.mkfifo(pipes / "1-aaaa-7")
    await site.settle("2-bbbb")
    assert keys.read_bytes() == before
    assert not list(run.glob("relay*")) and not pipes.exists()


def processes(mark: str) -> list[str]:
    """Return the command lines of processes that belong to a transfer below that folder, without heartbeats."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if mark in line and "\nheartbeat " not in line:
            found.append(line[-500:])
    return found
