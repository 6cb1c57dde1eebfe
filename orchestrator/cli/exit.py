"""The end of a command: two lines and an exit code, even if the terminal is gone."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from orchestrator.errors import InterruptedRunError, OrchestratorError, again, ours

if TYPE_CHECKING:
    from orchestrator.app.running import CompletedRun


def run_alone(work: Callable[[], None]) -> None:
    """Like `run_command`, for a command that asks no host."""
    try:
        work()
    except OrchestratorError as error:
        fail(error, None)
    except KeyboardInterrupt:
        fail(InterruptedRunError("interrupted", again(), signal_number=signal.SIGINT), None)


def run_command(work: Callable[[], Coroutine[Any, Any, None]], inventory: Path | None = None) -> None:
    """Run one command, and turn an error into two lines and an exit code."""
    import asyncio

    try:
        asyncio.run(work())
    except OrchestratorError as error:
        fail(error, inventory)
    except (KeyboardInterrupt, asyncio.CancelledError):
        from orchestrator.app.terminal import last_signal

        left = InterruptedRunError(
            "aborted; steps already running on hosts will finish on their own",
            ours("resume"),
            signal_number=last_signal() or signal.SIGINT,
        )
        fail(left, inventory)


_answered = False
"""Whether this command has printed its document."""


def print_json(value: Any) -> None:
    """Print the command's only document on standard output."""
    global _answered
    _answered = True
    print(json.dumps(value, indent=2, sort_keys=True), flush=True)


def print_ended(ended: CompletedRun, inventory: Path, *, as_json: bool) -> None:
    """Print the result. Then raises the error that keeps the run open, if there is one."""
    from orchestrator.adapters.screen import report

    try:
        _print_result(ended, inventory, as_json=as_json)
    except OSError as error:  # the run has ended as it has, whoever can read of it
        with suppress(OSError):
            report.stderr().print(f"cannot write the report: {error.strerror}", soft_wrap=True)
    if ended.error:
        raise ended.error


def _print_result(ended: CompletedRun, inventory: Path, *, as_json: bool) -> None:
    from orchestrator.adapters.screen import report

    if as_json:
        print_json(report.result_json(ended.plan, ended.result, ended.total_s, ended.evidence, ended.served))
    else:
        if ended.evidence and ended.plan.restored:
            report.print_evidence(report.stdout(), ended.plan.restored, ended.evidence)
        report.print_result(report.stdout(), ended.plan, ended.result, ended.total_s, inventory, ended.served)


def fail(error: OrchestratorError, inventory: Path | None) -> NoReturn:
    """Print the error and the next command; with `--json`, also as the command's document. Raises SystemExit."""
    from orchestrator.adapters.screen import report

    following = error.next_step.line(str(inventory or ""), sys.argv[1:]) if error.next_step else ""
    with suppress(OSError):  # the terminal is gone
        report.print_error(report.stderr(), error, following)
    if "--json" in sys.argv[1:] and not _answered:  # asked here, for a command with a wrong option never begins
        with suppress(OSError):
            print_json(report.error_json(error, following))
    raise SystemExit(error.exit_code) from error


def leave(code: int | str) -> NoReturn:
    """Exit with this code, even if the terminal is gone and buffered output cannot be written."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    raise SystemExit(code)
