"""The real sshd of the contract's tests, for what is told of both kinds of host; and the count of mistakes."""

from collections.abc import Callable, Sequence

import pytest

from tests.contract.conftest import public_folder, sshd

__all__ = ["public_folder", "sshd"]

Some = Callable[[Sequence[int], int, int], Sequence[int]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-points", action="store_true", help="interrupt an undo everywhere, with every fate")


@pytest.fixture
def some(request: pytest.FixtureRequest) -> Some:
    """Of the points of a story every n-th from the given one on, so that other fates can meet it at others; with
    `--all-points` all of them."""
    if request.config.getoption("--all-points", default=False):
        return lambda points, every, first: points
    return lambda points, every, first: points[first % every :: every]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many deliberate mistakes were made, and how many showed."""
    ended = [report for name in ("passed", "failed") for report in terminalreporter.stats.get(name, [])]
    made = [report for report in ended if "test_a_mistake_is_caught" in report.nodeid]
    if made:
        terminalreporter.write_line(f"{len(made)} mistakes, {sum(report.passed for report in made)} caught")
