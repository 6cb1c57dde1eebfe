"""Fixtures and settings for all tests."""

import signal
from collections.abc import Iterator

import pytest

from tests.contract.swift import Swift

pytest.register_assert_rewrite("tests.lab.scene")  # its assertions are as detailed as a test's own

# A shell starts background processes with Ctrl-C ignored, and every program that a test starts would inherit that: if
# `make test` itself runs in the background, a test that sends SIGINT would wait forever.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="leave out slow unit tests, and all shells but one")


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swift]:
    """An object store with a bucket `backups`, in which each test has its own prefix."""
    server = Swift(tmp_path_factory.mktemp("swift"))
    try:
        server.start()
        server.make_bucket("backups")
        yield server
    finally:
        server.stop()
