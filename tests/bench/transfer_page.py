"""The page docs/evidence/bench-transfer.md and its plot."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.bench.figures import load, machine
from tests.bench.transfer_figures import (
    ALONE,
    ANSIBLE,
    MASTERS,
    OTHERS,
    OURS,
    PYINFRA,
    SCP,
    Results,
    own_table,
    ratios,
    table,
)
from tests.bench.transfer_link import LINKS, SLOW, Link
from tests.bench.transfer_plot import Bar, Group, plot
from tests.lab.lab import REPOSITORY

PAGE = REPOSITORY / "docs" / "evidence" / "bench-transfer.md"
PICTURE = PAGE.with_suffix(".svg")
COLOURS = {OURS: "#2f81f7", ALONE: "#8db9f5", SCP: "#c69026", ANSIBLE: "#b65cc0", PYINFRA: "#57ab5a"}

_PAGE = """# One file to every master

`make bench-transfer` wrote this page on {date}.

| | |
| --- | --- |
| machine | {machine}; the laptop and all hosts share it |
| load average before the first round, after the last | {load_before}, {load_after} |
| hosts | {hosts} containers on that machine, systemd and OpenSSH; three or all of them are masters here |
| file | {size_bytes:,} bytes, made like etcd's content; {packers} |
| one packed copy | {copy_bytes:,} bytes |
| a plain stream reaches | {reached} |
| others | {versions} |

![times](bench-transfer.svg)

{table}

```
{ratios}
```

*Time* runs from the start of the contender's process to its end and includes the set-up of
connections. Ours runs from the first connection, because a restore's process already runs then, and
has already looked for links between masters; {rounds}. *Bytes over the link* is what this machine
sent to the hosts, counted by the network interface (headers of a large segment count once). *In
copies* divides it by one packed copy. The link's rate counts whole frames; TCP leaves 95.6 % of it
to the data. *Of the limit* divides the time by the time that one packed copy needs at that rate. A
*scaled* row sent a slice of the file ({slice_bytes:,} bytes); its time and bytes are multiplied. So
is the set-up, which takes Ansible some seconds.

What each contender does:

- **orchestrator** ends when every host has the file under its name, flushed and hashed. Its time
  includes that proof (a restore hashes the file once more, at its barrier). The file's own sha256
  is known before, because a restore has read the snapshot by then. After a cut it continues. *No
  fan-out* is the case in which masters cannot reach each other: a packed stream from the laptop to
  each of them in parallel.
- **scp**: one process for each host, all at once, default ciphers. No hash, no flush, no
  compression. After a cut it starts again.
- **Ansible**'s `copy`: as many forks as hosts, pipelining. It compares SHA-1 before and after; its
  `ssh` compresses (`-C` is its default). No flush. After a cut it starts again.
- **pyinfra**'s `files.put`: all hosts at once over paramiko's SFTP. It compares sizes, not hashes.
  No flush. After a cut it starts again.

The bench compares the sha256 on every host after each round, outside the measured time, and removes
the file. The file is in memory there (tmpfs): these hosts share one disk, unlike real ones, and a
flush would wait for it.

{cut}

## What orchestrator needs on the laptop

{own_table}

Whole files only; the largest of all rounds. The *lag* is how late a task continued after the time
it asked for. If the hosts share the laptop's processors, the lag is theirs: a task waits behind
what unpacks and hashes on them. *On a processor of its own*, the laptop has one and the hosts have
the others, as with hosts elsewhere.
"""
_CUT = """*Cut at 50 %*: when half of the bytes were sent, the kernel reset every connection between the
laptop and the hosts. `resent-after-cut` is what was sent beyond a transfer without a cut, as a part
of the latter."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """The circumstances of a run, which the page shows beside its results."""

    size_bytes: int
    slice_bytes: int
    packers: Mapping[str, float]
    reached: Mapping[Link, float]
    versions: Mapping[str, str]
    load_before: str


def page(results: Results, around: Circumstances) -> str:
    """Return the whole page docs/evidence/bench-transfer.md."""
    return _PAGE.format(
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=machine(),
        load_before=around.load_before,
        load_after=load(),
        hosts=max(MASTERS),
        size_bytes=around.size_bytes,
        slice_bytes=around.slice_bytes,
        packers=", ".join(f"`{packer}` makes it {ratio:.1f} times smaller" for packer, ratio in around.packers.items()),
        copy_bytes=results.copy_bytes,
        reached=", ".join(f"{bits_s / 1e6:,.0f} Mbit/s ({link.title})" for link, bits_s in around.reached.items()),
        versions=", ".join(around.versions.values()),
        table=table(results),
        ratios=ratios(results),
        rounds=_rounds(results),
        cut=_CUT if results.cut else "",
        own_table=own_table(results),
    )


def _rounds(results: Results) -> str:
    counts = {}
    for link in LINKS:
        of_each = [len(results.of(one, link, masters)) for one in (OURS, ALONE, *OTHERS) for masters in MASTERS]
        done = sorted({count for count in of_each if count})
        counts[link.title] = " or ".join(map(str, done))
    return "rounds: " + ", ".join(f"{title} {count}" for title, count in counts.items() if count)


def picture(results: Results) -> str:
    """Return the whole plot docs/evidence/bench-transfer.svg."""
    groups = [
        Group(f"{link.title}, {masters} masters", bars)
        for link, masters in itertools.product(LINKS, MASTERS)
        if (bars := _bars(results, link, masters))
    ]
    remark = "Median time until the file is on every master; dashed: one packed copy at the link's rate"
    return plot("Bringing one file to every master", remark, groups)


def _bars(results: Results, link: Link, masters: int) -> list[Bar]:
    bars = []
    for contender, colour in COLOURS.items():
        took_s = results.took_s(contender, link, masters)
        if took_s is not None:
            scaled = results.of(contender, link, masters)[0].scale > 1
            limit_s = link.least_s(results.copy_bytes) if contender == OURS or link is SLOW else 0.0
            bars.append(Bar(contender, took_s, colour, " (scaled)" if scaled else "", limit_s))
    return bars
