"""A command that fails with `--json` prints its failure as a document on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli import exit as ending
from orchestrator.cli.exit import print_json, run_command
from orchestrator.cli.main import main
from orchestrator.errors import RefusedError
from tests.unit.cli.typed import commands, takes

Type = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Type:
    """Types a command; its exit code, standard output and standard error."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["orchestrator", *words])
        monkeypatch.setattr(ending, "_answered", False)
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        assert isinstance(stop.value.code, int)
        return stop.value.code, out, err

    return run


@pytest.mark.parametrize("path", [path for path, it in commands() if takes(it, "--json")], ids=" ".join)
def test_every_command_prints_its_failure(path: list[str], typed: Type, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.yml")
    needed = {
        "apply": [missing],
        "reinit": ["m1", "-i", missing],
        "backup": ["-i", missing, "--to", str(tmp_path)],
        "plan": ["-i", missing, "--snapshot", missing],
        "restore": ["-i", missing, "--snapshot", missing],
        "snapshot verify": [missing],
        "snapshot inspect": [missing],
    }
    code, out, err = typed(*path, *needed.get(" ".join(path), ["-i", missing]), "--json")
    document: dict[str, Any] = json.loads(out)
    assert document == {
        "format": 1,
        "kind": "error",
        "error": document["error"],
        "next": f"ls -l {missing}",
        "exit_code": 64,
    }
    assert code == 64
    assert err.endswith(f"error: {document['error']}\nnext: {document['next']}\n")


@pytest.mark.parametrize("words", [["plan", "--json"], ["plan", "--json", "--no-such-option"]], ids=" ".join)
def test_a_wrong_option_too(words: list[str], typed: Type) -> None:
    code, out, err = typed(*words)
    document = json.loads(out)
    assert (code, document["exit_code"], document["next"]) == (64, 64, "orchestrator plan --help")
    assert err.endswith("next: orchestrator plan --help\n")


def test_without_the_option_nothing_is_on_standard_output(typed: Type) -> None:
    assert typed("check", "-i", "/missing.yml")[1] == ""


def test_there_is_one_document(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async def work() -> None:
        print_json({"kind": "check"})
        raise RefusedError("blocked")

    monkeypatch.setattr(sys, "argv", ["orchestrator", "check", "--json"])
    monkeypatch.setattr(ending, "_answered", False)
    with pytest.raises(SystemExit) as stop:
        run_command(work)
    assert stop.value.code == 3
    assert json.loads(capsys.readouterr().out) == {"kind": "check"}
