"""Free TCP ports on loopback, for servers that tests start."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from pathlib import Path

FIRST, COUNT = 20_000, 10_000
"""Below the ports that Linux picks for outgoing connections, 32768 and up: none of these can take one between our look
and the start of the server."""


def free_ports(count: int) -> tuple[int, ...]:
    """Return ports that nothing listens on. All test processes of a user take turns, so no two get the same port
    until COUNT others were used."""
    found: list[int] = []
    with Path(tempfile.gettempdir(), f"orchestrator-ports-{os.getuid()}").open("a+") as last:
        fcntl.flock(last, fcntl.LOCK_EX)
        last.seek(0)
        number = int(last.read() or os.getpid())
        while len(found) < count:
            number = (number + 1) % COUNT
            if _is_free(FIRST + number):
                found.append(FIRST + number)
        last.truncate(0)
        last.write(str(number))
    return tuple(found)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
