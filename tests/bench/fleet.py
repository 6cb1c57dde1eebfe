"""`make bench-fleet`: facts from 200 hosts over SSH, by us, by Ansible and by pyinfra, in turns.

The hosts are 200 real OpenSSH servers on this machine. Each contender runs the product's own look at a worker on
each host and returns its answer; it starts without a connection. The best number of concurrent hosts for Ansible
and pyinfra is tried first, on a quarter of the hosts. Takes about five minutes, and writes
docs/evidence/bench-fleet.md with its plot.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.adapters.inventory_file import load_inventory
from orchestrator.adapters.ssh.shell import run_text
from orchestrator.adapters.templates import read_templates
from orchestrator.core.scripts import Scripts
from orchestrator.distros import DISTROS
from tests.bench import fleet_page
from tests.bench.figures import load
from tests.bench.fleet_hosts import Hosts, serving
from tests.bench.fleet_page import ANSIBLE, OURS, PYINFRA, SETUP, Run
from tests.bench.fleet_watch import measured
from tests.lab.lab import REPOSITORY

HOSTS = int(os.environ.get("HOSTS", "200"))
ROUNDS = int(os.environ.get("ROUNDS", "2"))
AT_ONCE = (10, 25, 50)
LAST_START_S = 210.0
"""No round starts later than this: the whole bench should end within six minutes, even on a shared machine."""

SIGNS = {SETUP: "ansible_date_time"}
"""A text that appears once in each host's answer, if that is not our look's last line."""

TOOLS = REPOSITORY / ".lab"


@dataclass
class Bench:
    """The hosts and every run so far. ``best`` is the best number of concurrent hosts per contender."""

    hosts: Hosts
    best: dict[str, int] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    def run(self, contender: str, hosts: Hosts, at_once: int = 0) -> Run:
        """Run a contender once. Raises AssertionError if a host has not answered."""
        argv, environment = ARGV[contender](hosts, at_once)
        output = hosts.folder / "output"
        before = hosts.cpu_s()
        used = measured(output, argv, environment)
        hosts.cut()
        text = output.read_text(errors="replace")
        ours = json.loads(text) if contender == OURS else {}
        answers = ours["answers"] if ours else text.count(SIGNS.get(contender, " clock_last"))
        assert answers == len(hosts.servers), f"{contender}: {answers} answers: {text[-2000:]}"
        return Run(contender, answers, at_once, hosts.recorded, used, hosts.cpu_s() - before, ours)

    def choose(self, contender: str) -> None:
        """Find the contender's fastest number of concurrent hosts."""
        some = self.hosts.first(len(self.hosts.servers) // 4)
        tried = [self.run(contender, some, many) for many in AT_ONCE]
        self.best[contender] = min(tried, key=lambda run: run.used.wall_s).at_once
        words = ", ".join(f"{run.at_once} at once {run.used.wall_s:.1f} s" for run in tried)
        print(f"{contender}, {len(some.servers)} hosts: {words}", flush=True)

    def play(self, contender: str, hosts: Hosts) -> None:
        self.runs.append(self.run(contender, hosts, self.best.get(contender, 0)))
        print(self.runs[-1], flush=True)


def _ours(hosts: Hosts, at_once: int) -> tuple[list[str], dict[str, str]]:
    return [sys.executable, "-m", "tests.bench.fleet_client", str(hosts.ours())], {}


def _ansible(hosts: Hosts, at_once: int) -> tuple[list[str], dict[str, str]]:
    return _ad_hoc(hosts, at_once, "-m", "raw", "-a", _one_line(hosts))


def _ansible_setup(hosts: Hosts, at_once: int) -> tuple[list[str], dict[str, str]]:
    return _ad_hoc(hosts, at_once, "-m", "setup", "-a", "gather_subset=!all")


def _ad_hoc(hosts: Hosts, at_once: int, *words: str) -> tuple[list[str], dict[str, str]]:
    argv = [str(_tool("ansible", "ansible-core")), "all", "-i", str(hosts.ansible()), "-f", str(at_once), *words]
    return argv, {"ANSIBLE_CONFIG": str(hosts.folder / "ansible.cfg")}


def _pyinfra(hosts: Hosts, at_once: int) -> tuple[list[str], dict[str, str]]:
    argv = [str(_tool("pyinfra", "pyinfra")), "-y", "--parallel", str(at_once), str(hosts.pyinfra())]
    return [*argv, "exec", "--", _one_line(hosts)], {}


ARGV: dict[str, Callable[[Hosts, int], tuple[list[str], dict[str, str]]]] = {
    OURS: _ours,
    ANSIBLE: _ansible,
    SETUP: _ansible_setup,
    PYINFRA: _pyinfra,
}


def _one_line(hosts: Hosts) -> str:
    """Return the product's look at a worker in a form that every tool passes on unchanged."""
    inventory = load_inventory(hosts.ours())
    look = DISTROS[inventory.distribution].look_at_host(inventory.workers[0])
    text = run_text(look.command(Scripts(read_templates())[look.file]))
    return f"echo {base64.b64encode(text.encode()).decode()} | base64 -d | sh"


def _tool(name: str, package: str) -> Path:
    """Return a program in its own virtual environment, created if missing."""
    program = TOOLS / name / "bin" / name
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(TOOLS / name)], check=True)
        pip = [str(TOOLS / name / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", package]
        subprocess.run(pip, check=True)
    return program


def versions() -> Iterator[str]:
    """Yield the versions of the contenders and of the hosts' server."""
    for name, package in (("ansible", "ansible-core"), ("pyinfra", "pyinfra")):
        told = subprocess.run([_tool(name, package), "--version"], capture_output=True, text=True, check=True)
        yield told.stdout.splitlines()[0]
    yield subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=True).stderr.strip()


def main() -> int:
    began, load_before = time.monotonic(), load()
    names = list(versions())
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder, serving(Path(folder), HOSTS) as hosts:
        bench, elsewhere, few = Bench(hosts), hosts.record(_one_line(hosts)), hosts.first(HOSTS // 4)
        print(f"{HOSTS} hosts; load average {load_before}", flush=True)
        bench.run(OURS, hosts.first(10))  # warms the disk cache, which no contender should pay for
        for contender in (ANSIBLE, PYINFRA):
            bench.choose(contender)
        bench.best[SETUP] = bench.best[ANSIBLE]
        for number in range(ROUNDS):
            if number and time.monotonic() - began > LAST_START_S:
                break
            for place in (hosts, elsewhere):
                for contender in (OURS, ANSIBLE, PYINFRA):
                    bench.play(contender, place)
        for contender in (OURS, SETUP):
            bench.play(contender, few)
    here = [run for run in bench.runs if not run.recorded]
    for runs in (here, fleet_page.select(bench.runs, HOSTS, recorded=True)):
        print(f"\n{fleet_page.table(runs)}")
    print(f"\nload average {load()} at the end")
    print(fleet_page.ratios(bench.runs, HOSTS))
    fleet_page.write(bench.runs, HOSTS, names, f"{load_before}, {load()}", AT_ONCE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
