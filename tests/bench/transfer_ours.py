"""Our own part of `make bench-transfer`: the product's adapters copy one file to all hosts, without its command line.

`python -m tests.bench.transfer_ours FILE SHA256 fan-out|alone HOST...` prints the figures as JSON. It is a separate
process, so that its memory and CPU time are separate from the bench's.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestrator.adapters.source import FileSource
from orchestrator.adapters.ssh.fleet import Fleet
from orchestrator.adapters.ssh.packing import Pace, packed
from orchestrator.adapters.templates import read_templates
from orchestrator.core.inventory.declared import Paths, Policies
from orchestrator.core.inventory.inventory import Host, Inventory, Role
from orchestrator.core.model.outcome import Ended, Output
from orchestrator.core.model.plan import Push, Script
from orchestrator.core.scripts import Scripts
from orchestrator.core.transfer.relay import Packing, Relay, Ways, key_kind, parse_ways, relay_of
from orchestrator.engine.transfer import Transfers
from orchestrator.ports import Remote, Source
from tests.bench.memory import anonymous_bytes
from tests.bench.transfer_file import Sample
from tests.lab.commands import LabError, run
from tests.lab.lab import Lab

RUN, ATTEMPT = "20260101t000000z-0000", "1-000000"
STATE = Paths.model_fields["state"].default
PLACE = f"{STATE}/{RUN}/snapshot.db"
TICK_S, SAMPLE_S = 0.01, 0.05


@dataclass(slots=True)
class Figures:
    """The process's own figures.

    ``took_s`` is the time from the first connection to the last proof; ``lag_s`` the longest time for which the
    event loop kept a ready task waiting; ``cpu_s`` the CPU time, including its children.
    """

    took_s: float = 0.0
    lag_s: float = 0.0
    cpu_s: float = 0.0


def copy_bytes(sample: Sample) -> int:
    """Return the size of one copy compressed by the product's own packer: the least that crosses the laptop's link."""

    async def count() -> int:
        return sum([len(chunk) async for chunk, _ in packed(FileSource(sample.path), 0, Packing.ZSTD, Pace())])

    return asyncio.run(count())


async def bring(lab: Lab, hosts: Sequence[str], file: Path, *, fan_out: bool, sha256: str = "") -> Figures:
    """Copy a file to all hosts and prove it there. Raises LabError if that fails.

    ``sha256`` is known in a restore, from reading the snapshot; without it the file is read once more.
    """
    sha256 = sha256 or await asyncio.to_thread(_sum, file)
    figures = Figures()
    async with _fleet(lab, hosts) as (fleet, remotes):  # before the clock starts, as when the plan is made
        relay = await _relay(lab, fleet, remotes)
    if not fan_out:
        relay = relay.model_copy(update={"links": ()})
    elif len(relay.links) != len(hosts) * (len(hosts) - 1):
        raise LabError(f"not every host can hand on to every other: {relay.refused}")
    async with _watched(figures), _fleet(lab, hosts) as (fleet, remotes):
        await asyncio.gather(*map(_settle, remotes.values()))
        await _bring(fleet, relay, list(remotes), file, sha256)
    return figures


@asynccontextmanager
async def _fleet(lab: Lab, hosts: Sequence[str]) -> AsyncIterator[tuple[Fleet, dict[str, Remote]]]:
    """Open new connections to all hosts."""
    async with Fleet(_inventory(lab, hosts), read_templates(), None) as fleet:
        opened = await fleet.open(hosts)
        if refused := [output.detail for output in opened.values() if isinstance(output, Output)]:
            raise LabError("; ".join(refused))
        yield fleet, {name: remote for name, remote in opened.items() if not isinstance(remote, Output)}


async def _settle(remote: Remote) -> None:
    settled = await remote.settle(RUN, ATTEMPT, 60)
    if not settled.ok:
        raise LabError(f"{remote.name}: {settled.detail}")


async def _relay(lab: Lab, fleet: Fleet, remotes: Mapping[str, Remote]) -> Relay:
    """Find the links as the product does before it makes a plan."""
    places = {name: ((lab.addresses[name], 22),) for name in remotes}
    keys = {name: fleet.public_key(name) for name in remotes}
    text = Scripts(read_templates())["observe/transfer.sh"]

    async def ways(remote: Remote) -> Ways:
        others = [name for name in remotes if name != remote.name]
        peers = tuple(word for name in others for word in (name, lab.addresses[name], "22", key_kind(keys[name])))
        script = Script(file="observe/transfer.sh", values={"peers": peers})
        return parse_ways((await remote.look(script.command(text))).text)

    answers = await asyncio.gather(*map(ways, remotes.values()))
    return relay_of(dict(zip(remotes, answers, strict=True)), places, keys)


async def _bring(fleet: Fleet, relay: Relay, hosts: Sequence[str], file: Path, sha256: str) -> None:
    source = FileSource(file)
    transfers = Transfers(relay, fleet.carrier(relay), ATTEMPT, lambda note: print(note, file=sys.stderr))

    async def opened() -> Source:
        return source

    async def bring_one(name: str) -> None:
        push = Push(path=PLACE, sha256=sha256, size_bytes=source.size_bytes)
        outcome = await transfers.bring(name, push, opened, lambda done, total: None)
        if outcome.ended is not Ended.DONE:
            raise LabError(f"{name}: {outcome.ended.name}: {outcome.detail}")

    try:
        await asyncio.gather(*map(bring_one, hosts))
    finally:
        await transfers.close()


def _inventory(lab: Lab, hosts: Sequence[str]) -> Inventory:
    """Return an inventory in which all hosts are masters with root login, whatever they are in the lab."""
    masters = [
        Host(
            name=name,
            role=Role.MASTER,
            address=lab.addresses[name],
            node=name,
            user="root",
            key=str(lab.folder / "id_ed25519"),
            known_hosts=(str(lab.folder / "known_hosts"),),
            config="none",
        )
        for name in hosts
    ]
    policies = Policies()
    return Inventory(format=1, cluster="bench", distribution="kublr", policies=policies, hosts=tuple(masters))


@asynccontextmanager
async def _watched(figures: Figures) -> AsyncIterator[None]:
    """Measure the block's time, and the largest delay of a task that repeatedly sleeps for a hundredth of a second."""

    async def tick() -> None:
        while True:
            slept = time.monotonic()
            await asyncio.sleep(TICK_S)
            figures.lag_s = max(figures.lag_s, time.monotonic() - slept - TICK_S)

    began, ticking = time.monotonic(), asyncio.create_task(tick())
    try:
        yield
    finally:
        figures.took_s = time.monotonic() - began
        ticking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ticking


