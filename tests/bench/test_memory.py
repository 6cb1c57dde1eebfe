"""The laptop's memory does not grow with the snapshot: the file is mapped, and pushed as a stream."""

from __future__ import annotations

from tests.bench.cluster import SNAPSHOTS
from tests.bench.memory import GOAL_BYTES, GOAL_SPREAD, measure, spread, three_hosts
from tests.snapshots import make_snapshot

KEYS = 105_000  # with values of 3000 bytes this is the snapshot of the lab's tests, which is made once


def test_memory_does_not_grow_with_snapshot() -> None:
    peaks = []
    for value_bytes in (130, 3000):
        snapshot = make_snapshot(SNAPSHOTS, keys=KEYS, value_bytes=value_bytes)
        with three_hosts() as inventory:
            peaks.append(measure(inventory, snapshot))
    small, large = peaks
    assert large.snapshot_bytes > 15 * small.snapshot_bytes
    assert large.anonymous_bytes < GOAL_BYTES
    assert spread(peaks) < GOAL_SPREAD
