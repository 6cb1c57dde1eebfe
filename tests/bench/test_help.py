"""`orchestrator --help` is fast: heavy modules are imported only by the commands that use them."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("asyncssh", "jinja2", "tenacity", "yaml")
_SHOW_HELP = """
import sys
sys.argv = ["orchestrator", {arguments}]
from orchestrator.cli.main import main
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
print("modules", *sorted(name for name in sys.modules if "." not in name))
"""


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        ('"--help"', {*HEAVY, "pydantic"}),
        ('"restore", "--help"', {*HEAVY}),
    ],  # a command makes Typer use pydantic
)
def test_help_imports_nothing_heavy(arguments: str, heavy: set[str]) -> None:
    argv = [sys.executable, "-c", _SHOW_HELP.format(arguments=arguments)]
    printed = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    *help_text, modules = printed.splitlines()
    assert any("Usage: orchestrator" in line for line in help_text)
    assert "orchestrator" in modules.split()
    assert heavy.isdisjoint(modules.split())
