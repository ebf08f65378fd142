"""The first stage: dense and BM25 in parallel, fused into candidates."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer.chunk import Chunk, Hit
from indexer.terms import near
from search import fusion
from search.result import Candidate, Twin
from search.settings import SearchSettings, SparseEngine

T = TypeVar("T")

OVERFETCH = 8
"""Extra hits pulled from each retriever: a hit that the catalog has just deleted must not cost a candidate."""


class Retriever(Protocol):
    """What the first stage needs from an index."""

    def embed_query(self, query: str) -> NDArray[np.float32]:
        """The query's unit vector, shape (d,)."""
        ...

    def dense(self, vector: NDArray[np.float32], limit: int, documents: Sequence[str] | None = None) -> list[Hit]:
        """The nearest chunks, optionally only of the given documents."""
        ...

    def sparse(
        self, query: str, limit: int, backend: SparseEngine = "qdrant", documents: Sequence[str] | None = None
    ) -> list[Hit]:
        """The best chunks by BM25, optionally only of the given documents."""
        ...

    def signatures(self, ids: Sequence[str]) -> Mapping[str, bytes]:
        """The near-duplicate signatures of the chunks that exist."""
        ...

    def chunks(self, ids: Sequence[str]) -> Mapping[str, Chunk]:
        """The chunks that exist."""
        ...


class Stopwatch:
    """Wall seconds by stage, in the order in which the stages were entered."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage; the same name twice adds up."""
        start = time.perf_counter()
        self.seconds.setdefault(name, 0.0)
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start

    def run(self, name: str, work: Callable[[], T]) -> T:
        """What the work returns, timed as one stage."""
        with self.stage(name):
            return work()


def candidates(
    index: Retriever,
    query: str,
    settings: SearchSettings,
    watch: Stopwatch,
    documents: Sequence[str] | None = None,
) -> tuple[Candidate, ...]:
    """The fused first-stage ranking, at most `settings.candidates` long, optionally only of those documents.

    With `settings.collapse`, passages that say the same as a better one (`indexer.terms.near`) are folded into it.

    Dense (with the query's embedding) and BM25 run in two threads; `watch` gets "embed", "dense", "sparse" and "fuse".
    """
    limit = settings.candidates + OVERFETCH
    for name in ("embed", "dense", "sparse", "fuse"):
        watch.seconds.setdefault(name, 0.0)

    def by_vector() -> list[Hit]:
        vector = watch.run("embed", lambda: index.embed_query(query))
        return watch.run("dense", lambda: index.dense(vector, limit, documents))

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="dense") as pool:
        pending = pool.submit(by_vector)
        sparse = watch.run("sparse", lambda: index.sparse(query, limit, settings.sparse, documents))
        dense = pending.result()
    with watch.stage("fuse"):
        known = index.chunks(list({hit.chunk_id: None for hit in (*dense, *sparse)}))
        if not settings.collapse:
            return fuse(_known(dense, known), _known(sparse, known), known, settings)
        everything = replace(settings, candidates=len(known))
        fused = fuse(_known(dense, known), _known(sparse, known), known, everything)
        return fold(fused, index.signatures(list(known)), settings.candidates)


def fold(fused: Sequence[Candidate], signatures: Mapping[str, bytes], limit: int) -> tuple[Candidate, ...]:
    """The first `limit` candidates that say something new, ranks closed up, each with those folded into it."""
    texts = [one.chunk.text for one in fused]
    marks = [signatures.get(one.chunk.id) or near.signature(one.chunk.text) for one in fused]
    return tuple(
        replace(
            fused[place],
            rank=rank,
            twins=tuple(
                Twin(other.id, other.document, other.ordinal, round(much, 4))
                for other, much in ((fused[twin].chunk, much) for twin, much in twins.items())
            ),
        )
        for rank, (place, twins) in enumerate(near.collapse(texts, marks, limit), start=1)
    )


def fuse(
    dense: Sequence[Hit], sparse: Sequence[Hit], chunks: Mapping[str, Chunk], settings: SearchSettings
) -> tuple[Candidate, ...]:
    """The candidates by fused score; every hit's chunk must be in `chunks`."""
    share = fusion.SPARSE_WEIGHT if settings.sparse_weight is None else settings.sparse_weight
    if settings.fusion == "rrf":
        order = fusion.reciprocal_rank((dense, sparse))
    elif settings.fusion == "weighted":
        order = fusion.weighted(dense, sparse, share)
    else:
        order = fusion.standardised(dense, sparse, share)
    by_dense = {hit.chunk_id: hit for hit in dense}
    by_sparse = {hit.chunk_id: hit for hit in sparse}
    return tuple(
        Candidate(chunks[one], rank, score, by_dense.get(one), by_sparse.get(one))
        for rank, (one, score) in enumerate(order[: settings.candidates], start=1)
    )


def _known(hits: Sequence[Hit], chunks: Mapping[str, Chunk]) -> list[Hit]:
    """The hits that the catalog knows, ranks closed up."""
    kept = [hit for hit in hits if hit.chunk_id in chunks]
    return [replace(hit, rank=rank) for rank, hit in enumerate(kept, start=1)]
