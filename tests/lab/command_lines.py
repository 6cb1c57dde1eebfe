"""Watch all command lines on this machine: the laptops', and the hosts', whose processes run on it too."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

EVERY_S = 0.1


@contextlib.contextmanager
def overheard() -> Iterator[set[str]]:
    """Collect command lines, with blanks between words. A process that runs less than EVERY_S may be missed."""
    seen: set[str] = set()
    over = threading.Event()

    def listen() -> None:
        while not over.wait(EVERY_S):
            seen.update(_all())

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _all() -> Iterator[str]:
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # the process has just ended
            yield file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
