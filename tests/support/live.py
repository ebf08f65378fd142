"""A live server for programs that are not tests themselves: clients, the fuzzer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from serving import Bm25Scorer, HashedWords, engine_of, write_folder

from app.api.compose import compose
from app.api.settings import ApiSettings
from app.compose import open_engine
from app.ports import listen
from app.server import running
from app.settings import Settings
from indexer.index import Index

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
def live(*, bundled: bool = False, **settings: object) -> Iterator[str]:
    """Yield the address of a server over a small index; with exact word counts as models, or with the bundled ones."""
    stated: Any = {"aliases": dict.fromkeys(NAMES, "bundled"), **settings}
    with tempfile.TemporaryDirectory() as temporary:
        folder = write_folder(Path(temporary) / "documents")
        place = Path(temporary) / "index"
        if bundled:
            engine = open_engine(Settings(index=place), "a test")
        else:
            engine = engine_of(Bm25Scorer("exact-bm25"), Index.open(place, HashedWords()))
        try:
            engine.ingest(folder)
            with running(compose(engine, ApiSettings(**stated)), listen("127.0.0.1", 0, strict=True)) as url:
                yield url
        finally:
            engine.close()
