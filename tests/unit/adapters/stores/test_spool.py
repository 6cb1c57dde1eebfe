"""A private folder for arriving files: removed with its command, even if that was killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from orchestrator.adapters.stores.spool import passing_spool

WAITS = """
import sys, pathlib, time
from orchestrator.adapters.stores.spool import passing_spool
with passing_spool(pathlib.Path(sys.argv[1])) as spool:
    spool.part("secret").write_text("all of it")
    print("there", flush=True)
    time.sleep(60)
"""


def test_spool_is_private_and_removed_at_end(tmp_path: Path) -> None:
    with passing_spool(tmp_path / "below") as spool:
        assert spool.path.stat().st_mode & 0o777 == 0o700
        spool.part("x").write_text("x")
    assert list((tmp_path / "below").iterdir()) == []


def test_spool_of_killed_command_is_removed_by_next_one(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", WAITS, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert process.stdout
        assert process.stdout.readline() == b"there\n"
        with passing_spool(tmp_path) as spool:
            others = [it for it in tmp_path.iterdir() if it != spool.path]
            assert len(others) == 1, "a living command's folder stays"
        process.send_signal(signal.SIGKILL)
        process.wait()
        with passing_spool(tmp_path) as spool:
            assert list(tmp_path.iterdir()) == [spool.path]
    finally:
        process.kill()
        process.communicate()
