"""`make bench-snapshot`: `snapshot inspect` and `verify` beside etcdutl's `snapshot status`, on the same file by turns.

`inspect` always reads what Kubernetes has in the file, too: etcdutl has nothing like that. Both goals are held against
the one figure.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.cluster import KEYS, SNAPSHOTS, VALUE_BYTES
from tests.bench.figures import load, machine
from tests.bench.memory import anonymous_bytes
from tests.snapshots import ETCDUTL, make_snapshot

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SAMPLE_S = 0.01
ORCHESTRATOR = str(Path(sys.executable).with_name("orchestrator"))
GOAL_SAME, GOAL_CONTENTS, GOAL_BYTES = 2.0, 3.0, 200_000_000


@dataclass(slots=True)
class Timed:
    """One command's runs: wall clock and processor seconds, and the most anonymous memory."""

    name: str
    argv: list[str]
    walls_s: list[float] = field(default_factory=list)
    works_s: list[float] = field(default_factory=list)
    peak_bytes: int = 0

    def run(self) -> None:
        before, began = os.times(), time.monotonic()
        with subprocess.Popen(self.argv, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None:
                self.peak_bytes = max(self.peak_bytes, anonymous_bytes(process.pid))
                time.sleep(SAMPLE_S)
        assert process.returncode == 0, self.argv
        after = os.times()
        self.walls_s.append(time.monotonic() - began)
        self.works_s.append(after.children_user + after.children_system - before.children_user - before.children_system)

    def row(self) -> str:
        wall, work = statistics.median(self.walls_s), statistics.median(self.works_s)
        return f"| {self.name} | {wall:.2f} s | {work:.2f} s | {self.peak_bytes / 1e6:.0f} MB |"


def main() -> int:
    path = make_snapshot(SNAPSHOTS, keys=KEYS, value_bytes=VALUE_BYTES)
    commands = [
        Timed("etcdutl snapshot status", [str(ETCDUTL), "snapshot", "status", str(path)]),
        Timed("orchestrator snapshot inspect", [ORCHESTRATOR, "snapshot", "inspect", "-q", str(path)]),
        Timed("orchestrator snapshot verify", [ORCHESTRATOR, "snapshot", "verify", "-q", str(path)]),
    ]
    path.read_bytes()  # all of them find it in the page cache
    for _ in range(ROUNDS):
        for command in commands:
            command.run()
    theirs, ours, _ = commands
    print(f"{path.stat().st_size / 1e6:.0f} MB, {KEYS:,} keys; {ROUNDS} rounds, medians; {machine()}; load {load()}\n")
    print("| command | wall clock | processor | RssAnon |\n| --- | --: | --: | --: |")
    print("\n".join(command.row() for command in commands))
    ratio = statistics.median(ours.walls_s) / statistics.median(theirs.walls_s)
    print(f"\nratio inspect-same-figures: {ratio:.2f} (goal {GOAL_SAME:.2f})")
    print(f"ratio inspect-with-contents: {ratio:.2f} (goal {GOAL_CONTENTS:.2f})")
    print(f"ratio inspect-memory: {ours.peak_bytes / GOAL_BYTES:.2f} of 200 MB (goal 1.00)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
