"""`make bench-transfer`: one file copied to every master by the product and by other tools, in one run.

The link is slow, fast, or unshaped. The lab's five hosts are otherwise idle, and act as three or five masters. SIZE
is the file's (1,000,000,000 bytes). At 50 Mbit/s all contenders except ours with its fan-out send a slice, and are
scaled. What would not end within MINUTES (25) from the start is done with a slice too, or left out: second rounds
first, then those of the slowest. LAB and LAB_SUBNET select the lab; it is removed at the end unless it was up
before, and then is reset. Table and plot are written to docs/evidence/bench-transfer.md and .svg.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.bench import ansible_setup, transfer_ours, transfer_peers
from tests.bench.figures import load
from tests.bench.transfer_figures import (
    ALONE,
    ANSIBLE,
    APART,
    MASTERS,
    OTHERS,
    OURS,
    PYINFRA,
    SCP,
    Results,
    Round,
    ratios,
    table,
)
from tests.bench.transfer_file import SCALE, Sample, packed_bytes, samples
from tests.bench.transfer_link import (
    FAST,
    OPEN,
    SLOW,
    Cut,
    Link,
    reached_bits_s,
    require_broken,
    sent_bytes,
    shaped,
)
from tests.bench.transfer_ours import PLACE, STATE, Child, in_child
from tests.bench.transfer_page import PAGE, PICTURE, Circumstances, page, picture
from tests.lab.commands import LabError, each, run
from tests.lab.hosts import HOSTS
from tests.lab.lab import Lab

Contender = Callable[[Lab, Sequence[str], Sample], Child | None]
CONTENDERS: dict[str, Contender] = {
    OURS: lambda _, hosts, sample: in_child(hosts, sample, fan_out=True),
    ALONE: lambda _, hosts, sample: in_child(hosts, sample, fan_out=False),
    APART: transfer_ours.in_child_on_own_processor,
    SCP: transfer_peers.scp,
    ANSIBLE: transfer_peers.ansible,
    PYINFRA: transfer_peers.pyinfra,
}
SET_UP_S = 15.0
QUICK, LENGTHY = (OURS, SCP), (ALONE, ANSIBLE, PYINFRA)
PACKERS = {"zstd -3": ("zstd", "-3", "-c", "-q"), "gzip -6": ("gzip", "-6", "-c")}
PROGRAMS = ("gzip", "scp", "ss", "ssh", "taskset", "tc", "zstd")
QUIET = ("systemctl", "stop", "kublr", "kublr-kubelet", "docker.socket", "docker", "containerd")


@dataclass(slots=True)
class Bench:
    """One run, and what it has measured so far."""

    lab: Lab
    whole: Sample
    slice: Sample
    ends_s: float
    played: list[Round] = field(default_factory=list)
    lasted_s: dict[tuple[str, Link, int], float] = field(default_factory=dict)

    def rounds(self, link: Link, contenders: Sequence[str]) -> None:
        """Play each contender once with each number of masters, as far as time allows."""
        for turn, masters in enumerate(MASTERS):
            first = (turn + len(self.played)) % len(contenders)  # the start rotates, because the machine may get busier
            for contender in (*contenders[first:], *contenders[:first]):
                scale = self.scale_of(contender, link, masters)
                if scale:
                    self._add(contender, link, masters, scale)

    def scale_of(self, contender: str, link: Link, masters: int) -> int:
        """Return 1 for the whole file, SCALE for a slice, 0 if there is no time even for that."""
        left_s, expected_s = self.ends_s - time.monotonic(), self._expected_s(contender, link, masters)
        again = (contender, link, masters) in self.lasted_s
        if expected_s < left_s and (link is not SLOW or contender == OURS):
            return 1
        return SCALE if expected_s / SCALE + SET_UP_S < left_s and not again else 0

    def _expected_s(self, contender: str, link: Link, masters: int) -> float:
        """Return the last time for the whole file with its proof, or an estimate.

        The estimate is from fewer masters or the fast link; 0 if nothing is known.
        """
        known = [
            lasted_s * masters / many
            for (name, where, many), lasted_s in self.lasted_s.items()
            if name == contender and where in (link, FAST)
        ]
        return max(known, default=0.0)

    def _add(self, contender: str, link: Link, masters: int, scale: int) -> None:
        began = time.monotonic()
        self.played.append(self.play(contender, link, masters, scale))
        self.lasted_s[contender, link, masters] = (time.monotonic() - began) * scale
        print(self.played[-1], file=sys.stderr, flush=True)

    def play(self, contender: str, link: Link, masters: int, scale: int) -> Round:
        """Copy one file to that many masters, which prove it. Raises LabError."""
        hosts = [host.name for host in HOSTS[:masters]]
        sample = self.whole if scale == 1 else self.slice
        each(hosts, self._clear)
        os.sync()
        before, began = sent_bytes(self.lab), time.monotonic()
        child = CONTENDERS[contender](self.lab, hosts, sample)
        took_s, sent = time.monotonic() - began, sent_bytes(self.lab) - before
        each(hosts, lambda host: self._prove(host, sample))
        each(hosts, self._clear)
        took_s = child.figures.took_s if child else took_s  # a restore's process is already running at that point
        return Round(contender, link, masters, took_s * scale, sent * scale, scale, child)

    def _clear(self, host: str) -> None:
        folder = PLACE.rpartition("/")[0]
        self.lab.exec(host, ["sh", "-euc", f"rm -rf {STATE}/*; mkdir -p -m 700 {folder}"])

    def _prove(self, host: str, sample: Sample) -> None:
        if sample.sha256 not in (said := self.lab.exec(host, ["sha256sum", PLACE])):
            raise LabError(f"{host}: another file than was sent: {said}")

    def cut(self) -> Round:
        """Play ours over the slow link, cut after half of the bytes that the same transfer sent before."""
        contender, masters = OURS, MASTERS[0]
        whole = next(it for it in self.played if (it.contender, it.link, it.masters) == (contender, SLOW, masters))
        with Cut(self.lab, [host.name for host in HOSTS], int(whole.sent_bytes / whole.scale / 2)) as cut:
            played = self.play(contender, SLOW, masters, whole.scale)
        require_broken(cut)
        print(f"cut at 50 %: {played}", file=sys.stderr, flush=True)
        return played


def require_programs() -> None:
    """Raise LabError if this machine lacks a program that the bench needs."""
    if missing := [program for program in PROGRAMS if shutil.which(program) is None]:
        raise LabError(f"not on this machine: {', '.join(missing)} (Debian: iproute2, openssh-client, zstd)")


def prepare_host(lab: Lab, host: str) -> None:
    """Prepare a host: stop its services, install zstd, and use memory instead of the disk.

    Most hosts have zstd, only the bare one does not. These hosts share one disk, unlike real ones, and whoever
    flushes would wait for it.
    """
    lab.exec(host, QUIET)
    run(["docker", "cp", str(shutil.which("zstd")), f"{lab.container(host)}:/usr/bin/zstd"])
    lab.exec(host, ["sh", "-euc", f"mkdir -p {STATE}; mountpoint -q {STATE} || mount -t tmpfs state {STATE}"])


def measure(lab: Lab, minutes: float) -> tuple[Results, Circumstances]:
    """Run the whole bench on a lab that is up."""
    ends_s = time.monotonic() + 60 * minutes
    whole, part = samples(int(os.environ.get("SIZE", "1_000_000_000")))
    ansible_setup.install(lab, HOSTS)
    transfer_peers.install_pyinfra()
    each(HOSTS, lambda host: prepare_host(lab, host.name))
    packers = {name: whole.size_bytes / packed_bytes(whole.path, argv) for name, argv in PACKERS.items()}
    copy_bytes = transfer_ours.copy_bytes(whole)
    load_before, reached = load(), {}
    bench = Bench(lab, whole, part, ends_s)
    with shaped(lab, SLOW):
        reached[SLOW] = reached_bits_s(lab, HOSTS[0].name, 3)
        bench.rounds(SLOW, (OURS, ALONE, *OTHERS))
        cut = bench.cut()
    bench.rounds(OPEN, (APART,))
    for contenders in (QUICK, LENGTHY, QUICK):
        for link in (FAST, OPEN):
            with shaped(lab, link):
                reached[link] = reached_bits_s(lab, HOSTS[0].name, 3)
                bench.rounds(link, contenders)
    around = Circumstances(
        whole.size_bytes, part.size_bytes, packers, reached, transfer_peers.versions(), load_before
    )  # fmt: skip
    return Results(bench.played, copy_bytes, cut), around


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the shaping is removed even then
    lab = Lab.from_environment()
    was_up = lab.is_healthy()
    try:
        require_programs()
        lab.up()
        results, around = measure(lab, float(os.environ.get("MINUTES", "25")))
    except LabError as error:
        print(f"error: {error}\nnext: make lab-down, then make bench-transfer", file=sys.stderr)
        return 1
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(results, around))
    PICTURE.write_text(picture(results))
    print(f"{table(results)}\n\n{ratios(results)}")
    if was_up:
        lab.reset()
    else:
        lab.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
