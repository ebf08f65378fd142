"""Markers for what a test needs, where that can be read off the fixtures that it takes."""

from __future__ import annotations

import pytest

BROWSER = "chromium"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that drives the page in a browser."""
    for item in items:
        if BROWSER in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
