"""Programs on the laptop: real ones, and how their ends are recognised."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from pathlib import Path

import pytest

from orchestrator.adapters.clock import SystemClock
from orchestrator.adapters.program import NOT_STARTED, run_program
from orchestrator.core.model.outcome import Ended, Outcome


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "output.log"


async def shell(script: str, log: Path, *, timeout_s: float = 20, env: dict[str, str] | None = None) -> Outcome:
    return await run_program(
        ("sh", "-c", script), {"PATH": os.environ["PATH"], **(env or {})}, timeout_s, log, SystemClock()
    )


async def test_successful_program(log: Path) -> None:
    outcome = await shell("echo $A; pwd; readlink /proc/self/fd/0; echo to stderr >&2", log, env={"A": "told"})
    assert (outcome.ended, outcome.exit_code) == (Ended.DONE, 0)
    assert outcome.log.split("\n") == ["told", "/", "/dev/null", "to stderr", ""]
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


async def test_program_gets_only_given_environment(log: Path) -> None:
    os.environ["ORCHESTRATOR_SUDO_PASSWORD_FILE"] = "/secret"
    try:
        assert "/secret" not in (await shell("env", log)).log
    finally:
        del os.environ["ORCHESTRATOR_SUDO_PASSWORD_FILE"]


async def test_failed_program_has_exit_code_and_log(log: Path) -> None:
    outcome = await shell("echo why; exit 3", log)
    assert (outcome.ended, outcome.exit_code, outcome.log) == (Ended.FAILED, 3, "why\n")


async def test_missing_program(log: Path) -> None:
    outcome = await run_program(("/absent",), {}, 5, log, SystemClock())
    assert (outcome.ended, outcome.exit_code) == (Ended.FAILED, NOT_STARTED)
    assert "cannot start /absent: No such file or directory" in outcome.detail


async def test_program_ended_by_signal_has_no_exit_code(log: Path) -> None:
    outcome = await shell("echo began; kill -9 $$", log)
    assert (outcome.ended, outcome.exit_code, outcome.log) == (Ended.DIED, None, "began\n")
    assert "signal 9" in outcome.detail


async def test_timeout_ends_program_and_its_children(log: Path, tmp_path: Path) -> None:
    outcome = await shell(
        f"(sleep 30; echo late >{tmp_path}/late) & echo $! >{tmp_path}/pid; sleep 30", log, timeout_s=1
    )
    assert (outcome.ended, outcome.exit_code) == (Ended.DIED, None)
    assert "timed out after 1s" in outcome.detail
    assert ends((tmp_path / "pid").read_text())


async def test_outcome_has_end_of_output_and_log_has_all(log: Path) -> None:
    outcome = await shell("seq 100000", log)
    assert len(outcome.log) <= 4096
    assert outcome.log.endswith("\n100000\n")
    assert log.read_text().startswith("1\n2\n")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the test wants it to keep running
async def test_cancelled_call_leaves_program_running(log: Path, tmp_path: Path) -> None:
    running = asyncio.create_task(shell(f"echo $$; sleep 1; echo still heard; echo >{tmp_path}/ended", log))
    while not log.exists() or not log.read_text():
        await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert os.getsid(int(log.read_text())) != os.getsid(0), "no Ctrl-C reaches it"
    deadline = time.monotonic() + 20
    while not (tmp_path / "ended").exists():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert "still heard" in log.read_text()


def ends(pid: str) -> bool:
    """Return whether the process ends soon; a zombie counts as ended."""
    for _ in range(100):
        try:
            if Path(f"/proc/{pid.strip()}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False
