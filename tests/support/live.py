"""A live server for programs that are not tests themselves: clients, the fuzzer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from serving import Bm25Scorer, engine_of

from app.api.compose import compose
from app.api.settings import ApiSettings
from app.ports import listen
from app.server import running

NAMES = (
    "x",
    "jina-reranker-v1-base-en",
    "jina-reranker-v2-base-multilingual",
    "rerank-english-v3.0",
    "rerank-v3.5",
    "rerank-v4",
    "text-embedding-3-small",
)
"""What the client scripts call the model."""


@contextmanager
def live(**settings: object) -> Iterator[str]:
    """Yield the address of a server."""
    engine = engine_of(Bm25Scorer("exact-bm25"))
    bound = listen("127.0.0.1", 0, strict=True)
    stated: Any = {"aliases": dict.fromkeys(NAMES, "bundled"), **settings}
    with running(compose(engine, ApiSettings(**stated)), bound) as url:
        yield url
