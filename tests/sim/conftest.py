"""Fixtures: the real sshd of the contract tests, the choice of points; and a summary that counts the mistakes."""

from collections.abc import Callable, Sequence

import pytest

from tests.contract.conftest import public_folder, sshd

__all__ = ["public_folder", "sshd"]

Some = Callable[[Sequence[int], int, int], Sequence[int]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-points", action="store_true", help="interrupt an undo everywhere, with every fate")


@pytest.fixture
def some(request: pytest.FixtureRequest) -> Some:
    """Choose every n-th point of a story, from the given one, so that each fate is tested at other points. With
    `--all-points`, choose all of them."""
    if request.config.getoption("--all-points", default=False):
        return lambda points, every, first: points
    return lambda points, every, first: points[first % every :: every]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the number of deliberate mistakes, and how many of them the simulation caught."""
    ended = [report for name in ("passed", "failed") for report in terminalreporter.stats.get(name, [])]
    made = [report for report in ended if "test_a_mistake_is_caught" in report.nodeid]
    if made:
        terminalreporter.write_line(f"{len(made)} mistakes, {sum(report.passed for report in made)} caught")
