"""Ids of runs and attempts, the laptop's name, and the run's folder."""

from __future__ import annotations

import getpass
import re
import secrets
import socket
from pathlib import Path

import platformdirs

from orchestrator.adapters.clock import SystemClock
from orchestrator.adapters.journal import FileJournal


def new_run(clock: SystemClock) -> str:
    """A new run's id: the time of its plan and four hex digits. It can be a file name."""
    return f"{clock.now_utc().replace('-', '').replace(':', '').lower()}-{secrets.token_hex(2)}"


def new_attempt(number: int) -> str:
    """A new attempt's name: its number, and a nonce that distinguishes two laptops with the same number."""
    return f"{number}-{secrets.token_hex(3)}"


def laptop() -> str:
    """USER@HOST of this laptop, shown to others; without characters that need quoting in the claim's JSON."""
    return re.sub(r"[^A-Za-z0-9@._-]", "_", f"{getpass.getuser()}@{socket.gethostname()}")


def run_folder(cluster: str, run: str) -> Path:
    """The folder of a run on this laptop."""
    return platformdirs.user_state_path("orchestrator") / cluster / run


def open_journal(cluster: str, run: str, clock: SystemClock) -> FileJournal:
    return FileJournal(run_folder(cluster, run), clock.now_utc)
