"""The sources of a plan's pushes: a file on this laptop, on a master, or at the snapshot's address."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.adapters.source import FileSource, RemoteSource
from orchestrator.app.cluster import Cluster
from orchestrator.app.snapshot_locations import fetch, private_spool
from orchestrator.core.model.outcome import Command
from orchestrator.core.model.plan import Plan, Push, Script
from orchestrator.core.runs.progress import resume
from orchestrator.core.snapshots.locations import Objects, Sftp, parse_location
from orchestrator.errors import HaltedError, UsageError, program
from orchestrator.ports import Source


@dataclass(slots=True)
class Sources:
    """The sources of one attempt. ``snapshot`` is a local file: the operator's, or a copy that was made to read it.
    ``is_first``: the plan was made from that file just now, so it is not hashed again."""

    cluster: Cluster
    plan: Plan
    snapshot: Path | None
    is_first: bool
    _file: FileSource | None = field(default=None)
    _one_by_one: asyncio.Lock = field(default_factory=asyncio.Lock)
    _stack: ExitStack = field(default_factory=ExitStack)

    async def open(self, push: Push) -> Source:
        """The source of a push. Raises UsageError or HaltedError if the bytes are not available."""
        if push.source_host and not (push.sha256 and self.snapshot):
            return await self._from_host(push)
        if self.plan.tool and push.sha256 == self.plan.tool.sha256:
            return self._tool()
        async with self._one_by_one:
            if self._file is None:
                self._file = await self._on_this_laptop(push.sha256)
        return self._file or await self._on_a_master(push) or await self._from_afar(push)

    def close(self) -> None:
        """Delete the copies that were made on this laptop."""
        self._stack.close()

    async def _from_host(self, push: Push) -> Source:
        """The file on the push's source host. A snapshot may come from another master that has the same sha256."""
        remote = self.cluster.remotes.get(push.source_host)
        if remote:
            output = await remote.look(Command(("stat", "-L", "-c", "%s", push.source_path)))
            if output.exit_code == 0 and int(output.text) == (push.size_bytes or int(output.text)):
                return self._relayed(push.source_host, push.source_path, int(output.text))
        if push.sha256 and (other := await self._on_a_master(push)):
            return other
        state = "has changed" if remote else "is not available: the host does not answer"
        raise HaltedError(f"{push.source_host}: {push.source_path} {state}", resume(self.plan.run))

    def _tool(self) -> Source:
        assert self.plan.tool is not None
        path = Path(self.plan.tool.path)
        if not path.is_file():
            text = f"{path}, which this run copies to the masters, is not on this laptop; put it there"
            raise UsageError(text, resume(self.plan.run))
        return FileSource(path)

    async def _on_this_laptop(self, sha256: str) -> FileSource | None:
        """The local file, if its sha256 is right. Raises UsageError if the operator names a wrong file."""
        path = self.snapshot or Path(self.plan.snapshot_path)  # an address is not the name of a file
        if not path.is_file():
            if self.snapshot:
                raise UsageError(f"the snapshot {path} does not exist", program("ls", "-l", str(path)))
            return None
        source = FileSource(path)
        if self.is_first or await source.sha256(source.size_bytes) == sha256:
            return source
        if self.snapshot:
            raise self._missing(f"{path} is not the run's file", sha256)
        return None

    async def _on_a_master(self, push: Push) -> Source | None:
        """The file on the first master that has it intact; its bytes pass through this laptop."""
        for host in self.plan.inventory.masters:
            path = f"{host.paths.state}/{self.plan.run}/snapshot.db"
            script = Script(file="stage/is_received.sh", values={"path": path, "sha256": push.sha256})
            same = await self.cluster.remotes[host.name].look(self.cluster.command(script))
            if same.exit_code == 0:
                return self._relayed(host.name, path, push.size_bytes, push.sha256)
        return None

    def _relayed(self, host: str, path: str, size_bytes: int, sha256: str = "") -> RemoteSource:
        return RemoteSource(
            self.cluster.remotes[host], path, size_bytes, self.cluster.scripts["observe/head.sh"], sha256
        )

    async def _from_afar(self, push: Push) -> Source:
        """The file from the address in the plan, copied once for all masters."""
        location = parse_location(self.plan.snapshot_path)
        if not isinstance(location, Sftp | Objects):
            raise self._missing("the run's snapshot is neither on this laptop nor intact on a master", push.sha256)
        async with self._one_by_one:
            if self._file is None:
                found = await fetch(location, self._stack.enter_context(private_spool()), self.cluster.reporter)
                source = FileSource(found.path)
                if await source.sha256(source.size_bytes) != push.sha256:
                    raise self._missing(f"{location} is not the run's file", push.sha256)
                self._file = source
        return self._file

    def _missing(self, what: str, sha256: str) -> UsageError:
        text = f"{what}: resume with `--snapshot FILE` and the file whose sha256 is {sha256}"
        return UsageError(text)
