"""The hosts on which the contract of Remote is tested.

A `Site` is what the suite needs of an implementation besides the five verbs: more laptops, and failures. To test
another implementation, add a factory to `SITES`.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from orchestrator.adapters.ssh.connection import Patience
from orchestrator.adapters.ssh.fleet import Fleet
from orchestrator.adapters.templates import read_templates
from orchestrator.core.inventory.declared import Paths, Policies
from orchestrator.core.inventory.inventory import Host, Inventory, Role
from orchestrator.core.model.outcome import Output
from orchestrator.ports import Remote
from tests.contract.sshd import Sshd, login_name

TEXTS = read_templates()
HASTE = Patience(connect_timeout_s=5, unanswered_s=15, keepalive_s=1, heartbeat_s=0.3, join_s=1)
"""The same waits as in production, only shorter."""


class Site(Protocol):
    """One host, seen by several laptops in turn or at once."""

    @property
    def state(self) -> Path:
        """The state folder on the host."""
        ...

    @property
    def folder(self) -> Path:
        """A folder on the host for the acts' effects."""
        ...

    async def laptop(self) -> Remote:
        """Open another connection to the host."""
        ...

    def cut(self) -> int:
        """Break all connections at once and return their number."""
        ...

    def kill_wrapper(self, step: str, attempt: str) -> None:
        """Kill -9 the process that runs an act, and only that one."""
        ...


class SshSite:
    """A host behind a real sshd. The tests run on that host, so its files are accessible."""

    def __init__(self, server: Sshd, folder: Path, stack: AsyncExitStack) -> None:
        self.state = folder / "state"
        self.folder = folder
        self._server = server
        self._stack = stack

    async def laptop(self) -> Remote:
        fleet = await self._stack.enter_async_context(
            Fleet(inventory(host(self._server, state=self.state)), TEXTS, None, patience=HASTE)
        )
        remote = (await fleet.open(["master-1"]))["master-1"]
        assert not isinstance(remote, Output), remote
        return remote

    def cut(self) -> int:
        return self._server.cut()

    def kill_wrapper(self, step: str, attempt: str) -> None:
        started = next(self.state.glob(f"*/steps/{step}/{attempt}/started")).read_text()
        os.kill(int(started.split()[1]), signal.SIGKILL)


@pytest.fixture(scope="session")
def public_folder() -> Iterator[Path]:
    """A folder that other users of this machine may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="orchestrator-contract-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def sshd(public_folder: Path) -> Iterator[Sshd]:
    server = Sshd.make(public_folder / "sshd")
    yield server
    server.stop()


@asynccontextmanager
async def ssh_site(server: Sshd, folder: Path) -> AsyncIterator[SshSite]:
    async with AsyncExitStack() as stack:
        yield SshSite(server, folder, stack)


SITES: dict[str, Callable[[Sshd, Path], AbstractAsyncContextManager[Site]]] = {"ssh": ssh_site}


@pytest.fixture(params=SITES)
async def site(request: pytest.FixtureRequest, sshd: Sshd, tmp_path: Path) -> AsyncIterator[Site]:
    async with SITES[request.param](sshd, tmp_path) as made:
        yield made


@pytest.fixture
async def remote(site: Site) -> Remote:
    return await site.laptop()


def host(server: Sshd, *, state: Path = Path("/nonexistent"), **settings: object) -> Host:
    """Return master-1 behind a server, as its inventory declares it; ``settings`` override."""
    declared: dict[str, object] = {
        "name": "master-1",
        "role": Role.MASTER,
        "address": "127.0.0.1",
        "node": "master-1",
        "port": server.port,
        "user": login_name(),
        "key": str(server.key),
        "known_hosts": (str(server.known_hosts),),
        "config": "none",
        "paths": Paths(state=str(state)),
    }
    return Host.model_validate(declared | settings)


def inventory(*hosts: Host) -> Inventory:
    return Inventory(format=1, cluster="contract", distribution="kublr", policies=Policies(), hosts=hosts)
