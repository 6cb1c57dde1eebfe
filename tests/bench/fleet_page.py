"""The figures of `make bench-fleet`: one run, the ratios, the table, and the page and plot in docs/evidence/."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from tests.bench.figures import machine
from tests.bench.fleet_hosts import LOOK_S
from tests.bench.fleet_watch import Used
from tests.lab.lab import REPOSITORY

EVIDENCE = REPOSITORY / "docs" / "evidence"
PAGE, PLOT = EVIDENCE / "bench-fleet.md", EVIDENCE / "bench-fleet.svg"
OURS, ANSIBLE, PYINFRA = "orchestrator", "Ansible, raw", "pyinfra, exec"
SETUP = "Ansible, setup"
GOAL, GOAL_MB = 5.0, 1.0

_PAGE = """# Facts from {hosts} hosts

`make bench-fleet` wrote this page on {date}.

| | |
| --- | --- |
| machine | {machine}; hosts and contenders share it |
| load average before the first round, after the last | {loads} |
| hosts | {hosts} OpenSSH servers on loopback, each with a port, a host key and a state folder of its own |
| contenders | {versions} |

{table}

Hosts with processors of their own (see below):

{recorded}

![wall clock and processor time](bench-fleet.svg)

```
{ratios}
```

Each contender starts without a connection. It checks every host's key, logs in with one key, runs
on each host the look that `check` and `plan` send to a worker (a dozen processes), and collects the
answers. *Ansible, setup* instead runs its own smallest set of facts (`gather_subset=!all`), for
which the hosts need Python. Ansible uses pipelining and shares its connections, as by default.
Ansible and pyinfra run with the number of parallel hosts that was their fastest of {tried} on a
quarter of the hosts.

*Client* is the processor time of the contender and of all that it starts, ssh included; *per host*
is that time divided by the hosts. *Hosts* is the processor time of the servers and of what they
run. Both use the same {processors}, so in the first table no wall clock can be below the hosts'
time. In the second table the hosts do not run the look: they send the recorded answer after
{look_ms:.0f} ms, as {hosts} separate machines would. Logins, sessions and bytes are the same. On a
machine with other load, more processes get more processor time; there, compare processor times, not
wall clocks.

