"""Our side of `make bench-fleet`: logs in to all workers of an inventory, looks at each, and disconnects.

    python -m tests.bench.fleet_client INVENTORY

prints one line of JSON. The process does nothing else, so that its memory is that of the connections.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from pathlib import Path

from orchestrator.adapters.clock import SystemClock
from orchestrator.adapters.inventory_file import load_inventory
from orchestrator.adapters.ssh.fleet import Fleet
from orchestrator.adapters.templates import read_templates
from orchestrator.core.scripts import Scripts
from orchestrator.distros import DISTROS
from orchestrator.engine.observe import observe


def resident_bytes() -> int:
    """Return VmRSS of this process now (proc(5), /proc/pid/status)."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))


async def facts(inventory_path: Path) -> dict[str, float]:
    """Measure the product's own way from an inventory to the facts of its workers."""
    inventory = load_inventory(inventory_path)
    templates = read_templates()
    scripts, distro = Scripts(templates), DISTROS[inventory.distribution]
    names = [host.name for host in inventory.workers]
    before = resident_bytes()
    began = time.monotonic()
    async with Fleet(inventory, templates, None) as fleet:
        opened = await fleet.open(names)
        opened_at = time.monotonic()
        connected = resident_bytes()
        looking_at = time.monotonic()
        seen = await observe(inventory, opened, distro, scripts, SystemClock())
        looked_at = time.monotonic()
    return {
        "answers": len(seen.views),
        "open_s": opened_at - began,
        "look_s": looked_at - looking_at,
        "close_s": time.monotonic() - looked_at,
        "host_bytes": (connected - before) / len(names),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(facts(Path(sys.argv[1])))))
