"""The figures of `make bench-real`: one round, the ratios, the table, and the page docs/evidence/real.md."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.bench.figures import load, machine
from tests.lab.lab import REPOSITORY
from tests.real.build import Versions
from tests.real.outage import Summary

PAGE = REPOSITORY / "docs" / "evidence" / "real.md"
OURS, BY_HAND, PEER = "orchestrator", "by hand, best order", "host by host, by force"
STOP_WITHIN_S = 6.0

_PAGE = """# The outage of a restore of real Kubernetes

`make bench-real` wrote this page on {date}.

| | |
| --- | --- |
| machine | {machine} |
| load average before the first round, after the last | {load_before}, {load_after} |
| cluster | kubeadm, Kubernetes {kubernetes}, etcd {etcd}: three masters and a worker as containers on that machine |
| snapshot | {snapshot_bytes:,} bytes |
| rounds | {rounds} of each, by turns, each on a cluster that moved on since the same backup |

{table}

```
{ratios}
```

All figures are medians in seconds, seen from outside: `/readyz` of each API server and every
process of the control plane, ten times a second. *All back*: from the first failed answer of any
API server until every one answers for good. *Each away*: the shortest and the longest time that one
API server was away. *None answers*: no API server answers. *Stopped*: from the first process of the
old control plane that ends to the last one. *Told*: the outage in the product's own report.
*Outlived*: rounds in which an API server of the old control plane lived on beside the restored
etcd.

After each round every API server shows every object of the backup and no other; a round that does
not get there ends the bench.

*By hand* moves the manifests of API servers, controllers and schedulers away on all masters, sends
a second SIGTERM after 2 s, waits for the processes, moves etcd's manifest (the leader's last),
stops the kubelet and swaps the data, which `etcdutl` restored beside before. etcd then starts on
one master after the other, each when the one before answers on its peer port, and the manifests
come back. Somebody does it who needs no time to read or type. It claims nothing, keeps no snapshot
of the last state, holds nothing down, proves nothing and cannot be resumed.

*Host by host, by force* is the order of Oracle MAA's `maak8-etcd-restore.sh` (`oracle-samples/maa`,
commit 2935c69e): it kills the control plane by SIGKILL, then takes each host in turn: fetches the
old data, restores on the laptop, sends the data, starts the kubelet.
`tests/bench/real_contenders.py` lists what it leaves out. Nothing waits for the other hosts.
"""


@dataclass(frozen=True, slots=True)
class Round:
    """One restore. ``told_s`` is the contender's own figure for the outage, if it has one."""

    contender: str
    told_s: float | None
    seen: Summary

    @property
    def stopped_s(self) -> float:
        """From the first process of the old control plane that ended to the last one."""
        ends = [life.ended for life in self.seen.old_control_plane() if life.ended is not None]
        return max(ends) - min(ends) if ends else 0.0

    def __str__(self) -> str:
        told = "" if self.told_s is None else f", told {self.told_s:.1f} s"
        return (
            f"{self.contender}: all back after {self.seen.every_server_s:.1f} s, stopped {self.stopped_s:.1f} s{told}"
        )


def ratios(played: Sequence[Round]) -> str:
    """Compare the medians, one line each."""

    def back(name: str) -> float:
        return _median(played, name, lambda one: one.seen.every_server_s)

    lines = [
        f"ratio real-vs-by-hand: {back(OURS) / back(BY_HAND):.2f} (goal 1.3)",
        f"ratio real-vs-host-by-host: {back(OURS) / back(PEER):.2f} (goal 1.0)",
        f"ratio real-stop-vs-6s: {_median(played, OURS, lambda one: one.stopped_s) / STOP_WITHIN_S:.2f} (goal 1.0)",
    ]
    return "\n".join(lines)


def _median(played: Sequence[Round], contender: str, figure: Callable[[Round], float]) -> float:
    return statistics.median(figure(one) for one in played if one.contender == contender)


def table(played: Sequence[Round]) -> str:
    """Return the table, one row per contender."""
    rows = [
        "| contender | all back, min | median | max | each away | none answers | stopped | told | outlived |",
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for contender in dict.fromkeys(one.contender for one in played):
        mine = [one for one in played if one.contender == contender]
        back = [one.seen.every_server_s for one in mine]
        away = [seconds for one in mine for seconds in one.seen.away.values()]
        told = [one.told_s for one in mine if one.told_s is not None]
        figures = (
            *(f"{figure(back):.1f}" for figure in (min, statistics.median, max)),
            f"{min(away):.1f} to {max(away):.1f}",
            f"{statistics.median(one.seen.none for one in mine):.1f}",
            f"{statistics.median(one.stopped_s for one in mine):.1f}",
            f"{statistics.median(told):.1f}" if told else "-",
            f"{sum(bool(one.seen.lingering()) for one in mine)} of {len(mine)}",
        )
        rows.append(f"| {contender} | {' | '.join(figures)} |")
    return "\n".join(rows)


def page(played: Sequence[Round], *, versions: Versions, snapshot_bytes: int, load_before: str) -> str:
    """Return the whole page docs/evidence/real.md."""
    return _PAGE.format(
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=machine(),
        load_before=load_before,
        load_after=load(),
        kubernetes=versions.kubernetes,
        etcd=versions.etcd,
        snapshot_bytes=snapshot_bytes,
        rounds=len([one for one in played if one.contender == BY_HAND]),
        table=table(played),
        ratios=ratios(played),
    )
