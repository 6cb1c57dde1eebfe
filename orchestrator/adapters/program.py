"""A program on the operator's laptop: without a terminal, in its own session, its output in a file.

It is independent of this process: Ctrl-C does not reach it, and it continues when this process exits, because its
output needs no reader.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.core.model.outcome import Ended, Outcome
from orchestrator.core.text import duration
from orchestrator.ports import Clock

NOT_STARTED = 127
"""The exit status of a shell that does not find a program."""
_POLL_S, _KILL_AFTER_S, _SHOWN_BYTES = 0.2, 10.0, 4096


async def run_program(
    argv: Sequence[str], env: Mapping[str, str], timeout_s: float, log: Path, clock: Clock
) -> Outcome:
    """Run a program and wait for its end; ``log`` receives its output.

    Without an exit code, the timeout or a signal ended it. If cancelled, this function leaves the program running.
    """
    try:
        process = _start(argv, env, log)
    except OSError as error:
        return Outcome(Ended.FAILED, NOT_STARTED, detail=f"cannot start {argv[0]}: {error.strerror}")
    give_up_s = clock.monotonic() + timeout_s
    while process.poll() is None and clock.monotonic() < give_up_s:
        await clock.sleep(_POLL_S)
    if process.poll() is None:
        await _terminate(process, clock)
        detail = f"it timed out after {duration(timeout_s)} and was killed; its output: {log}"
        return Outcome(Ended.DIED, log=_end_of(log), detail=detail)
    code = process.returncode
    if code < 0:
        return Outcome(Ended.DIED, log=_end_of(log), detail=f"killed by signal {-code}; its output: {log}")
    return Outcome(Ended.FAILED if code else Ended.DONE, code, _end_of(log), f"its output: {log}")


def _start(argv: Sequence[str], env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    log.touch(mode=0o600)
    with log.open("ab") as file:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=dict(env),
            start_new_session=True,
        )


async def _terminate(process: subprocess.Popen[bytes], clock: Clock) -> None:
    """End the program and its children: SIGTERM first, then SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        until_s = clock.monotonic() + _KILL_AFTER_S
        while process.poll() is None and clock.monotonic() < until_s:
            await clock.sleep(_POLL_S)
        if process.poll() is not None:
            return


def _end_of(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _SHOWN_BYTES))
        return file.read().decode("utf-8", "replace")
