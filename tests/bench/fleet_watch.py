"""Runs a program and measures it with all its children, including daemons. It is also a program:

    python -m tests.bench.fleet_watch OUTPUT PROGRAM ARGUMENT...

prints one line of JSON. Daemons that the program leaves behind (ssh's shared connections) are ended, and count.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.contract.sshd import children

SAMPLE_S = 0.2
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Used:
    """The resources that a program used.

    ``wall_s`` ends with the program, ``cpu_s`` with the last of its daemons. ``peak_bytes`` is the peak memory of
    the process tree, with shared pages counted once (Pss).
    """

    exit_code: int
    wall_s: float
    cpu_s: float
    peak_bytes: int


def watch(output: Path, argv: list[str]) -> Used:
    """Run a program, in a process that has no other children, with its output in a file."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)  # daemons become our children, not init's
    over, peaks = threading.Event(), [0]
    watcher = threading.Thread(target=_sample, args=(over, peaks))
    watcher.start()
    began = time.monotonic()
    with output.open("wb") as file:
        exit_code = subprocess.call(argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    wall_s = time.monotonic() - began
    over.set()
    watcher.join()
    while left := children(os.getpid()):
        for pid in left:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Used(exit_code, wall_s, usage.ru_utime + usage.ru_stime, max(peaks))


def measured(output: Path, argv: list[str], environment: dict[str, str]) -> Used:
    """Run ``watch`` in a process of its own. Raises CalledProcessError if the program fails."""
    mine = [sys.executable, "-m", "tests.bench.fleet_watch", str(output), *argv]
    done = subprocess.run(mine, env=os.environ | environment, stdout=subprocess.PIPE, check=True, text=True)
    used = Used(**json.loads(done.stdout))
    if used.exit_code:
        raise subprocess.CalledProcessError(used.exit_code, argv, output.read_text(errors="replace")[-2000:])
    return used


def _sample(over: threading.Event, peaks: list[int]) -> None:
    """Sample memory rarely enough that sampling takes at most a twentieth of one processor."""
    pause_s = SAMPLE_S
    while not over.wait(pause_s):
        began = time.thread_time()
        peaks.append(sum(_pss_bytes(pid) for pid in _descendants(os.getpid())))
        pause_s = max(SAMPLE_S, 20 * (time.thread_time() - began))


def _descendants(pid: int) -> list[int]:
    found = children(pid)
    return [*found, *(further for child in found for further in _descendants(child))]


def _pss_bytes(pid: int) -> int:
    """Return the Pss of a process; 0 if it has just ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    print(json.dumps(asdict(watch(Path(sys.argv[1]), sys.argv[2:]))))
