"""For all tests."""

import signal

import pytest

pytest.register_assert_rewrite("tests.lab.scene")  # its assertions tell as much as a test's own

# A shell starts what it puts in the background with Ctrl-C ignored, and every program that a test starts would inherit
# that: a test that sends SIGINT would wait in vain wherever `make test` itself runs in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)
