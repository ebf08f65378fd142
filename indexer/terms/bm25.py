"""BM25 as a dot product: Okapi's formula split into what a chunk stores and what a query sends.

Formula and floor are those of `rank_bm25.BM25Okapi` (Trotman, Puurula & Burgess, "Improvements to BM25 and Language
Models Examined", ADCS 2014), so its scores are reproduced exactly from counts that a catalog keeps up to date.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Literal, TypeVar

SparseEngine = Literal["qdrant", "rank-bm25"]
"""What computes BM25: the store's sparse vectors, or `rank_bm25` over every chunk, exact and slow."""

K1 = 1.5
"""Saturation of the term frequency; measured, see docs/measurements/first-stage.md."""
B = 0.6
"""Share of the length normalisation."""
EPSILON = 0.25
"""A term in more than half of the chunks weighs this share of the average idf (rank-bm25's default)."""
FAINT = 1e-9
"""Sent instead of a weight of exactly 0, so that a chunk whose only shared term weighs nothing still is a match."""

Term = TypeVar("Term", bound=Hashable)


def document_weights(
    counts: Mapping[Term, int], length: int, average_length: float, *, k1: float = K1, b: float = B
) -> dict[Term, float]:
    """The stored side: for each term, its saturated and length-normalised frequency, in (0, k1 + 1).

    Args:
        counts: how often each term occurs in the chunk; terms that occur 0 times are left out.
        length: terms in the chunk, repeats included.
        average_length: mean of `length` over the corpus; must be positive unless the chunk is empty.
        k1: saturation.
        b: share of the length normalisation, 0 to 1.
    """
    if not counts:
        return {}
    norm = k1 * (1.0 - b + b * length / average_length)
    return {term: count * (k1 + 1.0) / (count + norm) for term, count in counts.items() if count > 0}


def idf(df: int, n: int) -> float:
    """The idf ln((n - df + 0.5) / (df + 0.5)): 0 for a term in half of the n chunks, negative above."""
    return math.log(n - df + 0.5) - math.log(df + 0.5)


def average_idf(frequencies: Iterable[int], n: int) -> float:
    """The mean idf over all terms of the corpus, given each term's document frequency; 0 without a term."""
    histogram = Counter(df for df in frequencies if df > 0)
    distinct = histogram.total()
    return sum(idf(df, n) * terms for df, terms in sorted(histogram.items())) / distinct if distinct else 0.0


def query_weights(
    terms: Iterable[Term], df: Mapping[Term, int], n: int, average_idf: float, *, epsilon: float = EPSILON
) -> dict[Term, float]:
    """The sent side: for each query term that the corpus knows, its idf times how often the query repeats it.

    A negative idf is replaced by `epsilon * average_idf`, a weight of exactly 0 by `FAINT`. Unknown terms are left out,
    so an empty answer means that no chunk can match.
    """
    weights: dict[Term, float] = {}
    for term, repeats in Counter(terms).items():
        frequency = df.get(term, 0)
        if frequency <= 0:
            continue
        value = idf(frequency, n)
        weights[term] = repeats * (value if value >= 0.0 else epsilon * average_idf) or FAINT
    return weights


def contributions(query: Mapping[Term, float], document: Mapping[Term, float]) -> tuple[tuple[Term, float], ...]:
    """(term, value) for each shared term, largest first, then by term as text; the values sum to the score."""
    shared = ((term, weight * document[term]) for term, weight in query.items() if term in document)
    return tuple(sorted(shared, key=lambda pair: (-pair[1], str(pair[0]))))


def score(query: Mapping[Term, float], document: Mapping[Term, float]) -> float:
    """The dot product of the two sides: the BM25 score."""
    return math.fsum(weight * document[term] for term, weight in query.items() if term in document)
