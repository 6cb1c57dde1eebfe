"""`make bench-outage`: the outage of an aided restore, by the product, by hand and by Ansible, in one run.

Three masters, a snapshot of 412 MB with 100,000 keys. The contenders take turns, each on the same data, ROUNDS times
(3). The lab is the one that LAB and LAB_SUBNET name; the report goes to docs/bench-outage.md.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench import ansible_setup, report
from tests.bench.cluster import Cluster, seeded
from tests.bench.contenders import Contender, ansible, by_hand, product
from tests.bench.observer import Seen, observing
from tests.lab.commands import LabError
from tests.lab.lab import Lab

CONTENDERS: dict[str, Contender] = {"orchestrator": product, "by hand": by_hand, "Ansible": ansible}
GOALS = {"aided-vs-by-hand": ("orchestrator", 1.15), "ansible-vs-by-hand": ("Ansible", None)}


@dataclass(frozen=True, slots=True)
class Round:
    """One restore. ``outage_s`` is the contender's own figure without ``dwell_s``, ``seen`` what the observer saw."""

    contender: str
    outage_s: float
    dwell_s: float
    seen: Seen


def play(cluster: Cluster, name: str) -> Round:
    """One restore by one contender, on a fresh cluster. Raises LabError where it failed or was not seen to succeed."""
    cluster.reset()
    with observing(cluster) as observer:
        claimed = CONTENDERS[name](cluster)
    seen = observer.seen()
    # Ansible tells no times of its own: the outage lasts until its playbook is content.
    outage_s = claimed.ended_s - seen.stopped_s if claimed.outage_s is None else claimed.outage_s
    return Round(name, outage_s - claimed.dwell_s, claimed.dwell_s, seen)


def play_all(cluster: Cluster, rounds: int) -> list[Round]:
    """They take turns, and who begins changes, so that a machine that gets busier is unfair to nobody."""
    names = list(CONTENDERS)
    played = []
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            played.append(play(cluster, name))
            print(f"round {number + 1}: {report.one_line(played[-1])}", file=sys.stderr, flush=True)
    return played


def ratios(played: Sequence[Round]) -> list[str]:
    """Medians of the contenders' own outages, dwell left out, against the median by hand."""
    base = median(played, "by hand")
    lines = []
    for name, (contender, goal) in GOALS.items():
        ratio = f"ratio {name}: {median(played, contender) / base:.2f}"
        lines.append(f"{ratio} (goal {goal})" if goal else ratio)
    return lines


def median(played: Sequence[Round], contender: str) -> float:
    return statistics.median(one.outage_s for one in played if one.contender == contender)


def main() -> int:
    lab = Lab.from_environment()
    rounds = int(os.environ.get("ROUNDS", "3"))
    try:
        lab.up()
        ansible_setup.furnish(lab)
        cluster = seeded(lab)
        before = report.Machine.now()
        played = play_all(cluster, rounds)
    except LabError as error:
        print(f"error: {error}\nnext: make lab-down, then make bench-outage", file=sys.stderr)
        return 1
    text = report.document(played, cluster, before, ratios(played))
    report.WHERE.write_text(text)
    print(f"{report.table(played)}\n\n" + "\n".join(ratios(played)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
