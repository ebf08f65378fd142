"""Two ranked lists in, one out: standardised scores, their convex combination, or reciprocal ranks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import sqrt

from indexer.chunk import Hit

Fused = list[tuple[str, float]]
"""Chunk id and fused score, best first."""

SPARSE_WEIGHT = 0.3
"""Share of BM25 in the fusion, measured on dev queries (docs/measurements/first-stage.md)."""
RRF_K = 60
"""Reciprocal rank fusion's constant, from Cormack, Clarke and Büttcher, SIGIR 2009: 1 / (k + rank), rank from 1."""
COSINE_FLOOR = -1.0
BM25_FLOOR = 0.0
_SMALLEST = 1e-9
"""A deviation below this part of the mean is rounding."""


def standardised(dense: Sequence[Hit], sparse: Sequence[Hit], sparse_weight: float) -> Fused:
    """Every id by descending sparse_weight * z(BM25) + (1 - sparse_weight) * z(cosine).

    z is the number of standard deviations from the mean, over all ids of both lists; an id that a list does not hold
    takes that list's lowest score (zero-mean, unit-variance fusion: Lee, SIGIR 1995, with the usual fill).
    """
    ids = list(dict.fromkeys(hit.chunk_id for hit in (*dense, *sparse)))
    scores = dict.fromkeys(ids, 0.0)
    for hits, share in ((dense, 1.0 - sparse_weight), (sparse, sparse_weight)):
        if not hits:
            continue
        known = {hit.chunk_id: hit.score for hit in hits}
        lowest = min(known.values())
        for one, value in zip(ids, standard([known.get(one, lowest) for one in ids]), strict=True):
            scores[one] += share * value
    return _ordered(scores, (dense, sparse))


def standard(scores: Sequence[float]) -> list[float]:
    """Each score in standard deviations from the mean; zeros where all scores are equal."""
    if not scores:
        return []
    mean = sum(scores) / len(scores)
    deviation = sqrt(sum((one - mean) ** 2 for one in scores) / len(scores))
    if deviation <= _SMALLEST * max(1.0, abs(mean)):
        return [0.0] * len(scores)
    return [(one - mean) / deviation for one in scores]


def reciprocal_rank(lists: Sequence[Sequence[Hit]], weights: Sequence[float] | None = None, k: int = RRF_K) -> Fused:
    """Every id of the lists by descending sum of weight / (k + rank), ranks from 1.

    Reciprocal rank fusion: Cormack, Clarke and Büttcher, SIGIR 2009, where k is 60.
    Ties go to the better best rank, then to the smaller id.
    """
    shares = weights if weights is not None else [1.0] * len(lists)
    scores: dict[str, float] = {}
    for hits, share in zip(lists, shares, strict=True):
        for hit in hits:
            scores[hit.chunk_id] = scores.get(hit.chunk_id, 0.0) + share / (k + hit.rank)
    return _ordered(scores, lists)


def weighted(dense: Sequence[Hit], sparse: Sequence[Hit], sparse_weight: float) -> Fused:
    """Every id by descending sparse_weight * BM25 + (1 - sparse_weight) * cosine, each scaled to 0..1.

    Each list is scaled from its theoretical minimum (BM25 0, cosine -1) to its observed maximum, so one hit does not
    become 0 and an absent one does: Bruch, Gai and Ingber, "An analysis of fusion functions for hybrid retrieval",
    TOIS 2023 (TM2C2).
    """
    scores: dict[str, float] = {}
    for hits, share, floor in ((dense, 1.0 - sparse_weight, COSINE_FLOOR), (sparse, sparse_weight, BM25_FLOOR)):
        scale = _from_floor(hits, floor)
        for hit in hits:
            scores[hit.chunk_id] = scores.get(hit.chunk_id, 0.0) + share * scale(hit.score)
    return _ordered(scores, (dense, sparse))


def _from_floor(hits: Sequence[Hit], floor: float) -> Callable[[float], float]:
    best = max((hit.score for hit in hits), default=floor)
    width = best - floor
    return lambda score: max(0.0, score - floor) / width if width > 0 else 0.0


def _ordered(scores: Mapping[str, float], lists: Sequence[Sequence[Hit]]) -> Fused:
    best: dict[str, int] = {}
    for hits in lists:
        for hit in hits:
            best[hit.chunk_id] = min(hit.rank, best.get(hit.chunk_id, hit.rank))
    return sorted(scores.items(), key=lambda one: (-one[1], best[one[0]], one[0]))
