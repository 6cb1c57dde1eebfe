"""For all tests."""

import signal
from collections.abc import Iterator

import pytest

from tests.contract.swift import Swift

pytest.register_assert_rewrite("tests.lab.scene")  # its assertions tell as much as a test's own

# A shell starts what it puts in the background with Ctrl-C ignored, and every program that a test starts would inherit
# that: a test that sends SIGINT would wait in vain wherever `make test` itself runs in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swift]:
    """An object store with a bucket `backups`, in which each test has a prefix of its own."""
    server = Swift(tmp_path_factory.mktemp("swift"))
    try:
        server.start()
        server.make_bucket("backups")
        yield server
    finally:
        server.stop()
