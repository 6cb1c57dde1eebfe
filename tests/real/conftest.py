"""The real cluster for the tests: brought up once, never skipped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.commands import LabError
from tests.lab.laptop import Laptop
from tests.real.cluster import Real


@pytest.fixture(scope="session")
def real() -> Iterator[Real]:
    """The cluster that LAYOUT, KUBERNETES, ETCD, REAL and REAL_SUBNET name. One that was up before stays up."""
    try:
        real = Real.from_environment()
        was_up = real.is_up()
        real.up()
    except LabError as error:
        pytest.fail(f"the real lab cannot run here: {error}", pytrace=False)
    yield real
    if not was_up:
        real.down()


@pytest.fixture
def laptop(real: Real, tmp_path: Path) -> Laptop:
    return Laptop(tmp_path / "laptop", None)
