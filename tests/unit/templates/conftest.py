"""Fixtures for tests of scripts: each test runs once per shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import snapshots
from tests.unit.templates.host import SHELLS, FakeHost


@pytest.fixture(params=sorted(SHELLS))
def host(request: pytest.FixtureRequest, tmp_path: Path) -> FakeHost:
    """A fresh host with this run's folder on it."""
    return FakeHost(tmp_path, SHELLS[request.param]).prepare()


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real snapshot, with a history."""
    folder = tmp_path_factory.mktemp("snapshot")
    (member,) = snapshots.members("maker")
    with snapshots.running(member, folder / "data"):
        for number in range(30):
            snapshots.put(member, f"/registry/pods/web/{number % 20}", b"x" * 100)
        snapshots.delete(member, "/registry/pods/web/3")
        return snapshots.save(member, folder / "snapshot.db")
