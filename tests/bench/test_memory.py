"""The laptop's memory does not grow with the snapshot: it is mapped, and pushed as a stream."""

from __future__ import annotations

from tests.bench.cluster import KEYS, SNAPSHOTS, VALUE_BYTES
from tests.bench.memory import GOAL_BYTES, GOAL_SPREAD, SMALL_VALUE_BYTES, measure, spread, three_hosts
from tests.snapshots import make_snapshot


def test_a_snapshot_is_never_held_in_memory() -> None:
    peaks = []
    for value_bytes in (SMALL_VALUE_BYTES, VALUE_BYTES):
        snapshot = make_snapshot(SNAPSHOTS, keys=KEYS, value_bytes=value_bytes)
        with three_hosts() as inventory:
            peaks.append(measure(inventory, snapshot))
    small, large = peaks
    assert large.snapshot_bytes > 15 * small.snapshot_bytes
    assert large.anonymous_bytes < GOAL_BYTES
    assert spread(peaks) < GOAL_SPREAD
