"""Every fusion and blend, compared from one pass: for choosing settings, on queries that nothing is reported on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from search.fusion import SPARSE_WEIGHT
from search.measure import metrics
from search.measure.evaluation import Gathered, Mix
from search.measure.metrics import Qrels, Run
from search.measure.rankings import mixed, reranked
from search.settings import Fusion

SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
"""Shares of BM25, and of the first stage, that are compared."""
_WITH_SHARES: tuple[Fusion, ...] = ("zscore", "weighted")
MIXES: tuple[Mix, ...] = (
    *((fusion, share) for fusion in _WITH_SHARES for share in SHARES),
    ("rrf", SPARSE_WEIGHT),
)
"""Every fusion that is compared, for `evaluation.from_index`; reciprocal ranks have no share."""


@dataclass(frozen=True, slots=True)
class FusionPoint:
    """What one way of fusing gives."""

    fusion: Fusion
    sparse_weight: float
    ndcg: float


@dataclass(frozen=True, slots=True)
class BlendPoint:
    """What one share of the first stage in the final order gives."""

    blend: float
    ndcg: float


@dataclass(frozen=True, slots=True)
class Tuning:
    """nDCG@10 of every fusion and share of BM25, and of every blend of each second stage."""

    fusions: tuple[FusionPoint, ...]
    blends: Mapping[str, tuple[BlendPoint, ...]]
    """By second stage, over the candidates of the fusion that the pass was made with."""


def tuning(gathered: Gathered, qrels: Qrels, relevant: int = 1) -> Tuning:
    """The comparison, from a pass with `MIXES`; a blend is the same for every query, whether the scorer reads it."""

    def value(run: Run) -> float:
        return round(metrics.mean(metrics.per_query(run, qrels, relevant)["ndcg@10"]), 4)

    ways = dict.fromkeys(way for one in gathered.passes for way in one.fused)
    return Tuning(
        fusions=tuple(FusionPoint(*way, value(mixed(gathered, way))) for way in ways),
        blends={
            stage.name: tuple(
                BlendPoint(share, value(reranked(gathered, replace(stage, measured=None), share))) for share in SHARES
            )
            for stage in gathered.stages
        },
    )
