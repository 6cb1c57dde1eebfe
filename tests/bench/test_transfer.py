"""The parts of `make bench-transfer` that need no lab: its file, its figures, its page and plot."""

from __future__ import annotations

import time
import zlib
from pathlib import Path
from xml.etree import ElementTree

from tests.bench.transfer import Bench
from tests.bench.transfer_figures import ALONE, ANSIBLE, APART, OURS, PYINFRA, SCP, Results, Round, ratios, table
from tests.bench.transfer_file import SCALE, Sample, content
from tests.bench.transfer_link import FAST, OPEN, SLOW, Link
from tests.bench.transfer_ours import Child, Figures
from tests.bench.transfer_page import Circumstances, page, picture
from tests.lab.lab import Lab

COPY = 200_000_000


def test_file_is_reproducible_and_compresses_five_times() -> None:
    whole = b"".join(content(2_000_000))
    assert len(whole) == 2_000_000
    assert b"".join(content(200_000)) == whole[:200_000]
    assert 4 < len(whole) / len(zlib.compress(whole)) < 6


def rounds(contender: str, link: Link, took_s: float, sent_bytes: float = COPY) -> list[Round]:
    """Return rounds with three masters, and with five in twice the time."""
    child = Child(Figures(took_s, lag_s=0.034, cpu_s=7), 40_000_000) if contender in (OURS, ALONE) else None
    scale = 10 if link is SLOW and contender != OURS else 1
    return [
        Round(contender, link, masters, took_s * more, sent_bytes, scale, child) for masters, more in ((3, 1), (5, 2))
    ]


FULL = Results(
    [
        *rounds(OURS, SLOW, 33.6, 1.02 * COPY), *rounds(SCP, SLOW, 500, 3e9), *rounds(ALONE, SLOW, 490, 3e9),
        *rounds(OURS, FAST, 9), *rounds(OURS, FAST, 11), *rounds(SCP, FAST, 20), *rounds(PYINFRA, FAST, 60),
        Round(APART, OPEN, 3, 12, COPY, child=Child(Figures(12, lag_s=0.012, cpu_s=5), 40_000_000)),
        *rounds(OURS, OPEN, 12), *rounds(SCP, OPEN, 10), *rounds(ANSIBLE, OPEN, 60), *rounds(ALONE, OPEN, 5),
    ],
    COPY,
    Round(OURS, SLOW, 3, 40, 1.05 * COPY),
)  # fmt: skip


def test_slow_rounds_use_slice_or_are_left_out() -> None:
    sample = Sample(Path("file"), 10**9, "")
    bench = Bench(Lab(), sample, sample, time.monotonic() + 100)
    assert bench.scale_of(PYINFRA, FAST, 3) == 1  # no time is known yet
    bench.lasted_s[PYINFRA, FAST, 3] = 90.0
    assert (bench.scale_of(PYINFRA, FAST, 3), bench.scale_of(PYINFRA, OPEN, 3), bench.scale_of(PYINFRA, OPEN, 5)) == (
        1, 1, SCALE
    )  # fmt: skip
    bench.ends_s -= 50
    assert (bench.scale_of(PYINFRA, FAST, 3), bench.scale_of(PYINFRA, OPEN, 3)) == (0, SCALE)
    assert (bench.scale_of(OURS, SLOW, 3), bench.scale_of(SCP, SLOW, 3)) == (1, SCALE)
    bench.ends_s -= 50
    assert bench.scale_of(PYINFRA, OPEN, 3) == 0


def test_every_figure_with_a_goal_has_its_line() -> None:
    assert ratios(FULL).splitlines() == [
        "ratio limit-3-masters-50mbit: 1.05 (goal 1.10)",
        "ratio limit-5-masters-50mbit: 2.10 (goal 1.10)",
        "ratio bytes-3-masters-50mbit: 1.02 (goal 1.05)",
        "ratio bytes-5-masters-50mbit: 1.02 (goal 1.05)",
        "ratio fastest-other-3-masters-1gbit: 0.50 (goal 1.00)",
        "ratio fastest-other-5-masters-1gbit: 0.50 (goal 1.00)",
        "ratio fastest-other-3-masters-unshaped: 1.20 (goal 1.00)",
        "ratio fastest-other-5-masters-unshaped: 1.20 (goal 1.00)",
        "ratio resent-after-cut: 0.03 (goal 0.05)",
        "ratio event-loop-lag-ms: 12 (goal 200)",
        "ratio event-loop-lag-ms-among-the-hosts: 34 (goal 200)",
    ]


def test_missing_figures_are_marked() -> None:
    lines = ratios(Results(rounds(SCP, FAST, 20), COPY)).splitlines()
    assert len(lines) == 11
    assert all("not measured" in line for line in lines)


def test_scaled_row_is_marked() -> None:
    rows = {row.split(" | ")[2]: row for row in table(FULL).splitlines() if row.startswith("| 50 Mbit/s | 3")}
    assert "scaled x10" in rows[SCP]
    assert "scaled" not in rows[OURS]
    assert "| 1.05 |" in rows[OURS]


def test_page_and_plot_show_all_results() -> None:
    around = Circumstances(10**9, 10**8, {"zstd -3": 5.0}, {SLOW: 48e6}, {"scp": "OpenSSH_9.2p1"}, "0.1")
    text = page(FULL, around)
    assert table(FULL) in text
    assert ratios(FULL) in text
    assert "50 Mbit/s 1, 1 Gbit/s 1 or 2, unshaped 1" in text
    drawn = ElementTree.fromstring(picture(FULL))
    bars = drawn.findall("{http://www.w3.org/2000/svg}rect")
    assert len(bars) == 2 * 10  # FULL has ten pairs of a contender and a link, each with three masters and with five
