"""`make bench-memory`: the laptop's anonymous memory while it reads a snapshot and copies it to three hosts.

The hosts are three real sshd on loopback. The snapshots have equally many keys; the largest takes 10 GB of disk
while it is made, and 12 GB while it is pushed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.bench.cluster import KEYS, SNAPSHOTS, VALUE_BYTES
from tests.contract.sshd import Sshd, login_name
from tests.snapshots import make_snapshot

HOSTS = ("master-1", "master-2", "master-3")
SMALL_VALUE_BYTES, LARGE_VALUE_BYTES = 130, 39_000  # 20 MB, 4 GB
GOAL_BYTES, GOAL_SPREAD = 150_000_000, 1.10
SAMPLE_S = 0.01

_INVENTORY = {
    "format": 1,
    "cluster": "bench",
    "distribution": "kublr",
    "policies": {"volumes": "none"},
    "defaults": {"user": login_name(), "config": "none"},
}


@dataclass(frozen=True, slots=True)
class Peak:
    """The peak of anonymous memory of the laptop's process, from its own /proc/PID/status."""

    snapshot_bytes: int
    anonymous_bytes: int
    took_s: float


def measure(inventory: Path, snapshot: Path) -> Peak:
    """Run the laptop's work on one snapshot. Raises CalledProcessError if it fails."""
    began = time.monotonic()
    argv = [sys.executable, "-m", "tests.bench.laptop", str(inventory), str(snapshot)]
    peak = 0
    with subprocess.Popen(argv) as process:
        while process.poll() is None:
            peak = max(peak, anonymous_bytes(process.pid))
            time.sleep(SAMPLE_S)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, argv)
    return Peak(snapshot.stat().st_size, peak, time.monotonic() - began)


def anonymous_bytes(pid: int) -> int:
    """Return RssAnon of a process (proc(5), /proc/pid/status); 0 if it has ended or not started."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon:")), 0)


@contextmanager
def three_hosts() -> Iterator[Path]:
    """Yield the inventory of three hosts on loopback; their files are removed after the block."""
    with tempfile.TemporaryDirectory(prefix="orchestrator-bench-") as name, ExitStack() as servers:
        folder = Path(name)
        folder.chmod(0o755)  # a login reads its keys there
        hosts = {}
        for host in HOSTS:
            server = Sshd.make(folder / host)
            servers.callback(server.stop)
            hosts[host] = {
                "address": "127.0.0.1",
                "port": server.port,
                "key": str(server.key),
                "known_hosts": [str(server.known_hosts)],
                "paths": {"state": str(folder / host / "state")},
            }
        inventory = folder / "inventory.yml"
        inventory.write_text(yaml.safe_dump(_INVENTORY | {"masters": {"hosts": hosts}}))
        yield inventory


def spread(peaks: list[Peak]) -> float:
    """Return the largest figure divided by the smallest."""
    figures = [peak.anonymous_bytes for peak in peaks]
    return max(figures) / min(figures)


def main() -> int:
    print("| snapshot | keys | anonymous memory, peak | took |\n| --: | --: | --: | --: |", flush=True)
    peaks = []
    for value_bytes in (SMALL_VALUE_BYTES, VALUE_BYTES, LARGE_VALUE_BYTES):
        snapshot = make_snapshot(SNAPSHOTS, keys=KEYS, value_bytes=value_bytes)
        with three_hosts() as inventory:
            peak = measure(inventory, snapshot)
        peaks.append(peak)
        megabytes = f"{peak.snapshot_bytes / 1e6:,.0f} MB | {KEYS:,} | {peak.anonymous_bytes / 1e6:.1f} MB"
        print(f"| {megabytes} | {peak.took_s:.0f} s |", flush=True)
    largest = max(peak.anonymous_bytes for peak in peaks)
    print(f"\nratio memory: {largest / GOAL_BYTES:.2f} of 150 MB (goal 1.00)")
    print(f"ratio memory-largest-vs-smallest: {spread(peaks):.2f} (goal {GOAL_SPREAD:.2f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