def _sum(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Child:
    """The figures of such a process, and the peak of its anonymous memory."""

    figures: Figures
    anonymous_bytes: int


def in_child_on_own_processor(lab: Lab, hosts: Sequence[str], sample: Sample) -> Child:
    """Use the first processor for us and the others for the hosts, for this run. Raises LabError."""
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        raise LabError("this machine has one processor: none would be left for the hosts")
    containers = [lab.container(host) for host in hosts]
    update = ["docker", "update", "--cpuset-cpus"]
    run([*update, ",".join(map(str, others)), *containers])
    try:
        return in_child(hosts, sample, fan_out=True, before=("taskset", "-c", str(first)))
    finally:
        run([*update, ",".join(map(str, (first, *others))), *containers])


def in_child(hosts: Sequence[str], sample: Sample, *, fan_out: bool, before: Sequence[str] = ()) -> Child:
    """Run `bring` in a process of its own, for the lab of the environment. Raises LabError."""
    how = "fan-out" if fan_out else "alone"
    argv = [*before, sys.executable, "-m", "tests.bench.transfer_ours", str(sample.path), sample.sha256, how, *hosts]
    peak = 0
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            peak = max(peak, anonymous_bytes(process.pid))
            time.sleep(SAMPLE_S)
        said, complaint = (stream.read().decode() for stream in (process.stdout, process.stderr) if stream)
    if process.returncode:
        raise LabError(f"{' '.join(argv)}: exit {process.returncode}\n{complaint}")
    return Child(Figures(**json.loads(said)), peak)


def _cpu_s(whose: int) -> float:
    usage = resource.getrusage(whose)
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    file, sha256, how, *hosts = sys.argv[1:]
    bringing = bring(Lab.from_environment(), hosts, Path(file), fan_out=how == "fan-out", sha256=sha256)
    try:
        figures = asyncio.run(bringing)
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    figures.cpu_s = sum(map(_cpu_s, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
    print(json.dumps(asdict(figures)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
