"""The first process of a demo host: starts its services and its SSH server, and ends with all of them.

    init.py SSHD-ARGUMENT...

In a process namespace it is number 1. On a host that is only a folder it adopts orphans too
(``PR_SET_CHILD_SUBREAPER``, prctl(2)), so that every process of the host descends from it. It ends on SIGTERM (sent
by the stand-in's ``systemctl reboot``), when its SSH server ends, or when its parent, which simulates the power
supply, is gone (``PR_SET_PDEATHSIG``).

This file imports nothing of the project, so that it can be copied into a host and run there.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None)


def main() -> None:
    adopt_orphans()
    die_with_parent(signal.SIGTERM)
    signal.signal(signal.SIGTERM, _end)
    environment = {**os.environ, "STANDIN_INIT": str(os.getpid())}
    try:
        subprocess.Popen(["systemctl", "default"], env=environment)
        sshd = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("sshd.py")), *sys.argv[1:]], env=environment
        )
        while os.wait()[0] != sshd.pid:
            pass
    finally:
        end_descendants()


def _end(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not interrupt the cleanup
    sys.exit(0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(number: int) -> None:
    """Receive that signal when the thread that started this process ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def end_descendants() -> None:
    """Send SIGKILL to every process that descends from this one, until none is left."""
    while children := descendants(os.getpid()):
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.wait()


def descendants(ancestor: int) -> set[int]:
    """Return the ids of all processes below ``ancestor``, including zombies."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found: set[int] = set()
    level = {ancestor}
    while level:
        level = {pid for pid, parent in parents.items() if parent in level} - found
        found |= level
    return found


if __name__ == "__main__":
    main()
