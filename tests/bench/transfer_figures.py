"""The figures of `make bench-transfer`: one round, the ratios, the table."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.transfer_link import FAST, LINKS, OPEN, SLOW, Link
from tests.bench.transfer_ours import Child

OURS, ALONE, SCP, ANSIBLE, PYINFRA = (
    "orchestrator", "orchestrator, no fan-out", "scp to each", "Ansible copy", "pyinfra files.put"
)  # fmt: skip
APART = "orchestrator, on a processor of its own"
"""Like a laptop that is not a host as well: only its event loop is measured."""
OTHERS = (SCP, ANSIBLE, PYINFRA)
MASTERS = (3, 5)
GOAL_LIMIT, GOAL_BYTES, GOAL_FASTEST, GOAL_RESENT, GOAL_LAG_S = 1.10, 1.05, 1.00, 0.05, 0.2


@dataclass(frozen=True, slots=True)
class Round:
    """One file copied to that many masters.

    Time and bytes are those of the whole file: for a slice, the measured figure times ``scale``. ``child`` has the
    figures of our own process.
    """

    contender: str
    link: Link
    masters: int
    took_s: float
    sent_bytes: float
    scale: int = 1
    child: Child | None = None

    def __str__(self) -> str:
        scaled = f" (scaled x{self.scale})" if self.scale > 1 else ""
        where = f"{self.link.title}, {self.masters} masters"
        return f"{where}, {self.contender}: {self.took_s:.1f} s, {self.sent_bytes / 1e6:,.0f} MB sent{scaled}"


@dataclass(frozen=True, slots=True)
class Results:
    """All results of a run. ``copy_bytes`` is one packed copy; ``cut`` the round that was cut halfway."""

    played: Sequence[Round]
    copy_bytes: int
    cut: Round | None = None

    def of(self, contender: str, link: Link, masters: int) -> list[Round]:
        return [it for it in self.played if (it.contender, it.link, it.masters) == (contender, link, masters)]

    def took_s(self, contender: str, link: Link, masters: int) -> float | None:
        """Return the median; None if it was not measured."""
        return _median([it.took_s for it in self.of(contender, link, masters)])

    def sent_bytes(self, contender: str, link: Link, masters: int) -> float | None:
        """Return the median; None if it was not measured."""
        return _median([it.sent_bytes for it in self.of(contender, link, masters)])

    def fastest_other_s(self, link: Link, masters: int) -> float | None:
        times = [self.took_s(other, link, masters) for other in OTHERS]
        return min((time for time in times if time is not None), default=None)

    def resent(self) -> float | None:
        """Return the cost of the cut: the bytes beyond those of a transfer without a cut, as a part of these."""
        if self.cut is None:
            return None
        whole = self.sent_bytes(self.cut.contender, self.cut.link, self.cut.masters)
        return self.cut.sent_bytes / whole - 1 if whole else None

    def lag_ms(self, contender: str) -> float | None:
        """Return the largest lag of its rounds."""
        ours = [it.child.figures.lag_s for it in self.played if it.child and it.contender == contender]
        return max(ours) * 1000 if ours else None


def ratios(results: Results) -> str:
    """Return a line for each figure that has a goal."""
    return "\n".join(_lines(results))


def _lines(results: Results) -> Iterator[str]:
    for masters in MASTERS:
        took, least = results.took_s(OURS, SLOW, masters), SLOW.least_s(results.copy_bytes)
        yield _line(f"limit-{masters}-masters-{SLOW.name}", _ratio(took, least), GOAL_LIMIT)
    for masters in MASTERS:
        sent = results.sent_bytes(OURS, SLOW, masters)
        yield _line(f"bytes-{masters}-masters-{SLOW.name}", _ratio(sent, results.copy_bytes), GOAL_BYTES)
    for link in (FAST, OPEN):
        for masters in MASTERS:
            ratio = _ratio(results.took_s(OURS, link, masters), results.fastest_other_s(link, masters))
            yield _line(f"fastest-other-{masters}-masters-{link.name}", ratio, GOAL_FASTEST)
    yield _line("resent-after-cut", results.resent(), GOAL_RESENT)
    for name, contender in (("event-loop-lag-ms", APART), ("event-loop-lag-ms-among-the-hosts", OURS)):
        yield _line(name, results.lag_ms(contender), GOAL_LAG_S * 1000, digits=0)


def _line(name: str, figure: float | None, goal: float, *, digits: int = 2) -> str:
    said = "not measured" if figure is None else f"{figure:.{digits}f}"
    return f"ratio {name}: {said} (goal {goal:.{digits}f})"


def _ratio(figure: float | None, other: float | None) -> float | None:
    return None if figure is None or not other else figure / other


def table(results: Results) -> str:
    """Return the table, one row per link, number of masters and contender."""
    rows = [
        "| link | masters | contender | time min | median | bytes over the link | in copies | of the limit | scaled |",
        "| --- | --: | --- | --: | --: | --: | --: | --: | --- |",
    ]
    every = itertools.product(LINKS, MASTERS, (OURS, ALONE, *OTHERS))
    played = [results.of(contender, link, masters) for link, masters, contender in every]
    rows += [_row(results, rounds) for rounds in played if rounds]
    if results.cut is not None:
        rows.append(_row(results, [results.cut], "cut at 50 %"))
    return "\n".join(rows)


def _row(results: Results, rounds: Sequence[Round], remark: str = "") -> str:
    one = rounds[0]
    times = [it.took_s for it in rounds]
    sent = statistics.median(it.sent_bytes for it in rounds)
    least = one.link.least_s(results.copy_bytes)
    cells = (
        one.link.title,
        str(one.masters),
        f"{one.contender}, {remark}" if remark else one.contender,
        f"{min(times):.1f} s",
        f"{statistics.median(times):.1f} s",
        f"{sent / 1e6:,.0f} MB",
        f"{sent / results.copy_bytes:.2f}",
        f"{statistics.median(times) / least:.2f}" if least else "-",
        f"scaled x{one.scale}" if one.scale > 1 else "",
    )
    return f"| {' | '.join(cells)} |"


def own_table(results: Results) -> str:
    """Return our own peak use of the laptop, one row per contender and number of masters."""
    rows = [
        "| contender | masters | processor time | anonymous memory, peak | event loop's largest lag |",
        "| --- | --: | --: | --: | --: |",
    ]
    for (contender, masters), children in _own(results.played).items():
        cpu_s = max(child.figures.cpu_s for child in children)
        lag_s = max(child.figures.lag_s for child in children)
        memory = max(child.anonymous_bytes for child in children)
        figures = f"{cpu_s:.1f} s | {memory / 1e6:.0f} MB | {lag_s * 1000:.0f} ms"
        rows.append(f"| {contender} | {masters} | {figures} |")
    return "\n".join(rows)


def _own(played: Sequence[Round]) -> Mapping[tuple[str, int], list[Child]]:
    """Group our own processes, without slices: their figures would be too small."""
    found: dict[tuple[str, int], list[Child]] = {}
    for it in played:
        if it.child and it.scale == 1:
            found.setdefault((it.contender, it.masters), []).append(it.child)
    return found


def _median(figures: Sequence[float]) -> float | None:
    return statistics.median(figures) if figures else None
