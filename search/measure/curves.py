"""Quality against the two things that cost or cut: how many candidates get a second look, and the cut-off."""

from __future__ import annotations

from dataclasses import dataclass

from search.measure import metrics
from search.measure.evaluation import Gathered, SecondStage
from search.measure.metrics import Qrels
from search.measure.rankings import reranked

CANDIDATES = (10, 20, 30, 50, 75, 100, 150, 200)
"""Candidate counts of the curve."""
STEPS = 20
"""Thresholds of the other curve, less one: evenly spread from the lowest score to the highest."""


@dataclass(frozen=True, slots=True)
class CandidatePoint:
    """What the first so many candidates give."""

    candidates: int
    ndcg: float
    milliseconds: float


@dataclass(frozen=True, slots=True)
class CutoffPoint:
    """What stays at or above a threshold, of all candidates of judged queries."""

    cutoff: float
    kept: int
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class Curves:
    """One second stage's curves."""

    blend: float
    """The share of the first stage that the candidates' curve is for."""
    candidates: tuple[CandidatePoint, ...]
    cutoff: tuple[CutoffPoint, ...]


def curves(gathered: Gathered, stage: SecondStage, qrels: Qrels, relevant: int = 1) -> Curves:
    """Both curves of a second stage, the first with the largest of its blends."""
    blend = max(stage.blends)
    return Curves(
        blend, candidate_curve(gathered, stage, blend, qrels, relevant), cutoff_curve(gathered, stage, qrels, relevant)
    )


def candidate_curve(
    gathered: Gathered, stage: SecondStage, blend: float, qrels: Qrels, relevant: int = 1
) -> tuple[CandidatePoint, ...]:
    """nDCG@10 and milliseconds by candidate count, from the scores of one pass.

    The first n candidates are put into the order that they would have had alone; milliseconds are the pass's own,
    shared out by candidate. For a list-relative scorer this is an approximation.
    """
    deepest = max((len(one.looks.get(stage.name, ())) for one in gathered.passes), default=0)
    milliseconds = gathered.milliseconds.get(stage.name, 0.0)
    points = []
    for count in (one for one in CANDIDATES if one <= deepest):
        run = reranked(gathered, stage, blend, count)
        value = metrics.mean(metrics.per_query(run, qrels, relevant)["ndcg@10"])
        points.append(CandidatePoint(count, round(value, 4), round(milliseconds * count / deepest, 2)))
    return tuple(points)


def cutoff_curve(
    gathered: Gathered, stage: SecondStage, qrels: Qrels, relevant: int = 1, steps: int = STEPS
) -> tuple[CutoffPoint, ...]:
    """Precision and recall of what stays at each of `steps` + 1 thresholds; empty where nothing was scored."""
    judged = [
        (place.score, qrels[one.query].get(place.candidate.chunk.document, 0) >= relevant)
        for one in gathered.passes
        for place in one.looks.get(stage.name, ())
    ]
    if not judged:
        return ()
    low, high = min(score for score, _ in judged), max(score for score, _ in judged)
    relevant_in_all = sum(good for _, good in judged)
    points = []
    for step in range(steps + 1):
        threshold = low + (high - low) * step / steps
        kept = [good for score, good in judged if score >= threshold]
        points.append(
            CutoffPoint(
                cutoff=round(threshold, 4),
                kept=len(kept),
                precision=round(sum(kept) / len(kept), 4) if kept else 0.0,
                recall=round(sum(kept) / relevant_in_all, 4) if relevant_in_all else 0.0,
            )
        )
    return tuple(points)
