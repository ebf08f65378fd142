from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from serving import Bm25Scorer, Served, engine_of

from app.api.compose import compose
from app.api.settings import ApiSettings
from app.ports import listen
from app.server import running


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[..., Served]]:
    """Start servers that live as long as the module's tests."""
    with ExitStack() as stack:

        def start(settings: ApiSettings | None = None, scorer: Bm25Scorer | None = None) -> Served:
            scorer = scorer or Bm25Scorer("exact-bm25")
            engine = engine_of(scorer)
            bound = listen("127.0.0.1", 0, strict=True)
            url = stack.enter_context(running(compose(engine, settings or ApiSettings()), bound))
            return Served(url, engine, scorer)

        yield start


@pytest.fixture(scope="module")
def served(serve: Callable[..., Served]) -> Served:
    """A server with the usual settings."""
    return serve()
