"""The first stage: dense and BM25, fused into candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from indexer.chunk import Chunk, Hit
from indexer.terms import near
from search import fusion
from search.result import Candidate, Twin
from search.settings import SearchSettings
from search.stopwatch import Stopwatch

if TYPE_CHECKING:
    from indexer.snapshot import HitSearch, Snapshot

ROOM = 8
"""Hits beyond the candidates that each retriever is asked for: what is folded makes room for others, and what stands
last in one list still has its score in the other."""


def candidates(now: Snapshot, query: str, settings: SearchSettings, watch: Stopwatch) -> tuple[Candidate, ...]:
    """The fused first-stage ranking, at most `settings.candidates` long, of the documents that the filters leave in.

    With `settings.collapse`, passages that say the same as a better one (`indexer.terms.near`) are folded into it.

    `watch` gets "embed", "dense", "sparse", "fuse" and, where passages are folded, "fold". The retrievers run one after
    the other: each takes a few milliseconds, and what a stage took is then what the query waited for it.
    """

    def timed(stage: str, search: HitSearch) -> HitSearch:
        def run(count: int) -> list[Hit]:
            hits = search(count)
            watch.lap(stage)
            return hits

        return run

    vector = now.embed_query(query)
    watch.lap("embed")
    searches = (
        timed("dense", now.by_vector(vector, settings.filters)),
        timed("sparse", now.by_terms(query, settings.sparse, settings.filters)),
    )
    found = now.retrieve(searches, settings.candidates + ROOM)
    dense, sparse = found.lists
    if not settings.collapse:
        fused = fuse(dense, sparse, found.chunks, settings)
        watch.lap("fuse")
        return fused
    fused = fuse(dense, sparse, found.chunks, replace(settings, candidates=len(found.chunks)))
    watch.lap("fuse")
    folded = fold(fused, found.signatures, settings.candidates)
    watch.lap("fold")
    return folded


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
