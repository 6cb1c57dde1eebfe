"""Fixtures of the lab: it starts once, is reset before each case, and is never skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab import path_table, truth
from tests.lab.commands import LabError
from tests.lab.lab import DEFAULT, Lab
from tests.lab.laptop import Laptop
from tests.lab.scene import KNOWN, Scene
from tests.lab.truth import Backup, back_up
from tests.snapshots import make_snapshot

SNAPSHOTS = DEFAULT.folder / "snapshots"
"""Snapshots that all labs share. They stay between runs, because large ones take long to make."""
KEYS, VALUE_BYTES = 5000, 3000  # 20 MB

Change = Callable[[Any], object]


def small_snapshot() -> Path:
    return make_snapshot(SNAPSHOTS, keys=KEYS, value_bytes=VALUE_BYTES)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if "paths" in report.keywords and (report.when == "call" or report.failed):
        path_table.record(report.nodeid, report.duration, passed=report.passed)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab that LAB and LAB_SUBNET name. If it was up before, it stays up, with its first data."""
    lab = Lab.from_environment()
    was_up = lab.is_healthy()
    try:
        lab.up()
    except LabError as error:
        pytest.fail(f"the lab cannot run here: {error}", pytrace=False)
    yield lab
    if was_up:
        lab.seed(lab.first_snapshot())
    else:
        lab.down()


@pytest.fixture(scope="session")
def backup(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    """A backup of the small data; most cases begin with it."""
    lab.seed(small_snapshot())
    return back_up(lab, tmp_path_factory.mktemp("backup") / "backup.db")


def renew(lab: Lab) -> None:
    """Reset the lab to the small data, after a module that has made another cluster of it."""
    lab.down()
    lab.up()
    lab.seed(small_snapshot())


@pytest.fixture
def fresh(lab: Lab, backup: Backup) -> Lab:
    """The lab, reset to the small data."""
    lab.reset()
    return lab


@pytest.fixture
def laptop(lab: Lab, tmp_path: Path) -> Laptop:
    return Laptop(tmp_path / "laptop", lab.folder / "sudo-password")


@pytest.fixture
def other_laptop(lab: Lab, tmp_path: Path) -> Laptop:
    """A second laptop that has only the inventory: no journal, no plan."""
    return Laptop(tmp_path / "other-laptop", lab.folder / "sudo-password")


@pytest.fixture
def inventory(lab: Lab, tmp_path: Path) -> Callable[[Change], Path]:
    """Make a copy of the lab's inventory with a change."""

    def make(change: Change) -> Path:
        document = yaml.safe_load(lab.inventory.read_text())
        defaults = document["defaults"]
        defaults["key"] = str(lab.folder / "id_ed25519")
        defaults["known_hosts"] = [str(lab.folder / "known_hosts")]
        change(document)
        path = tmp_path / f"inventory-{len(list(tmp_path.glob('inventory-*')))}.yml"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return path

    return make


@pytest.fixture
def scene(
    fresh: Lab, laptop: Laptop, other_laptop: Laptop, backup: Backup, inventory: Callable[[Change], Path]
) -> Scene:
    """A cluster that has written more since its backup. Its workers are not restarted, because that takes long."""
    quick = inventory(lambda document: document.update(policies={"volumes": "none", "workers": {"restart": "none"}}))
    scene = Scene(fresh, laptop, other_laptop, backup, quick, truth.holds(fresh, KNOWN))
    scene.moves_on()
    return scene


@pytest.fixture
def pausing(inventory: Callable[[Change], Path]) -> Path:
    """An inventory with which a run waits for the persistent volumes."""
    return inventory(lambda document: document.update(policies={"volumes": "pause", "workers": {"restart": "none"}}))


@pytest.fixture
def thorough(inventory: Callable[[Change], Path]) -> Path:
    """An inventory with which every phase has something to do."""
    workers = {"batch": 2, "restart": "services"}
    return inventory(lambda document: document.update(policies={"volumes": "pause", "workers": workers}))
