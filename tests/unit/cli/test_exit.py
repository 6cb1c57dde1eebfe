"""What becomes of a command that cannot write its answer: two lines and an exit code, never a traceback."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrator.app.running import CompletedRun
from orchestrator.cli.exit import print_ended
from orchestrator.core.runs.result import Result
from orchestrator.errors import HaltedError
from tests.unit import builders

PROGRAM = (sys.executable, "-m", "orchestrator")


class Full(io.StringIO):
    """A file on a full disk."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("arguments", [("--help",), ("schema", "plan"), ("check", "--help")], ids=" ".join)
def test_a_full_disk_is_told(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([*PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "error: cannot write to standard output: No space left on device",
        f"next: orchestrator {' '.join(arguments)}",
    ]


def test_whoever_reads_no_further_is_not_bothered() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run([*PROGRAM, "schema", "plan"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_a_run_ends_as_it_has_where_its_report_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Full())
    print_ended(CompletedRun(builders.plan(), Result(), 1.0), Path("prod.yml"), as_json=True)
    failed = CompletedRun(builders.plan(), Result(), 1.0, error=HaltedError("workers failed"))
    with pytest.raises(HaltedError):
        print_ended(failed, Path("prod.yml"), as_json=False)
    assert capsys.readouterr().err.count("cannot write the report: No space left on device\n") == 2


def test_the_report_of_a_run_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_ended(CompletedRun(builders.plan(), Result(), 1.0), Path("prod.yml"), as_json=True)
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert document["kind"] == "result"
