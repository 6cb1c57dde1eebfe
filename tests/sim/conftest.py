"""The real sshd of the contract's tests, for what is told of both kinds of host; and the count of mistakes."""

import pytest

from tests.contract.conftest import public_folder, sshd

__all__ = ["public_folder", "sshd"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many deliberate mistakes were made, and how many showed."""
    ended = [report for name in ("passed", "failed") for report in terminalreporter.stats.get(name, [])]
    made = [report for report in ended if "test_a_mistake_is_caught" in report.nodeid]
    if made:
        terminalreporter.write_line(f"{len(made)} mistakes, {sum(report.passed for report in made)} caught")
