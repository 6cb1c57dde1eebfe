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


def run(
    argv: list[str], stdin: bytes = b"", environment: dict[str, str] | None = None, within_s: float | None = None
) -> str:
    """Run a command and return its standard output. Raises LabError if it fails or times out."""
    variables = {**os.environ, **(environment or {})}
    try:
        done = subprocess.run(argv, input=stdin, capture_output=True, check=False, env=variables, timeout=within_s)
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(argv)}: no end within {within_s} s\n{(error.stderr or b'').decode()}") from error
    if done.returncode != 0:
        raise LabError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stderr.decode(errors='replace')}")
    return done.stdout.decode()


def each(chosen: Iterable[T], act: Callable[[T], object]) -> None:
    """Act on all items at the same time; when all have ended, raise the first error."""
    with ThreadPoolExecutor() as pool:
        for _ in pool.map(act, chosen):
            pass


def wait(done: Callable[[], bool], what: str, within_s: float = WITHIN_S) -> None:
    """Wait until the condition is true. Raises LabError on timeout."""
    deadline = time.monotonic() + within_s
    while not done():
        if time.monotonic() > deadline:
            raise LabError(f"no {what} within {within_s:.0f} s")
        time.sleep(0.3)
