"""`make bench-help`: how long `orchestrator --help` takes, compared with a Python that does nothing."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 10
GOAL_S = 0.3
ORCHESTRATOR = str(Path(sys.executable).with_name("orchestrator"))


def seconds(*argv: str) -> tuple[float, float]:
    """Return the median wall clock and CPU time of a command."""
    walls, works = [], []
    for _ in range(RUNS):
        before, began = os.times(), time.monotonic()
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        after = os.times()
        walls.append(time.monotonic() - began)
        works.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return statistics.median(walls), statistics.median(works)


def main() -> int:
    python = seconds(sys.executable, "-c", "pass")
    whole = seconds(ORCHESTRATOR, "--help")
    print("| command | wall clock | processor |\n| --- | --: | --: |")
    print(f"| python -c pass | {python[0]:.2f} s | {python[1]:.2f} s |")
    print(f"| orchestrator --help | {whole[0]:.2f} s | {whole[1]:.2f} s |")
    print(f"\nratio help: {whole[0] / GOAL_S:.2f} of {GOAL_S} s (goal 1.00); load average {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
