"""Questions on the terminal, and the signals that end a run."""

from __future__ import annotations

import asyncio
import getpass
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from orchestrator.core.inventory.inventory import Host, Inventory
from orchestrator.engine.stop import Stop
from orchestrator.errors import LoginError, program

_last_signal = 0


def last_signal() -> int:
    """The newest signal that this process has received; 0 for none."""
    return _last_signal


class stop_on_signals:  # noqa: N801 - used as a statement
    """First SIGINT or SIGTERM: start no new steps. A second one, or SIGHUP: exit now; running steps finish on hosts."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._task = asyncio.current_task()

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._handle, number)

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)

    def _handle(self, number: int) -> None:
        global _last_signal
        _last_signal = number
        again = bool(self._stop.signal_number)
        self._stop.signal_number = number
        if again or number == signal.SIGHUP or not self._stop.gracefully:
            if self._task:
                self._task.cancel()
            return
        print(
            "\ninterrupted: waiting for running steps to finish; press Ctrl-C again to leave now",
            file=sys.stderr,
        )


def sudo_password(inventory: Inventory) -> Callable[[str], str]:
    """Ask on the terminal, or read the file that ORCHESTRATOR_SUDO_PASSWORD_FILE names; one answer for all hosts."""
    known: list[str] = []

    def ask(host: str) -> str:
        if not known:
            known.append(_read_password(inventory.host(host)))
        return known[0]

    return ask


def _read_password(host: Host) -> str:
    if name := os.environ.get("ORCHESTRATOR_SUDO_PASSWORD_FILE"):
        path = Path(name)
        if path.stat().st_mode & 0o077:
            raise LoginError(f"{path} is readable by other users", program("chmod", "600", str(path)))
        return path.read_text(encoding="utf-8").rstrip("\n")
    if not sys.stdin.isatty():
        raise LoginError(
            f"{host.name}: sudo needs a password, but there is no terminal to ask on; "
            "set ORCHESTRATOR_SUDO_PASSWORD_FILE to a file that only you can read"
        )
    return getpass.getpass(f"sudo password for {host.user or getpass.getuser()} on {host.name}: ")


async def ask(question: str) -> str:
    """Read one typed line, without the blanks around it. Connections stay alive meanwhile, and a signal ends it."""
    print(f"\n{question}", end="", file=sys.stderr, flush=True)
    loop = asyncio.get_running_loop()
    typed: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        if not typed.done():
            typed.set_result(sys.stdin.readline())

    loop.add_reader(sys.stdin, read)
    try:
        return (await typed).strip()
    finally:
        loop.remove_reader(sys.stdin)
