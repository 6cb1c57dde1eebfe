"""How a command ends: two lines and an exit code, whatever has become of the terminal."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from orchestrator.errors import OrchestratorError


def fail(error: OrchestratorError, inventory: Path | None) -> NoReturn:
    """Says what went wrong and what to type next. Raises SystemExit."""
    from orchestrator.adapters import report

    error.next_step = error.next_step.replace("INVENTORY", str(inventory or "INVENTORY"))
    with suppress(OSError):  # the terminal is gone
        report.print_error(report.stderr(), error)
    raise SystemExit(error.exit_code) from error


def leave(code: int | str) -> NoReturn:
    """Where the terminal is gone, nothing of what is still to be written may change the exit code."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    raise SystemExit(code)
