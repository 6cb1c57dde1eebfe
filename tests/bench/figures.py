"""The figures of `make bench-outage`: one round, the ratios, the table, and the page in docs/evidence/."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.observer import Seen
from tests.lab.lab import REPOSITORY

PAGE = REPOSITORY / "docs" / "evidence" / "bench-outage.md"
AIDED, MANUAL, BY_HAND, ANSIBLE = "orchestrator, aided", "orchestrator, manual", "aided by hand", "Ansible, aided"
STOP_START = "stop and start"
GOALS = (
    ("aided-vs-by-hand", AIDED, BY_HAND, 1.15),
    ("ansible-vs-by-hand", ANSIBLE, BY_HAND, None),
    ("manual-vs-stop-start", MANUAL, STOP_START, 1.15),
    ("manual-vs-by-hand", MANUAL, BY_HAND, None),
)

_PAGE = """# The outage of a restore

`make bench-outage` wrote this page on {date}.

| | |
| --- | --- |
| machine | {machine} |
| load average before the first round, after the last | {load_before}, {load_after} |
| cluster | three masters as containers on that machine, real systemd, OpenSSH, Docker and etcd 3.5.1 |
| snapshot | {snapshot_bytes:,} bytes, {keys:,} keys |
| rounds | {rounds} of each, by turns, each on the same data |
| Ansible | {ansible}, forks 10, pipelining |

{table}

```
{ratios}
```

All figures are seconds. *Outage* is each contender's own figure. `orchestrator` reports it: from
the first stopped service to the last proven member, without its fixed dwell of {dwell:g} s. By
hand: from the first command to the last right answer. Ansible: from the first stopped service to
the end of the playbook. *Seen from outside* includes the dwell: an observer asks systemd for the
first stop and the members for the snapshot's HashKV. *Stop*, *work* and *start* are its three
parts: until the last runtime was down, until the last agent was started, until the last member had
the right data.

*By hand* is `systemctl stop`, `cp -a`, `kublr etcd restore`, `sha256sum`, `systemctl start` and a
polling loop. Each runs on all masters at once over open SSH connections, by somebody who needs no
time to read or type. This does not hash the old data, does not flush the scheduled file to the
disk, does not hold the services down and does not prove that the raft log is new; `orchestrator`
does all four. The playbook is `tests/bench/restore.yml`.

*Stop and start* stops the same services in the same way and starts them on the same data, until
every member reports a quorum. The manual strategy restores before it stops anything. To this it
adds the proof that everything is down, two renames with their barriers, and the proof of the
result. It saves time because the leader stops last: otherwise the leader often waits 8 s for a
successor that stops too.
"""


@dataclass(frozen=True, slots=True)
class Round:
    """One restore. ``outage_s`` is the contender's own figure without ``dwell_s``, ``seen`` what the observer saw."""

    contender: str
    outage_s: float
    dwell_s: float
    seen: Seen

    def __str__(self) -> str:
        return f"{self.contender}: outage {self.outage_s:.1f} s, seen from outside {self.seen.outage_s:.1f} s"


def ratios(played: Sequence[Round]) -> str:
    """Compare the medians of the contenders' own outages, one line each."""
    lines = []
    for name, contender, other, goal in GOALS:
        ratio = f"ratio {name}: {_median(played, contender) / _median(played, other):.2f}"
        lines.append(f"{ratio} (goal {goal})" if goal else ratio)
    return "\n".join(lines)


def _median(played: Sequence[Round], contender: str) -> float:
    return statistics.median(one.outage_s for one in played if one.contender == contender)


def table(played: Sequence[Round]) -> str:
    """Return the table, one row per contender: the outage, the dwell, and what the observer saw."""
    rows = [
        "| contender | outage min | median | max | dwell | seen from outside | stop | work | start |",
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for contender in dict.fromkeys(one.contender for one in played):
        mine = [one for one in played if one.contender == contender]
        outages = [one.outage_s for one in mine]
        seen = [one.seen for one in mine]
        figures = (
            min(outages),
            statistics.median(outages),
            max(outages),
            max(one.dwell_s for one in mine),
            statistics.median(one.outage_s for one in seen),
            statistics.median(one.quiet_s - one.stopped_s for one in seen),
            statistics.median(one.started_s - one.quiet_s for one in seen),
            statistics.median(one.restored_s - one.started_s for one in seen),
        )
        rows.append(f"| {contender} | " + " | ".join(f"{figure:.1f}" for figure in figures) + " |")
    return "\n".join(rows)


def load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


def page(played: Sequence[Round], *, snapshot_bytes: int, keys: int, ansible: str, load_before: str) -> str:
    """Return the whole page docs/evidence/bench-outage.md."""
    return _PAGE.format(
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=machine(),
        load_before=load_before,
        load_after=load(),
        snapshot_bytes=snapshot_bytes,
        keys=keys,
        rounds=len([one for one in played if one.contender == BY_HAND]),
        ansible=ansible,
        table=table(played),
        ratios=ratios(played),
        dwell=max(one.dwell_s for one in played),
    )


def machine() -> str:
    """Describe this machine: processors, memory and kernel."""
    memory = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    gib = int(memory.split()[1]) / 2**20
    return f"{os.cpu_count()} processors ({platform.machine()}), {gib:.0f} GiB, Linux {platform.release()}"
