"""For the unit tests. Hypothesis judges what a test finds, not how long a busy machine takes to find it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.unit.screens import clock, printed  # noqa: F401 - fixtures

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

QUICK_SHELL = "dash"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what `--quick` leaves out."""
    if config.getoption("--quick"):
        left_out = [item for item in items if not is_quick(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if is_quick(item)]


def is_quick(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    shell = callspec.params.get("host", QUICK_SHELL) if callspec else QUICK_SHELL
    one_is_enough = not item.get_closest_marker("every_shell")
    return not item.get_closest_marker("slow") and not (one_is_enough and shell != QUICK_SHELL)
