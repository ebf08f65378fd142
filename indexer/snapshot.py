"""What one query reads of an index: a view that no commit and no rebuild changes before the query is answered.

What could tear it, and what holds it together:
 - A rebuild switches generations: the one that is being read stays open until its last reader is done.
 - A document is being written or deleted: its vectors are in the store before the catalog knows it, or for a while
   after. Hits that the catalog does not know are dropped, and in their place the next best ones are asked for.
 - The catalog commits between a search of the vectors and the look into the catalog: those chunks of a document would
   show whose vectors were there in time, or two versions of it. Then everything is read again, as of the later moment.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indexer.catalog.filters import Filters
from indexer.chunk import Chunk, Hit
from indexer.embed.contract import Embedder
from indexer.generation import Generation
from indexer.terms import bm25
from indexer.terms.analyzer import terms as terms_of
from indexer.terms.bm25 import SparseEngine
from indexer.terms.exact import ExactBM25

HitSearch = Callable[[int], list[Hit]]
"""The best hits of one retriever, at most so many; some may be of documents that are being written or deleted."""
Contributions = tuple[tuple[str, float], ...]
"""What each query term adds to a chunk's BM25 score, largest first."""

_COMMIT_SECONDS = 0.002
"""How long a search waits for a commit that it ran into."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What several searches found, all as of one moment."""

    lists: tuple[list[Hit], ...]
    """One list a search, in order: chunks that the catalog knows, ranked from 1."""
    chunks: Mapping[str, Chunk]
    """The chunk of each hit."""
    signatures: Mapping[str, bytes]
    """Its near-duplicate signature (`indexer.terms.near`)."""


@dataclass(slots=True)
class _Moment:
    """What was read of the catalog between two of its commits."""

    writes: int
    weights: dict[str, dict[str, tuple[int, float]]] = field(default_factory=dict)
    """By query: id and weight of each of its terms that some chunk holds."""
    matching: dict[Filters, tuple[list[str] | None, int]] = field(default_factory=dict)
    average: float | None = None
    """Terms of a chunk on average, as the stored weights were computed."""


class Snapshot:
    """An index as one query reads it; from `Index.snapshot`, for one thread."""

    def __init__(
        self, generation: Generation, embedder: Embedder, exact: Callable[[Generation], ExactBM25] | None = None
    ) -> None:
        self._now = generation
        self._embedder = embedder
        self._exact = exact
        self._moment = _Moment(generation.catalog.writes)

    @property
    def empty(self) -> bool:
        """Whether there is no chunk."""
        return self._now.catalog.counts()[1] == 0

    def embed_query(self, query: str) -> NDArray[np.float32]:
        """The unit vector of a query, shape (d,)."""
        return self._embedder.query(query)

    def matching(self, filters: Filters) -> tuple[list[str] | None, int]:
        """The documents that the filters leave in, by name, and how many that are; None where all are left in."""
        known = self._moment.matching
        if filters not in known:
            names, count = self._now.catalog.matching(filters)
            known[filters] = (None if len(names) == count else names), len(names)
        return known[filters]

    def has_terms(self, query: str) -> bool:
        """Whether some chunk holds a term of the query."""
        return bool(self._weights(query))

    def by_vector(self, vector: NDArray[np.float32], filters: Filters | None = None) -> HitSearch:
        """The search for the chunks nearest to a vector of shape (d,), by cosine."""
        return lambda count: self._now.store.dense(vector, count, self._names(filters))

    def by_terms(self, query: str, backend: SparseEngine = "qdrant", filters: Filters | None = None) -> HitSearch:
        """The search for the chunks that share a term with the query, by BM25."""
        if backend == "rank-bm25" and self._exact is not None:
            exact = self._exact(self._now)
            return lambda count: exact.search(query, count, self._names(filters))

        def search(count: int) -> list[Hit]:
            weights = dict(self._weights(query).values())
            return self._now.store.sparse(weights, count, self._names(filters)) if weights else []

        return search

    def retrieve(self, searches: Sequence[HitSearch], limit: int) -> Retrieved:
        """The `limit` best known hits of each search with their chunks; each chunk is looked up once, for all lists."""
        asked = [limit] * len(searches)
        while True:
            found = [search(count) for search, count in zip(searches, asked, strict=True)]
            ids = dict.fromkeys(hit.chunk_id for hits in found for hit in hits)
            chunks, signatures = self._now.catalog.look_up(list(ids))
            if not self._now.catalog.unchanged(self._moment.writes):
                time.sleep(_COMMIT_SECONDS)
                self._moment = _Moment(self._now.catalog.writes)
                continue
            lists = tuple(_known(hits, chunks, limit) for hits in found)
            short = [
                len(known) < limit and len(hits) == count
                for known, hits, count in zip(lists, found, asked, strict=True)
            ]
            if not any(short):
                return Retrieved(lists, chunks, signatures)
            asked = [count * 2 if more else count for count, more in zip(asked, short, strict=True)]

    def dense(self, vector: NDArray[np.float32], limit: int) -> list[Hit]:
        """The `limit` nearest chunks by cosine."""
        return self.retrieve([self.by_vector(vector)], limit).lists[0]

    def sparse(self, query: str, limit: int, backend: SparseEngine = "qdrant") -> list[Hit]:
        """The `limit` best chunks by BM25: chunks that share a term."""
        return self.retrieve([self.by_terms(query, backend)], limit).lists[0]

    def chunks(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """The chunks of those ids; ids that the catalog does not know are absent."""
        return self._now.catalog.look_up(ids)[0]

    def explain_terms(self, query: str, chunks: Sequence[Chunk]) -> tuple[Contributions, ...]:
        """BM25's contribution of each query term that a chunk holds, for each chunk; they add up to its score."""
        sent = {term: weight for term, (_, weight) in self._weights(query).items()}
        if self._moment.average is None:
            self._moment.average = self._now.average_length()
        average = self._moment.average
        if not sent or not average:
            return ((),) * len(chunks)
        counted = (Counter(terms_of(chunk.indexed)) for chunk in chunks)
        return tuple(
            bm25.contributions(sent, bm25.document_weights(count, count.total(), average)) for count in counted
        )

    def _names(self, filters: Filters | None) -> list[str] | None:
        return None if filters is None or filters.empty else self.matching(filters)[0]

    def _weights(self, query: str) -> dict[str, tuple[int, float]]:
        known = self._moment.weights
        if query not in known:
            known[query] = self._now.query_weights(terms_of(query))
        return known[query]


def _known(hits: Sequence[Hit], chunks: Mapping[str, Chunk], limit: int) -> list[Hit]:
    known = [hit for hit in hits if hit.chunk_id in chunks][:limit]
    return [Hit(hit.chunk_id, rank, hit.score) for rank, hit in enumerate(known, 1)]
