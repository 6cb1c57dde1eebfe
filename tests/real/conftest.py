"""The real cluster for the tests: brought up once, never skipped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.commands import LabError
from tests.lab.laptop import Laptop
from tests.real.cluster import Real
from tests.real.hosts import MASTERS, say
from tests.real.scene import Scene

_IN_USE = "test -e /var/lib/orchestrator/claim -o -e /var/lib/orchestrator/hold"


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


@pytest.fixture(scope="session")
def stage(real: Real) -> Scene:
    """The one scene of all tests: its backup is taken once."""
    return Scene(real)


@pytest.fixture
def scene(stage: Scene, laptop: Laptop, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A cluster that has moved on since its backup."""
    return prepared(stage, laptop, tmp_path_factory)


def prepared(stage: Scene, laptop: Laptop, folders: pytest.TempPathFactory) -> Scene:
    """The stage, moved on since its backup; on a new cluster when a test before has left a broken one."""
    if not stage.real.is_up() or any(_is_in_use(stage.real, host.name) for host in MASTERS):
        say("the cluster was left broken: making a new one")
        stage.real.down()
        stage.real.up()
        stage.known.clear()
    stage.prepare(laptop, folders.mktemp("backup"))
    return stage


def _is_in_use(real: Real, host: str) -> bool:
    """Whether a run has not given the host back."""
    return real.machines.succeeds(host, ["sh", "-c", _IN_USE])
