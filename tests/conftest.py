"""Markers for what a test needs, where that can be read off its fixtures; no example is too slow."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

BROWSER = "chromium"

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a worker a core: threads of their own would only be in the way

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")  # a busy machine is slow, and no example is wrong for that


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that drives the page in a browser."""
    for item in items:
        if BROWSER in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
