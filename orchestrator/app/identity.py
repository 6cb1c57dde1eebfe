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
    """A run's id: when it was planned, and four hex digits; fit for file names."""
    return f"{clock.now_utc().replace('-', '').replace(':', '').lower()}-{secrets.token_hex(2)}"


def new_attempt(number: int) -> str:
    """An attempt: its number, and a nonce that tells two laptops with the same number apart."""
    return f"{number}-{secrets.token_hex(3)}"


def laptop() -> str:
    """Who is at work, for the eyes of others; without what would need quoting in the claim's JSON."""
    return re.sub(r"[^A-Za-z0-9@._-]", "_", f"{getpass.getuser()}@{socket.gethostname()}")


def run_folder(cluster: str, run: str) -> Path:
    """The laptop's own folder of a run."""
    return platformdirs.user_state_path("orchestrator") / cluster / run


def open_journal(cluster: str, run: str, clock: SystemClock) -> FileJournal:
    return FileJournal(run_folder(cluster, run), clock.now_utc)
