"""The laptop's work with a snapshot, and nothing else: reads it, then copies it to every host of an inventory.

`python -m tests.bench.laptop INVENTORY SNAPSHOT`. A process of its own, so that its memory can be measured.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from orchestrator.adapters.inventory_file import load_inventory
from orchestrator.adapters.snapshot_file import open_snapshot
from orchestrator.adapters.source import FileSource
from orchestrator.adapters.ssh.fleet import Fleet
from orchestrator.adapters.templates import read_templates
from orchestrator.core.model.outcome import Ended, Output
from orchestrator.ports import Remote

RUN, ATTEMPT = "20260101t000000z-0000", "1-000000"


async def bring(inventory_path: Path, snapshot: Path) -> None:
    sha256 = open_snapshot(snapshot).facts.sha256
    inventory = load_inventory(inventory_path)
    async with Fleet(inventory, read_templates(), None) as fleet:
        opened = await fleet.open([host.name for host in inventory.hosts])

        async def push(name: str, remote: Remote | Output) -> None:
            assert not isinstance(remote, Output), remote
            settled = await remote.settle(RUN, ATTEMPT, 60)
            assert settled.ok, settled
            path = f"{inventory.host(name).paths.state}/{RUN}/snapshot.db"
            outcome = await remote.push(FileSource(snapshot), path, sha256, ATTEMPT)
            assert outcome.ended is Ended.DONE, outcome

        await asyncio.gather(*(push(name, remote) for name, remote in opened.items()))


if __name__ == "__main__":
    asyncio.run(bring(Path(sys.argv[1]), Path(sys.argv[2])))
