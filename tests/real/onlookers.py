"""Who looks on while a run goes by: the probe of every API server and process, and client-go informers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.commands import LabError, run
from tests.real.cluster import API_PORT, Real
from tests.real.hosts import MASTERS, REPOSITORY
from tests.real.outage import CONTROL_PLANE, Summary, read
from tests.real.probe import Processes


@dataclass(slots=True)
class Probe:
    """``folder`` keeps its log and summary; ``summary`` is there once it has ended."""

    folder: Path
    summary: Summary | None = None


@contextmanager
def probe(real: Real, name: str) -> Iterator[Probe]:
    """Probes for the time of the block."""
    folder = real.folder / "runs" / f"{time.strftime('%Y%m%d-%H%M%S')}-{name}"
    folder.mkdir(parents=True)
    masters = [
        f"{host.name}={real.machines.addresses[host.name]}:{_first_pid(real.machines.container(host.name))}"
        for host in MASTERS
    ]
    log = folder / "probe.jsonl"
    command = [sys.executable, "-m", "tests.real.probe", str(log), *masters]
    process = subprocess.Popen(command, cwd=REPOSITORY)
    probe = Probe(folder)
    try:
        time.sleep(2)  # samples from before
        yield probe
    finally:
        process.terminate()
        process.wait()
        with log.open() as lines:
            probe.summary = read(lines)
        (folder / "summary.txt").write_text(probe.summary.text())
        print(probe.summary.text(), file=sys.stderr, flush=True)


def _first_pid(container: str) -> int:
    return int(run(["docker", "inspect", "--format", "{{.State.Pid}}", container]))


def older_than_etcd(real: Real) -> list[str]:
    """Processes of the control plane that began before their host's etcd: they knew another one."""
    seen = Processes({_first_pid(real.machines.container(host.name)): host.name for host in MASTERS}).look()
    etcds = {it.host: int(it.start) for it in seen if it.program == "etcd"}
    return [
        f"{it.program} {it.pid} on {it.host}"
        for it in sorted(seen)
        if it.program in CONTROL_PLANE and int(it.start) < etcds.get(it.host, 0)
    ]


@dataclass(slots=True)
class Informer:
    """A client-go informer against one master's API server. A stopped one neither reads nor answers."""

    real: Real
    host: str
    kinds: tuple[str, ...] = ("v1/configmaps", "v1/pods", "apps/v1/deployments")
    _process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        log = (self.real.folder / "runs" / f"informer-{self.host}-{os.getpid()}.log").open("ab")
        server = f"https://{self.real.machines.addresses[self.host]}:{API_PORT}"
        command = [str(self.real.folder / "bin" / "informer"), str(self.real.folder / "admin.conf"), server]
        self._process = subprocess.Popen(
            [*command, *self.kinds], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
        log.close()

    def end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.communicate()

    def stop(self) -> None:
        """SIGSTOP: a client whose network stalls, or that sleeps."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def holds(self) -> dict[str, dict[str, str]]:
        """`UID RESOURCE_VERSION` of every object in its stores, by kind and `namespace/name`."""
        process = self._process
        assert process and process.stdin and process.stdout
        process.stdin.write(b"\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise LabError(f"the informer on {self.host} has ended with {process.wait()}")
        held: dict[str, dict[str, str]] = json.loads(line)
        return held

    def _signal(self, number: signal.Signals) -> None:
        assert self._process
        os.kill(self._process.pid, number)


@contextmanager
def informers(real: Real, *hosts: str) -> Iterator[list[Informer]]:
    """One informer against each of these masters, filled."""
    (real.folder / "runs").mkdir(parents=True, exist_ok=True)
    started = [Informer(real, host) for host in hosts]
    try:
        for informer in started:
            informer.start()
        for informer in started:
            informer.holds()
        yield started
    finally:
        for informer in started:
            informer.end()


def stored(real: Real, kind: str, host: str) -> dict[str, str]:
    """The revision in which etcd last wrote each object of a kind, by `namespace/name`: its resourceVersion."""
    prefix = f"/registry/{kind.rpartition('/')[2]}/"
    pairs = real.etcdctl("get", "--prefix", "--keys-only", prefix, host=host).get("kvs", ())
    return {b64decode(pair["key"]).decode().removeprefix(prefix): str(pair["mod_revision"]) for pair in pairs}


def differences(real: Real, informer: Informer, host: str = MASTERS[0].name) -> list[str]:
    """What an informer shows otherwise than etcd holds it: ghosts, missing objects and old ones."""
    found = []
    for kind, objects in informer.holds().items():
        held, there = {key: it.split()[-1] for key, it in objects.items()}, stored(real, kind, host)
        found += [f"ghost {kind} {key}" for key in sorted(held.keys() - there.keys())]
        found += [f"missing {kind} {key}" for key in sorted(there.keys() - held.keys())]
        found += [f"old {kind} {key}" for key in sorted(held.keys() & there.keys()) if held[key] != there[key]]
    return found
