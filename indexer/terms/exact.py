"""BM25 by `rank_bm25` itself: exact, in memory, rebuilt as a whole; the yardstick of the incremental index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from rank_bm25 import BM25Okapi

from indexer.chunk import Hit
from indexer.terms.analyzer import terms
from indexer.terms.bm25 import EPSILON, K1, B


class ExactBM25:
    """A sparse first stage over texts held in memory: `rank_bm25.BM25Okapi` over our terms.

    Every search scores every text (about 0.6 s for 200,000 chunks); meant for small collections and for checking.

    Args:
        ids: one id per text, without repeats.
        texts: what is searched; texts without a term are never found.
        documents: the document of each text, needed only to search within documents.
        k1: saturation of the term frequency.
        b: share of the length normalisation.
        epsilon: share of the average idf given to terms in more than half of the texts.
    """

    def __init__(
        self,
        ids: Sequence[str],
        texts: Sequence[str],
        documents: Sequence[str] | None = None,
        *,
        k1: float = K1,
        b: float = B,
        epsilon: float = EPSILON,
    ) -> None:
        counted = [terms(text) for text in texts]
        self._ids = list(ids)
        self._documents = list(documents) if documents is not None else [""] * len(self._ids)
        if not len(self._ids) == len(counted) == len(self._documents):
            raise ValueError(f"{len(self._ids)} ids, {len(counted)} texts and {len(self._documents)} documents")
        # BM25Okapi divides by the number of terms: a corpus without any is one where nothing matches
        self._okapi = BM25Okapi(counted, k1=k1, b=b, epsilon=epsilon) if any(counted) else None

    def search(self, query: str, limit: int, documents: Sequence[str] | None = None) -> list[Hit]:
        """The `limit` best texts by descending score, ties by id, ranks from 1: texts that share a term.

        Sharing a term is the match, whatever the score: a term in half of the texts has idf 0, and in a small corpus
        the floor itself can be negative.
        """
        wanted = [term for term in terms(query) if self._okapi is not None and term in self._okapi.idf]
        if self._okapi is None or not wanted:
            return []
        scores: Sequence[float] = np.asarray(self._okapi.get_scores(wanted), dtype=np.float64).tolist()
        frequencies: Sequence[Mapping[str, int]] = self._okapi.doc_freqs
        within = None if documents is None else frozenset(documents)
        distinct = frozenset(wanted)
        found = [
            (-score, chunk)
            for chunk, document, score, counts in zip(self._ids, self._documents, scores, frequencies, strict=True)
            if (within is None or document in within) and not distinct.isdisjoint(counts)
        ]
        return [Hit(chunk, rank, -negative) for rank, (negative, chunk) in enumerate(sorted(found)[: max(limit, 0)], 1)]
