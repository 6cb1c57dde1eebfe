"""`make bench-snapshot`: `snapshot inspect` against `etcdutl snapshot status`, in turns, on the same file.

Each is its own process, measured from start to end. *Figures* is ours without the Kubernetes contents: what
`status` prints, plus the sha256 and the HashKV, which `status` does not check. Then memory and time of `inspect`
for ten times the keys, and for ten times the bytes (the largest file takes 10 GB of disk while it is made).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.cluster import KEYS, SNAPSHOTS, VALUE_BYTES
from tests.bench.figures import load
from tests.bench.memory import LARGE_VALUE_BYTES, SAMPLE_S, SMALL_VALUE_BYTES, anonymous_bytes
from tests.snapshots import ETCDUTL, make_snapshot

ROUNDS = int(os.environ.get("ROUNDS", "5"))
MANY_KEYS = 1_000_000
GOAL_BYTES = 200_000_000
FIGURES_GOAL, CONTENTS_GOAL, LINEAR_GOAL = 2, 3, 1.1

_FIGURES = """
import sys
from pathlib import Path
from orchestrator.adapters.snapshot_file import open_snapshot
from orchestrator.etcd.details import read_details
found = open_snapshot(Path(sys.argv[1]))
print(found.facts, read_details(found.database, found.keys))
"""


@dataclass(frozen=True, slots=True)
class Took:
    """The resources of one process. ``anonymous_bytes`` is the peak in /proc/PID/status."""

    wall_s: float
    cpu_s: float
    anonymous_bytes: int


def status(path: Path) -> list[str]:
    return [str(ETCDUTL), "snapshot", "status", str(path), "--write-out=json"]


def figures(path: Path) -> list[str]:
    return [sys.executable, "-c", _FIGURES, str(path)]


def inspect(path: Path) -> list[str]:
    return [sys.executable, "-m", "orchestrator", "snapshot", "inspect", str(path), "--json", "--quiet"]


def took(argv: list[str]) -> Took:
    """Run a program and measure it. Raises CalledProcessError if it fails."""
    began, peaks = time.monotonic(), [0]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLE_S):
            peaks.append(anonymous_bytes(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, code, usage = os.wait4(process.pid, 0)
    wall_s = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(code)
    ended.set()
    watcher.join()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, argv)
    return Took(wall_s, usage.ru_utime + usage.ru_stime, max(peaks))


def median(runs: list[Took]) -> Took:
    return Took(
        statistics.median(one.wall_s for one in runs),
        statistics.median(one.cpu_s for one in runs),
        max(one.anonymous_bytes for one in runs),
    )


def by_turns(path: Path, *contenders: Callable[[Path], list[str]]) -> list[Took]:
    """Return the median of each; the first round, which fills the page cache, does not count."""
    rounds = [[took(contender(path)) for contender in contenders] for _ in range(ROUNDS + 1)]
    return [median(list(runs)) for runs in zip(*rounds[1:], strict=True)]


def row(name: str, path: Path, it: Took) -> str:
    megabytes = f"{path.stat().st_size / 1e6:,.0f} MB"
    return f"| {name} | {megabytes} | {it.wall_s:.2f} s | {it.cpu_s:.2f} s | {it.anonymous_bytes / 1e6:.0f} MB |"


def main() -> int:
    print(f"load average {load()}, {ROUNDS} rounds, medians\n")
    print("| program | snapshot | wall | CPU | anonymous memory, peak |\n| --- | --: | --: | --: | --: |", flush=True)
    path = make_snapshot(SNAPSHOTS, keys=KEYS, value_bytes=VALUE_BYTES)
    theirs, ours, whole = by_turns(path, status, figures, inspect)
    for name, it in (("etcdutl snapshot status", theirs), ("figures", ours), ("snapshot inspect", whole)):
        print(row(name, path, it), flush=True)
    peaks, cpu_s = [whole.anonymous_bytes], {}
    for keys, value_bytes in ((KEYS, SMALL_VALUE_BYTES), (MANY_KEYS, SMALL_VALUE_BYTES), (KEYS, LARGE_VALUE_BYTES)):
        path = make_snapshot(SNAPSHOTS, keys=keys, value_bytes=value_bytes)
        (it,) = by_turns(path, inspect)
        peaks.append(it.anonymous_bytes)
        cpu_s[keys, value_bytes] = it.cpu_s
        print(row(f"snapshot inspect, {keys:,} keys", path, it), flush=True)
    ten_times = cpu_s[MANY_KEYS, SMALL_VALUE_BYTES] / cpu_s[KEYS, SMALL_VALUE_BYTES]
    print(f"\nload average {load()} at the end")
    print(f"ratio snapshot-figures-vs-status: {ours.wall_s / theirs.wall_s:.2f} (goal {FIGURES_GOAL})")
    print(f"ratio snapshot-inspect-vs-status: {whole.wall_s / theirs.wall_s:.2f} (goal {CONTENTS_GOAL})")
    print(f"ratio snapshot-figures-vs-status-cpu: {ours.cpu_s / theirs.cpu_s:.2f}")
    print(f"ratio snapshot-inspect-vs-status-cpu: {whole.cpu_s / theirs.cpu_s:.2f}")
    print(f"ratio snapshot-memory: {max(peaks) / GOAL_BYTES:.2f} of 200 MB (goal 1.00)")
    print(
        f"ratio snapshot-linear: {ten_times / 10:.2f} of ten times the CPU for ten times the keys (goal {LINEAR_GOAL})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
