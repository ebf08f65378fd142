"""Retrieval metrics over judged queries, with intervals and paired tests.

The measures are ir_measures' (pytrec_eval underneath, so nDCG takes the grade itself as gain, as trec_eval does).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

Run = Mapping[str, Mapping[str, float]]
"""Query id to document id to score."""
Qrels = Mapping[str, Mapping[str, int]]
"""Query id to document id to grade."""
PerQuery = Mapping[str, float]

NAMES = ("ndcg@10", "mrr@10", "map", "hit@3", "hit@5", "hit@10", "recall@3", "recall@100")

SAMPLES = 2_000
"""Bootstrap resamples; sign flips in the paired test."""


@dataclass(frozen=True, slots=True)
class PairedTest:
    """One system against a baseline on the same queries."""

    difference: float
    """Mean of the per-query differences."""
    p: float
    """Two-sided p of the paired randomisation test."""
    wins: int
    ties: int
    losses: int


def answerable(qrels: Qrels, relevant: int = 1) -> dict[str, dict[str, int]]:
    """The queries that have at least one document of the grade `relevant` or better."""
    return {
        query: dict(grades) for query, grades in qrels.items() if any(grade >= relevant for grade in grades.values())
    }


def per_query(run: Run, qrels: Qrels, relevant: int = 1) -> dict[str, dict[str, float]]:
    """Metric name to query id to value, for every answerable query; one that the run lacks counts 0.

    Args:
        run: what a system returned; ties are broken by document id, as trec_eval does.
        qrels: judgements.
        relevant: smallest grade that the binary measures count as relevant (2 for TREC DL passages).
    """
    import ir_measures
    from ir_measures import AP, RR, R, Success, nDCG

    judged = answerable(qrels, relevant)
    measures = {
        nDCG @ 10: "ndcg@10",
        RR(rel=relevant) @ 10: "mrr@10",
        AP(rel=relevant): "map",
        Success(rel=relevant) @ 3: "hit@3",
        Success(rel=relevant) @ 5: "hit@5",
        Success(rel=relevant) @ 10: "hit@10",
        R(rel=relevant) @ 3: "recall@3",
        R(rel=relevant) @ 100: "recall@100",
    }
    values: dict[str, dict[str, float]] = {name: dict.fromkeys(judged, 0.0) for name in NAMES}
    kept = {query: dict(run.get(query, {})) for query in judged}
    for one in ir_measures.iter_calc(list(measures), judged, kept):
        values[measures[one.measure]][one.query_id] = float(one.value)
    return values


def mean(values: PerQuery) -> float:
    """The mean over queries; 0 without a query."""
    return float(np.mean(list(values.values()))) if values else 0.0


def interval(values: PerQuery, seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of the mean (Efron and Tibshirani 1993), queries resampled."""
    sample = np.fromiter((values[query] for query in sorted(values)), dtype=np.float64)
    if len(sample) == 0:
        return 0.0, 0.0
    draws = np.random.default_rng(seed).integers(0, len(sample), size=(SAMPLES, len(sample)))
    low, high = np.percentile(sample[draws].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def compare(values: PerQuery, baseline: PerQuery, seed: int = 0) -> PairedTest:
    """A paired comparison by Fisher's randomisation test (Smucker, Allan and Carterette, CIKM 2007).

    Raises:
        KeyError: the two were measured on different queries.
    """
    queries = sorted(baseline)
    gaps = np.array([values[query] - baseline[query] for query in queries], dtype=np.float64)
    observed = float(gaps.mean()) if len(gaps) else 0.0
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), size=(SAMPLES, len(gaps)))
    extreme = int((np.abs((signs * gaps).mean(axis=1)) >= abs(observed) - 1e-12).sum()) if len(gaps) else SAMPLES
    return PairedTest(
        difference=observed,
        p=(extreme + 1) / (SAMPLES + 1),
        wins=int((gaps > 0).sum()),
        ties=int((gaps == 0).sum()),
        losses=int((gaps < 0).sum()),
    )


def to_run(rankings: Mapping[str, Iterable[str]]) -> dict[str, dict[str, float]]:
    """A run from each query's documents, best first: scores fall by one a place, so no two tie.

    A document that comes again (another of its chunks) keeps its first place.
    """
    return {
        query: {document: -float(place) for place, document in enumerate(dict.fromkeys(documents))}
        for query, documents in rankings.items()
    }
