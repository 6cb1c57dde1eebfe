"""What an onlooker sees during a run: each API server's /readyz, and every process of the control plane, ten times a
second. `python -m tests.real.probe LOG NAME=ADDRESS:PID...` writes one line of JSON for each sample and each change
until SIGTERM; PID is the first process of the master's container, on this machine.

Each question is a connection of its own, as from a balancer's health check. Processes are read from this machine's
/proc: a container's are the descendants of its first one.
"""

from __future__ import annotations

import json
import signal
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import IO, Any

from tests.real.outage import CONTROL_PLANE

PERIOD_S = 0.1
PATIENCE_S = 2.0
PROGRAMS = (*CONTROL_PLANE, "kubelet")
_API_PORT = 6443
_SETTLED_S = 20.0
"""A process older than that is taken to keep its program; reading all of them each time would load the machine."""
_PROC = Path("/proc")


class Log:
    """Lines of JSON with the time; several threads write."""

    def __init__(self, file: IO[str]) -> None:
        self._file, self._lock = file, threading.Lock()

    def write(self, **record: Any) -> None:
        line = json.dumps({"at": round(time.time(), 3), **record})
        with self._lock:
            self._file.write(f"{line}\n")
            self._file.flush()


def ask(address: str) -> str:
    """What /readyz answers: `ok`, an HTTP status, or the kind of error."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the address says who answers
    connection = HTTPSConnection(address, _API_PORT, timeout=PATIENCE_S, context=context)
    try:
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()
    return "ok" if status == 200 else str(status)


@dataclass(frozen=True, slots=True, order=True)
class Seen:
    """One process of the control plane."""

    host: str
    program: str
    pid: int
    start: str


@dataclass(slots=True)
class Processes:
    """Looks for the control plane's processes. ``roots``: each host's first process on this machine."""

    roots: dict[int, str]
    _stats: dict[int, tuple[float, str, int, str]] = field(default_factory=dict)

    def look(self) -> set[Seen]:
        now = time.monotonic()
        pids = {int(path.name) for path in _PROC.iterdir() if path.name.isdigit()}
        for pid in self._stats.keys() - pids:
            del self._stats[pid]
        for pid in pids:
            since, name, _, _ = self._stats.get(pid, (now, "", 0, ""))
            if name in PROGRAMS or now - since < _SETTLED_S:
                try:
                    self._stats[pid] = (since, *_stat(pid))
                except OSError:
                    self._stats.pop(pid, None)
        return {
            Seen(host, name, pid, start)
            for pid, (_, name, _, start) in self._stats.items()
            if name in PROGRAMS and (host := self._host(pid))
        }

    def _host(self, pid: int) -> str:
        while pid in self._stats and pid not in self.roots:
            pid = self._stats[pid][2]
        return self.roots.get(pid, "")


def _stat(pid: int) -> tuple[str, int, str]:
    """Name, parent and start time of a process. Raises OSError when it has ended."""
    name, _, rest = (_PROC / str(pid) / "stat").read_text().rpartition(")")
    fields = rest.split()
    if fields[0] in "ZX":
        raise ProcessLookupError(pid)
    return name.partition("(")[2], int(fields[1]), fields[19]


def _ticks(ended: threading.Event) -> Iterator[None]:
    due = time.monotonic()
    while not ended.is_set():
        yield
        due = max(due + PERIOD_S, time.monotonic())
        ended.wait(due - time.monotonic())


def _watch_api(host: str, address: str, log: Log, ended: threading.Event) -> None:
    for _ in _ticks(ended):
        asked_s = time.time()
        log.write(host=host, readyz=ask(address), asked=round(asked_s, 3))


def _watch_processes(roots: dict[int, str], log: Log, ended: threading.Event) -> None:
    processes, known = Processes(roots), set[Seen]()
    for _ in _ticks(ended):
        now = processes.look()
        for change, some in (("started", now - known), ("ended", known - now)):
            for it in sorted(some):
                log.write(host=it.host, process=it.program, pid=it.pid, change=change)
        known = now


def main() -> None:
    path, *masters = sys.argv[1:]
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with Path(path).open("w") as file:
        log, roots, threads = Log(file), {}, []
        for master in masters:
            host, _, rest = master.partition("=")
            address, _, pid = rest.rpartition(":")
            roots[int(pid)] = host
            threads.append(threading.Thread(target=_watch_api, args=(host, address, log, ended)))
        threads.append(threading.Thread(target=_watch_processes, args=(roots, log, ended)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
