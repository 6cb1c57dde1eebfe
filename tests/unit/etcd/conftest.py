"""One snapshot with a history, for tests that need any snapshot."""

from pathlib import Path

import pytest

from tests import snapshots

KEYS, VALUE_BYTES = 600, 2500


@pytest.fixture(scope="package")
def snapshot_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """KEYS keys, with branch pages, overflow pages, superseded entries, tombstones and a compaction."""
    folder = tmp_path_factory.mktemp("snapshot")
    return snapshots.make_snapshot(folder, keys=KEYS, value_bytes=VALUE_BYTES)
