"""Hypothesis judges what a test finds, not how long a busy machine takes to find it."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.unit.screens import clock, printed  # noqa: F401 - fixtures

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
