"""docs/evidence/bench-transfer.md and its plot."""

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

_PAGE = """# Bringing one file to every master

Written by `make bench-transfer` on {date}.

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

*Time* is from the start of the contender's process to its end, so it has the connections' set-up in it; ours begins
with the first connection, as a restore's process runs by then, and has looked for ways between masters for its plan;
{rounds}.
*Bytes over the link* are those that this machine has sent to the hosts, by the interface's own count (of a large
segment, the headers count once); *in copies* divides them by one packed copy. The link's rate is that of whole frames,
of which TCP leaves 95.6 % to what is sent; *of the limit* divides the time by what one packed copy takes at that rate.
Where a row is *scaled*, a slice of the file was sent ({slice_bytes:,} bytes), and its time and bytes are multiplied;
so is the set-up then, which is some seconds of Ansible's.

What they do and do not do:

- **orchestrator** ends when every host has the file under its name, flushed and hashed on the way: its time has that
  proof in it (a restore hashes it once more, at its barrier). The file's own sha256 is known before, as a restore has
  read the snapshot by then. When it is cut it goes on. *No fan-out* is what it does where masters cannot reach one
  another: a packed stream from here to each of them, side by side.
- **scp**: one process per host, all at once, default ciphers. No hash, no flush, no compression; cut, it begins anew.
- **Ansible**'s `copy`: as many forks as hosts, pipelining. It asks each host for the file's SHA-1 before and compares
  it after; its `ssh` compresses (`-C` is its default). No flush; cut, it begins anew.
- **pyinfra**'s `files.put`: all hosts at once over paramiko's SFTP. It compares sizes, not hashes; no flush; cut, it
  begins anew.

The bench itself compares the sha256 on every host after each round, outside everybody's time, and removes the file. It
lies in memory there (tmpfs): these hosts share one disk, as no real ones do, and whoever flushes would wait for it.

{cut}

## What ours takes from the laptop

{own_table}

Whole files only, the largest of all rounds. The *lag* is how much later a task went on than it wanted to.
Where the hosts share the laptop's processors, it is theirs: a task waits for its turn behind what unpacks and hashes on
them. *On a processor of its own* the laptop has one, and they have the others, as where hosts are elsewhere.
"""
_CUT = """*Cut at 50 %*: when half of the bytes had gone over the link, the kernel reset every connection between the
laptop and the hosts. What was sent beyond the bytes of a transfer without a cut, in parts of these, is
`resent-after-cut`."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Of a run: what is told on the page beside its results."""

    size_bytes: int
    slice_bytes: int
    packers: Mapping[str, float]
    reached: Mapping[Link, float]
    versions: Mapping[str, str]
    load_before: str


def page(results: Results, around: Circumstances) -> str:
    """docs/evidence/bench-transfer.md, whole."""
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
    """docs/evidence/bench-transfer.svg, whole."""
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
