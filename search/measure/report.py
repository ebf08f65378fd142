"""What an evaluation says: each system's means, intervals and paired test, and what the stages cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from search.measure import metrics
from search.measure.curves import CandidatePoint, Curves, CutoffPoint
from search.measure.evaluation import Gathered
from search.measure.metrics import PairedTest, Qrels
from search.measure.rankings import runs
from search.measure.tuning import Tuning
from search.settings import BlendBy, Fusion

COMPARED = "ndcg@10"
"""The metric of the paired tests."""
_DECIMALS = 4
"""Figures are rounded once, where they are made, so that table, gate and file say the same."""


@dataclass(frozen=True, slots=True)
class System:
    """How well one system answered."""

    name: str
    means: Mapping[str, float]
    """By metric (`metrics.NAMES`), over the answerable queries."""
    intervals: Mapping[str, tuple[float, float]]
    """By metric, the 95 % interval of the mean."""
    baseline: str
    against: PairedTest
    """nDCG@10 against the baseline's; against itself, where this is the baseline."""


@dataclass(frozen=True, slots=True)
class Report:
    """One evaluation."""

    dataset: str
    split: str
    first_stage: str
    """"hybrid", or the name of the file of candidate lists."""
    candidates: int
    fusion: Fusion
    blend_by: BlendBy
    queries: int
    """Answerable ones."""
    systems: tuple[System, ...]
    unread: Mapping[str, int]
    """By model, queries in a script that it does not read; "dense" is the embedder."""
    foreign: int
    """Queries in a language that the embedder was not made for."""
    milliseconds: Mapping[str, float]
    """By stage, the mean over queries."""
    curves: Mapping[str, Curves] | None = None
    """By second stage; None where they were not asked for."""
    tuning: Tuning | None = None


def systems(gathered: Gathered, qrels: Qrels, relevant: int = 1) -> tuple[System, ...]:
    """Every system of the pass, the first stage's before the second stages'."""
    values = {name: metrics.per_query(run, qrels, relevant) for name, run in runs(gathered).items()}

    def made(name: str, by_metric: Mapping[str, metrics.PerQuery]) -> System:
        against = metrics.compare(by_metric[COMPARED], values[gathered.base][COMPARED])
        return System(
            name=name,
            means={metric: _rounded(metrics.mean(one)) for metric, one in by_metric.items()},
            intervals={metric: _ends(*metrics.interval(one)) for metric, one in by_metric.items()},
            baseline=gathered.base,
            against=replace(against, difference=_rounded(against.difference), p=_rounded(against.p)),
        )

    return tuple(made(name, by_metric) for name, by_metric in values.items())


def missed(system: System, floors: Mapping[str, float]) -> list[str]:
    """A sentence for each floor, by metric, that the system misses; none where the gate holds."""
    return [
        f"{metric} of {system.name} is {system.means[metric]:.4f} and must be at least {floor:g}"
        for metric, floor in floors.items()
        if system.means[metric] < floor
    ]


def to_dict(report: Report) -> dict[str, Any]:
    """The report as plain JSON types, in the shape of the files in `data/bench`."""
    plain: dict[str, Any] = {
        "dataset": report.dataset,
        "split": report.split,
        "first_stage": report.first_stage,
        "candidates": report.candidates,
        "fusion": report.fusion,
        "blend_by": report.blend_by,
        "queries": report.queries,
        "systems": {system.name: _system(system) for system in report.systems},
        "unread": dict(report.unread),
        "foreign": report.foreign,
        "milliseconds": {name: round(value, 2) for name, value in report.milliseconds.items()},
    }
    if report.curves is not None:
        plain["curves"] = {name: _curves(one) for name, one in report.curves.items()}
    if report.tuning is not None:
        plain["tuning"] = _tuning(report.tuning)
    return plain


def _system(system: System) -> dict[str, Any]:
    against = system.against
    return {
        **system.means,
        "ci95": {metric: list(ends) for metric, ends in system.intervals.items()},
        "against": {
            "baseline": system.baseline,
            COMPARED: against.difference,
            "p": against.p,
            "wins": against.wins,
            "ties": against.ties,
            "losses": against.losses,
        },
    }


def _curves(curves: Curves) -> dict[str, Any]:
    return {
        "blend": curves.blend,
        "candidates": [_candidates(one) for one in curves.candidates],
        "cutoff": [_cutoff(one) for one in curves.cutoff],
    }


def _candidates(point: CandidatePoint) -> dict[str, float]:
    return {"candidates": point.candidates, "ndcg@10": point.ndcg, "milliseconds": point.milliseconds}


def _cutoff(point: CutoffPoint) -> dict[str, float]:
    return {"cutoff": point.cutoff, "kept": point.kept, "precision": point.precision, "recall": point.recall}


def _tuning(tuning: Tuning) -> dict[str, Any]:
    return {
        "fusions": [
            {"fusion": one.fusion, "sparse_weight": one.sparse_weight, "ndcg@10": one.ndcg} for one in tuning.fusions
        ],
        "blends": {
            name: [{"blend": one.blend, "ndcg@10": one.ndcg} for one in points]
            for name, points in tuning.blends.items()
        },
    }


def _rounded(value: float) -> float:
    return round(value, _DECIMALS)


def _ends(low: float, high: float) -> tuple[float, float]:
    return _rounded(low), _rounded(high)
