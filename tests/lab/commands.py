"""How the lab runs commands on this machine, several at a time, and waits."""

import os
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

WITHIN_S = 90.0
T = TypeVar("T")


class LabError(Exception):
    """A command of the lab failed; the message has its output."""


def run(argv: list[str], stdin: bytes = b"", environment: dict[str, str] | None = None) -> str:
    """The standard output of a command. Raises LabError when it fails."""
    variables = {**os.environ, **(environment or {})}
    done = subprocess.run(argv, input=stdin, capture_output=True, check=False, env=variables)
    if done.returncode != 0:
        raise LabError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stderr.decode(errors='replace')}")
    return done.stdout.decode()


def each(chosen: Iterable[T], act: Callable[[T], object]) -> None:
    """Acts on all at the same time; when all have ended, raises the first error there was."""
    with ThreadPoolExecutor() as pool:
        for _ in pool.map(act, chosen):
            pass


def wait(done: Callable[[], bool], what: str) -> None:
    """Waits until it is done. Raises LabError after 90 s."""
    deadline = time.monotonic() + WITHIN_S
    while not done():
        if time.monotonic() > deadline:
            raise LabError(f"no {what} within {WITHIN_S:.0f} s")
        time.sleep(0.3)
