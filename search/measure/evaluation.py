"""One pass over the judged queries: what every stage made of each, kept so that any system can be read from it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.chunk import Chunk, Hit
from indexer.terms.bm25 import SparseEngine
from rerank.models.running import Progress
from rerank.scorer import Scorer
from search import second
from search.hybrid import fuse
from search.result import Candidate, Ranked
from search.scripts import Literacy
from search.settings import BlendBy, Fusion, SearchSettings
from search.shares import read, sparse_share

Ranking = tuple[str, ...]
"""Document names, best first; a document stands once for each of its chunks that was found."""
Mix = tuple[Fusion, float]
"""A fusion and the share of BM25 in it."""


@dataclass(frozen=True, slots=True)
class SecondStage:
    """One second stage to measure."""

    name: str
    scorer: Scorer
    blends: tuple[float, ...] = (0.0,)
    """Shares of the first stage; each is a system of its own, from the same scores."""
    measured: float | None = None
    """The one of them that is the scorer's default, and gives way to 1 for a query that the scorer does not read."""


@dataclass(frozen=True, slots=True)
class QueryPass:
    """What the stages made of one query."""

    query: str
    """Its id."""
    rankings: Mapping[str, Ranking]
    """By first-stage system: "bm25", "dense" and "hybrid", or "first" alone."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """By stage, of those that ran."""
    looks: Mapping[str, tuple[Ranked, ...]] = field(default_factory=dict)
    """By second stage, the candidates in the order of its scores alone; empty for a query without candidates."""
    unread: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By model, the scripts of the query that it does not read; "dense" is the embedder."""
    foreign: bool = False
    """Whether the query is in a language that the embedder was not made for."""
    fused: Mapping[Mix, Ranking] = field(default_factory=dict)
    """The first stage mixed in other ways; filled where tuning was asked for."""


class Searched(Protocol):
    """What a pass needs of an index: `indexer.snapshot.Snapshot` has it."""

    def embed_query(self, query: str) -> NDArray[np.float32]:
        """The query's unit vector, shape (d,)."""
        ...

    def dense(self, vector: NDArray[np.float32], limit: int) -> list[Hit]:
        """The nearest chunks."""
        ...

    def sparse(self, query: str, limit: int, backend: SparseEngine = "qdrant") -> list[Hit]:
        """The best chunks by BM25."""
        ...

    def chunks(self, ids: Sequence[str]) -> Mapping[str, Chunk]:
        """The chunks that exist."""
        ...


@dataclass(frozen=True, slots=True)
class Gathered:
    """What one pass over the queries gave."""

    base: str
    """What the second stages put into a new order, and are compared with: "hybrid" or "first"."""
    stages: tuple[SecondStage, ...]
    blend_by: BlendBy
    passes: tuple[QueryPass, ...]

    @property
    def unread(self) -> dict[str, int]:
        """By model, how many queries are in a script that it does not read."""
        names = dict.fromkeys(name for one in self.passes for name in one.unread)
        return {name: sum(bool(one.unread.get(name)) for one in self.passes) for name in names}

    @property
    def foreign(self) -> int:
        """How many queries are in a language that the embedder was not made for."""
        return sum(one.foreign for one in self.passes)

    @property
    def milliseconds(self) -> dict[str, float]:
        """By stage, the mean over the queries that it ran for."""
        names = dict.fromkeys(name for one in self.passes for name in one.seconds)
        spent = {name: [one.seconds[name] for one in self.passes if name in one.seconds] for name in names}
        return {name: 1000 * sum(seconds) / len(seconds) for name, seconds in spent.items()}


def from_index(
    index: Searched,
    queries: Mapping[str, str],
    stages: Sequence[SecondStage],
    settings: SearchSettings,
    progress: Progress | None = None,
    *,
    embedder: object = None,
    mixes: Sequence[Mix] = (),
) -> Gathered:
    """What "bm25", "dense", "hybrid" and each second stage over it make of the queries, over an index.

    With the index's `embedder`, a query that it reads badly or not at all is BM25's for the most part or alone, as in a
    search. `mixes` are other ways to fuse the first stage, each ranked too.
    """
    literacy = Literacy()

    def look(identity: str, query: str) -> QueryPass:
        start = time.perf_counter()
        sparse = index.sparse(query, settings.candidates, settings.sparse)
        middle = time.perf_counter()
        dense = index.dense(index.embed_query(query), settings.candidates)
        end = time.perf_counter()
        chunks = index.chunks([hit.chunk_id for hit in (*dense, *sparse)])
        reading = read(literacy, embedder, "dense", query)
        share = sparse_share(settings.sparse_weight, reading)
        first = fuse(dense, sparse, chunks, replace(settings, sparse_weight=share))
        found = QueryPass(
            query=identity,
            rankings={
                "bm25": tuple(chunks[hit.chunk_id].document for hit in sparse),
                "dense": tuple(chunks[hit.chunk_id].document for hit in dense),
                "hybrid": _documents(first),
            },
            seconds={"bm25": middle - start, "dense": end - middle},
            unread={"dense": reading.scripts},
            foreign=reading.language is not None,
            fused={
                (fusion, weight): _documents(
                    fuse(dense, sparse, chunks, replace(settings, fusion=fusion, sparse_weight=weight))
                )
                for fusion, weight in mixes
            },
        )
        return _looked(found, query, first, stages, literacy)

    passes = tuple(look(*one) for one in _told(queries, progress))
    return Gathered("hybrid", tuple(stages), settings.blend_by, passes)


def from_candidates(
    lists: Mapping[str, Sequence[tuple[Chunk, float]]],
    queries: Mapping[str, str],
    stages: Sequence[SecondStage],
    by: BlendBy = "scores",
    progress: Progress | None = None,
) -> Gathered:
    """What "first" (the lists as they stand) and each second stage over it make of the queries.

    Args:
        lists: by query, passages with the first stage's scores, best first.
        queries: by id.
        stages: what takes the second look.
        by: what a blend blends.
        progress: receives queries done and in all.
    """
    literacy = Literacy()

    def look(identity: str, query: str) -> QueryPass:
        first = tuple(
            Candidate(chunk, rank, score, None, None)
            for rank, (chunk, score) in enumerate(lists.get(identity, ()), start=1)
        )
        return _looked(QueryPass(identity, {"first": _documents(first)}), query, first, stages, literacy)

    return Gathered("first", tuple(stages), by, tuple(look(*one) for one in _told(queries, progress)))


def _looked(
    found: QueryPass, query: str, first: Sequence[Candidate], stages: Sequence[SecondStage], literacy: Literacy
) -> QueryPass:
    """The same with what each second stage made of the first stage's candidates."""
    if not first:
        return found
    texts = [one.chunk.text for one in first]
    scorings = {stage.name: stage.scorer.score(query, texts) for stage in stages}
    unread = {stage.name: literacy.unread(stage.scorer, stage.name, query) for stage in stages}
    return replace(
        found,
        looks={name: second.order(first, scoring.scored, 0.0) for name, scoring in scorings.items()},
        seconds={**found.seconds, **{name: scoring.seconds for name, scoring in scorings.items()}},
        unread={**found.unread, **unread},
    )


def _told(queries: Mapping[str, str], progress: Progress | None) -> Iterator[tuple[str, str]]:
    """Yield each query, and say that it is done when the next one is asked for."""
    for done, query in enumerate(queries.items(), start=1):
        yield query
        if progress is not None:
            progress(done, len(queries))


def _documents(first: Sequence[Candidate]) -> Ranking:
    return tuple(one.chunk.document for one in first)
