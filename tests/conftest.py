"""What holds for every test: where it keeps things, which markers its fixtures give it, and that no example is slow."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

BROWSER = "chromium"

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a worker a core: threads of their own would only be in the way

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")  # a busy machine is slow, and no example is wrong for that


@pytest.fixture(scope="session", autouse=True)
def home_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests' indexes and caches apart from the user's, and those of two workers from each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECONDLOOK_HOME", str(tmp_path_factory.mktemp("user")))
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that drives the page in a browser."""
    for item in items:
        if BROWSER in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
