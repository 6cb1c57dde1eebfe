"""The laptop's link of `make bench-transfer`: the lab's bridge, through which this machine sends to the hosts.

Traffic between hosts passes the bridge too, but from port to port: here it is neither shaped nor counted.
"""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.commands import LabError, run
from tests.lab.lab import Lab

_PORT = 9999
_CHUNK = bytes(1 << 18)
_SINK = """import socket
with socket.create_server(("", {port})) as server:
    print("ready", flush=True)
    with server.accept()[0] as stream:
        room = bytearray(1 << 20)
        while stream.recv_into(room):
            pass
"""


@dataclass(frozen=True, slots=True)
class Link:
    """A speed of the laptop's link, in bits per second of whole frames; 0 if unshaped.

    ``burst`` is what may pass at once: more on a fast link, where much is due at each tick of the kernel.
    """

    name: str
    title: str
    bits_s: float = 0.0
    burst: str = ""

    def least_s(self, size_bytes: int) -> float:
        """Return the least time for that many bytes; 0 if nothing bounds it."""
        return size_bytes * 8 / self.bits_s if self.bits_s else 0.0


SLOW = Link("50mbit", "50 Mbit/s", 50e6, "32kb")
FAST = Link("1gbit", "1 Gbit/s", 1e9, "512kb")
OPEN = Link("unshaped", "unshaped")
LINKS = (SLOW, FAST, OPEN)


def bridge(lab: Lab) -> str:
    return f"br-{lab.name}"


@contextmanager
def shaped(lab: Lab, link: Link) -> Iterator[None]:
    """Limit the link to that speed within the block."""
    device = bridge(lab)
    free(lab)
    try:
        if link.bits_s:
            rate = ("rate", f"{link.bits_s:.0f}bit", "burst", link.burst, "latency", "400ms")
            run(["tc", "qdisc", "add", "dev", device, "root", "tbf", *rate])
        yield
    finally:
        free(lab)


def free(lab: Lab) -> None:
    """Remove the shaping, if there is one."""
    subprocess.run(["tc", "qdisc", "del", "dev", bridge(lab), "root"], capture_output=True, check=False)


def sent_bytes(lab: Lab) -> int:
    """Return what this machine has sent to the hosts so far; in large segments, the headers count once."""
    return int(Path(f"/sys/class/net/{bridge(lab)}/statistics/tx_bytes").read_text())


def reached_bits_s(lab: Lab, host: str, seconds: float) -> float:
    """Return the rate of a plain stream to a host, by the link's own count. The host needs Python."""
    sink = ["docker", "exec", "-i", lab.container(host), "python3", "-c", _SINK.format(port=_PORT)]
    with subprocess.Popen(sink, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with socket.create_connection((lab.addresses[host], _PORT), timeout=10) as stream:
            stream.sendall(_CHUNK)
            before, began = sent_bytes(lab), time.monotonic()
            while time.monotonic() - began < seconds:
                stream.sendall(_CHUNK)
            return (sent_bytes(lab) - before) * 8 / (time.monotonic() - began)


class Cut:
    """Breaks this machine's SSH connections to the hosts, once, after that many bytes have passed the link."""

    def __init__(self, lab: Lab, hosts: Sequence[str], after_bytes: int) -> None:
        self._lab = lab
        self._hosts = tuple(hosts)
        self._mark = sent_bytes(lab) + after_bytes
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.broken = 0

    def __enter__(self) -> Cut:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            if sent_bytes(self._lab) >= self._mark:
                self.broken = sum(self._break(host) for host in self._hosts)
                return

    def _break(self, host: str) -> int:
        """Break a host's connections and return their number. The kernel resets them, as when an interface loses
        its address."""
        argv = ["ss", "-HKtn", "dst", self._lab.addresses[host], "dport", "=", ":22"]
        return len(run(argv).splitlines())


def require_broken(cut: Cut) -> None:
    """Raise LabError if there was nothing to cut: the kernel may lack the feature, or the transfer ended too early."""
    if not cut.broken:
        raise LabError("the transfer was not cut: `ss -K` has found no connection, or cannot break one")
