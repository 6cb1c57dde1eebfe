"""The table of faults in docs/ is whole: the lab's last run of each case passed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab import fault_table
from tests.lab.fault_table import CASES, PAGE, record


def rows(page: Path) -> dict[str, str]:
    """Of the page: the outcome by case."""
    lines = [line.split(" | ") for line in page.read_text().splitlines() if line.startswith("| ")]
    return {cells[0].removeprefix("| "): cells[2] for cells in lines if cells[0] not in ("| case", "| ---")}


def test_every_case_has_its_row() -> None:
    assert rows(PAGE).keys() == CASES.keys()


def test_no_row_tells_of_a_failure() -> None:
    assert [case for case, outcome in rows(PAGE).items() if "FAILED" in outcome] == []


def test_a_case_that_fails_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fault_table, "ROWS", tmp_path / "rows")
    monkeypatch.setattr(fault_table, "PAGE", tmp_path / "faults.md")
    record("two laptops", "exit 11", "HashKV 1")
    record("SIGTERM", "exit 143", "", passed=False)
    assert rows(tmp_path / "faults.md") == {"two laptops": "exit 11", "SIGTERM": "**FAILED**: exit 143"}
    assert json.loads((tmp_path / "rows/SIGTERM.json").read_text())["passed"] is False
    with pytest.raises(AssertionError):
        record("no such case", "", "")