*Memory* is the peak of all processes of the contender together; shared pages count once. *Memory
per connected host* is the growth of our process when it logs in to {hosts} hosts, divided by
{hosts}.
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One run. ``hosts_cpu_s`` is the CPU time of the servers, ``ours`` additional figures of our own client."""

    contender: str
    hosts: int
    at_once: int
    recorded: bool
    used: Used
    hosts_cpu_s: float
    ours: dict[str, float]

    def __str__(self) -> str:
        used, where = self.used, " elsewhere" if self.recorded else ""
        words = f"{self.contender}, {self.hosts} hosts{where}: {used.wall_s:.1f} s, processor {used.cpu_s:.1f} s"
        words += f", hosts {self.hosts_cpu_s:.1f} s"
        return words + "".join(f", {name} {figure:.1f}" for name, figure in self.ours.items() if name.endswith("_s"))


def ratios(runs: Sequence[Run], hosts: int) -> str:
    """Compare each contender with ours in the same round; the median of the rounds."""
    here, elsewhere, few = (select(runs, hosts), select(runs, hosts, recorded=True), select(runs, hosts // 4))
    each = statistics.median(run.ours["host_bytes"] for run in here if run.contender == OURS)
    return "\n".join(
        (
            f"ratio ansible-setup-vs-ours-{hosts // 4}-hosts: {_ratio(few, SETUP, wall):.2f}",
            f"ratio pyinfra-vs-ours-{hosts}-hosts: {_ratio(here, PYINFRA, wall):.2f}",
            f"ratio pyinfra-vs-ours-{hosts}-hosts-elsewhere: {_ratio(elsewhere, PYINFRA, wall):.2f}",
            f"ratio pyinfra-vs-ours-client-cpu: {_ratio(here, PYINFRA, cpu):.2f}",
            f"ratio ansible-vs-ours-client-cpu: {_ratio(here, ANSIBLE, cpu):.2f}",
            f"ratio ansible-vs-ours-{hosts}-hosts-elsewhere: {_ratio(elsewhere, ANSIBLE, wall):.2f}",
            f"ratio ansible-vs-ours-{hosts}-hosts: {_ratio(here, ANSIBLE, wall):.2f} (goal {GOAL:.2f}, more is better)",
            f"memory per connected host: {each / 1e6:.2f} MB (goal {GOAL_MB:.2f})",
        )
    )


def select(runs: Sequence[Run], hosts: int, *, recorded: bool = False) -> list[Run]:
    """Return the runs on that many hosts, with a real look or a recorded answer."""
    return [run for run in runs if run.hosts == hosts and run.recorded == recorded]


def wall(run: Run) -> float:
    return run.used.wall_s


def cpu(run: Run) -> float:
    return run.used.cpu_s


def _ratio(runs: Sequence[Run], contender: str, figure: Callable[[Run], float]) -> float:
    theirs, ours = ([figure(run) for run in runs if run.contender == name] for name in (contender, OURS))
    return statistics.median(one / other for one, other in zip(theirs, ours, strict=True))


def table(runs: Sequence[Run]) -> str:
    """Return the table, one row per contender."""
    rows = [
        "| contender | hosts | at once | wall min | median | client | per host | hosts | memory |",
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for name, many in dict.fromkeys((run.contender, run.hosts) for run in runs):
        mine = [run for run in runs if (run.contender, run.hosts) == (name, many)]
        walls = [run.used.wall_s for run in mine]
        client_s = _client_s(mine)
        hosts_s = statistics.median(run.hosts_cpu_s for run in mine)
        each_ms = 1000 * client_s / many
        peak = max(run.used.peak_bytes for run in mine)
        rows.append(
            f"| {name} | {many} | {mine[0].at_once or 'all'} | {min(walls):.1f} s | {statistics.median(walls):.1f} s "
            f"| {client_s:.1f} s | {each_ms:.0f} ms | {hosts_s:.1f} s | {peak / 1e6:.0f} MB |"
        )
    return "\n".join(rows)


def _client_s(runs: Sequence[Run]) -> float:
    return statistics.median(run.used.cpu_s for run in runs)


def write(runs: Sequence[Run], hosts: int, versions: Sequence[str], loads: str, tried: Sequence[int]) -> None:
    """Write the page and the plot."""
    PAGE.write_text(
        _PAGE.format(
            hosts=hosts,
            date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            machine=machine(),
            loads=loads,
            versions="; ".join(versions),
            table=table([run for run in runs if not run.recorded]),
            recorded=table(select(runs, hosts, recorded=True)),
            look_ms=1000 * LOOK_S,
            ratios=ratios(runs, hosts),
            tried=", ".join(str(many) for many in tried),
            processors=machine().partition(" (")[0],
        )
    )
    bars = []
    for words, kind in (("", select(runs, hosts)), (", elsewhere", select(runs, hosts, recorded=True))):
        for name in dict.fromkeys(run.contender for run in kind):
            mine = [run for run in kind if run.contender == name]
            bars.append((name + words, statistics.median(wall(run) for run in mine), _client_s(mine)))
    PLOT.write_text(svg(f"Facts from {hosts} hosts, seconds (median)", bars))


def svg(title: str, bars: Sequence[tuple[str, float, float]]) -> str:
    """Draw two bars per name, wall clock and the client's CPU time, readable on light and on dark backgrounds."""
    left, width, row = 190, 400, 46
    most = max(max(wall, cpu) for _, wall, cpu in bars)
    colours = {"wall clock": "#2f6fb0", "processor, client": "#e08a2e"}
    parts = [f'<text x="10" y="22" font-weight="bold">{escape(title)}</text>']
    for number, (words, colour) in enumerate(colours.items()):
        parts.append(f'<rect x="{left + 140 * number}" y="34" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{left + 17 + 140 * number}" y="45">{words}</text>')
    for number, (name, *figures) in enumerate(bars):
        top = 62 + row * number
        parts.append(f'<text x="{left - 8}" y="{top + 21}" text-anchor="end">{escape(name)}</text>')
        for place, (figure, colour) in enumerate(zip(figures, colours.values(), strict=True)):
            y, long = top + 17 * place, max(1, round(width * figure / most))
            parts.append(f'<rect x="{left}" y="{y}" width="{long}" height="15" fill="{colour}"/>')
            parts.append(f'<text x="{left + long + 6}" y="{y + 12}">{figure:.1f}</text>')
    size = f'width="{left + width + 60}" height="{66 + row * len(bars)}"'
    style = 'font-family="sans-serif" font-size="13" fill="#444"'
    background = '<rect width="100%" height="100%" fill="white"/>'
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n{background}\n{body}\n</svg>\n'
