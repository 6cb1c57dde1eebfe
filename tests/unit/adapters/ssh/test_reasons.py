"""Why a host cannot be reached, in words that people use."""

from __future__ import annotations

import errno
import socket
from typing import cast

import pytest

from orchestrator.adapters.ssh.connection import _reason
from orchestrator.adapters.ssh.known_hosts import HostKeyCheck
from orchestrator.adapters.ssh.route import Endpoint
from orchestrator.core.model.outcome import Failure

UNUSED = cast(HostKeyCheck, None)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EHOSTUNREACH, "Connect call failed ('10.77.0.99', 22)"), "no route to host"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('::1', 22, 0, 0)"), "connection refused"),
        (
            OSError(
                "Multiple exceptions: [Errno 111] Connect call failed ('::1', 22, 0, 0), "
                "[Errno 111] Connect call failed ('127.0.0.1', 22)"
            ),
            "connection refused",
        ),
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "cannot resolve the address: Name or service",
        ),
        (TimeoutError(), "no answer in time"),
        (OSError("odd"), "odd"),
    ],
)
def test_network_error_in_plain_words(error: Exception, words: str) -> None:
    failure, why = _reason(error, UNUSED)
    assert failure is Failure.UNREACHABLE
    assert why.startswith(words)
    assert "Errno" not in why


def test_port_of_ipv6_address_is_outside_of_brackets() -> None:
    def shown(address: str) -> str:
        return str(Endpoint("m1", address, 22, "", (), (), address, (), "", "", (), None))

    assert (shown("::1"), shown("10.0.0.1")) == ("[::1]:22", "10.0.0.1:22")
