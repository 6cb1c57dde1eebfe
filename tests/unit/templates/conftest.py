"""Every test of a script runs once per shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.templates.host import SHELLS, FakeHost


@pytest.fixture(params=sorted(SHELLS))
def host(request: pytest.FixtureRequest, tmp_path: Path) -> FakeHost:
    """A fresh host with this run's folder on it."""
    return FakeHost(tmp_path, SHELLS[request.param]).prepare()
