"""Systems on judged queries: BM25, dense, hybrid, and hybrid with each second stage, from one pass over the queries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from indexer.chunk import Chunk, Hit
from rerank.scorer import Scored, Scorer
from search import second
from search.hybrid import fuse
from search.measure import metrics
from search.measure.metrics import Qrels, Run
from search.result import SPARSE_WEIGHT, BlendBy, Candidate, Fusion, Ranked, SearchSettings
from search.scripts import Literacy
from search.shares import first_share, read, sparse_share

if TYPE_CHECKING:
    from indexer.snapshot import Snapshot

CURVE = (10, 20, 30, 50, 75, 100, 150, 200)
"""Candidate counts of the curve."""
SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
"""Shares of BM25, and of the first stage, that tuning compares."""
_WITH_SHARES: tuple[Fusion, ...] = ("zscore", "weighted")
FUSED: tuple[tuple[Fusion, float], ...] = (
    *((fusion, share) for fusion in _WITH_SHARES for share in SHARES),
    ("rrf", SPARSE_WEIGHT),
)
"""Every fusion that tuning compares; reciprocal ranks have no share."""


@dataclass(frozen=True, slots=True)
class SecondStage:
    """One second stage to measure."""

    name: str
    scorer: Scorer
    blends: tuple[float, ...] = (0.0,)
    """Shares of the first stage; each is a system of its own, from the same scores."""
    measured: float | None = None
    """The one of them that is the scorer's default, and gives way to 1 for a query that the scorer does not read."""


@dataclass(slots=True)
class Pass:
    """What one pass over the queries gathered: runs by system, seconds by stage, scores for the curve."""

    runs: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    scored: dict[str, dict[str, tuple[Ranked, ...]]] = field(default_factory=dict)
    unread: dict[str, set[str]] = field(default_factory=dict)
    """By model, the queries in a script that it does not read; "dense" is the embedder."""
    foreign: set[str] = field(default_factory=set)
    """The queries in a language that the embedder was not made for."""
    fused: dict[tuple[Fusion, float], dict[str, dict[str, float]]] = field(default_factory=dict)
    """By fusion and share of BM25, the run of the first stage; filled where tuning was asked for."""
    blend_by: BlendBy = "scores"

    def add(self, system: str, query: str, documents: Iterable[str]) -> None:
        """Keep a system's ranking of one query; a document that comes again (another chunk) keeps its first place."""
        self.runs.setdefault(system, {}).update(metrics.to_run([(query, one) for one in documents]) or {query: {}})

    def spent(self, stage: str, seconds: float) -> None:
        """Keep what a stage cost for one query."""
        self.seconds.setdefault(stage, []).append(seconds)


Found = tuple[Sequence[Hit], Sequence[Hit], Mapping[str, Chunk]]


def from_index(
    index: Snapshot,
    queries: Mapping[str, str],
    stages: Sequence[SecondStage],
    settings: SearchSettings,
    progress: Callable[[int, int], None] | None = None,
    *,
    embedder: object = None,
    tune: bool = False,
) -> Pass:
    """Return the runs "bm25", "dense", "hybrid" and one for each second stage and blend, over an index.

    With the index's `embedder`, a query that it reads badly or not at all is BM25's for the most part or alone, as in a
    search. With `tune`, the first stage is fused in every way that can be chosen.
    """
    gathered = Pass()
    literacy = Literacy()
    for done, (identity, query) in enumerate(queries.items(), start=1):
        start = time.perf_counter()
        sparse = index.sparse(query, settings.candidates, settings.sparse)
        middle = time.perf_counter()
        dense = index.dense(index.embed_query(query), settings.candidates)
        end = time.perf_counter()
        gathered.spent("bm25", middle - start)
        gathered.spent("dense", end - middle)
        chunks = index.chunks([hit.chunk_id for hit in (*dense, *sparse)])
        gathered.add("bm25", identity, (chunks[hit.chunk_id].document for hit in sparse))
        gathered.add("dense", identity, (chunks[hit.chunk_id].document for hit in dense))
        for fusion, share in FUSED if tune else ():
            other = fuse(dense, sparse, chunks, replace(settings, fusion=fusion, sparse_weight=share))
            run = gathered.fused.setdefault((fusion, share), {})
            run.update(metrics.to_run([(identity, one.chunk.document) for one in other]) or {identity: {}})
        reading = read(literacy, embedder, "dense", query)
        gathered.unread.setdefault("dense", set()).update([identity] if reading.scripts else ())
        gathered.foreign.update([identity] if reading.language else ())
        share = sparse_share(settings.sparse_weight, reading)
        first = fuse(dense, sparse, chunks, replace(settings, sparse_weight=share))
        gathered.add("hybrid", identity, (one.chunk.document for one in first))
        _second_stages(gathered, "hybrid", identity, query, first, stages, settings.blend_by, literacy)
        if progress is not None:
            progress(done, len(queries))
    return gathered


def from_candidates(
    lists: Mapping[str, Sequence[tuple[Chunk, float]]],
    queries: Mapping[str, str],
    stages: Sequence[SecondStage],
    by: BlendBy = "scores",
    progress: Callable[[int, int], None] | None = None,
) -> Pass:
    """Return the run "first" (the lists as they stand) and one for each second stage and blend over them.

    Args:
        lists: by query, passages with the first stage's scores, best first.
        queries: by id.
        stages: what takes the second look.
        by: what a blend blends.
        progress: receives queries done and in all.
    """
    gathered = Pass()
    literacy = Literacy()
    for done, (identity, query) in enumerate(queries.items(), start=1):
        first = tuple(
            Candidate(chunk, rank, score, None, None)
            for rank, (chunk, score) in enumerate(lists.get(identity, ()), start=1)
        )
        gathered.add("first", identity, (one.chunk.document for one in first))
        _second_stages(gathered, "first", identity, query, first, stages, by, literacy)
        if progress is not None:
            progress(done, len(queries))
    return gathered


def system(first: str, stage: str, blend: float) -> str:
    """Return the name of a system: "hybrid + minilm-maxsim", with its blend where there is one."""
    return f"{first} + {stage}" + (f", blend {blend:g}" if blend else "")


def summary(gathered: Pass, qrels: Qrels, baseline: str, relevant: int = 1) -> dict[str, Any]:
    """Return each system's means, 95 % intervals, comparison with the baseline, and mean milliseconds by stage."""
    values = {name: metrics.per_query(run, qrels, relevant) for name, run in gathered.runs.items()}
    systems = {}
    for name, by_metric in values.items():
        against = metrics.compare(by_metric["ndcg@10"], values[baseline]["ndcg@10"])
        systems[name] = {
            **{metric: round(metrics.mean(one), 4) for metric, one in by_metric.items()},
            "ci95": {metric: [round(end, 4) for end in metrics.interval(one)] for metric, one in by_metric.items()},
            "against": {
                "baseline": baseline,
                "ndcg@10": round(against.difference, 4),
                "p": round(against.p, 4),
                "wins": against.wins,
                "ties": against.ties,
                "losses": against.losses,
            },
        }
    count = len(metrics.answerable(qrels, relevant))
    milliseconds = {name: round(1000 * sum(one) / max(1, len(one)), 2) for name, one in gathered.seconds.items()}
    unread = {name: len(queries) for name, queries in gathered.unread.items()}
    found = {"queries": count, "systems": systems, "unread": unread, "foreign": len(gathered.foreign)}
    return {**found, "milliseconds": milliseconds}


def candidate_curve(
    gathered: Pass, stage: SecondStage, blend: float, qrels: Qrels, relevant: int = 1
) -> list[dict[str, float]]:
    """Return nDCG@10 and milliseconds for each candidate count, from the scores of one pass.

    The first n candidates are put into the order that they would have had alone; milliseconds are the pass's own,
    shared out by candidate. For a list-relative scorer this is an approximation.
    """
    points = []
    ranked_by_query = gathered.scored[stage.name]
    deepest = max((len(one) for one in ranked_by_query.values()), default=0)
    spent = gathered.seconds.get(stage.name, [0.0])
    milliseconds = 1000 * sum(spent) / max(1, len(spent))
    for count in (one for one in CURVE if one <= deepest):
        run = Pass()
        for query, ranked in ranked_by_query.items():
            blind = blend == stage.measured and query in gathered.unread.get(stage.name, ())
            run.add("curve", query, _first(ranked, count, 1.0 if blind else blend, gathered.blend_by))
        value = metrics.mean(metrics.per_query(run.runs["curve"], qrels, relevant)["ndcg@10"])
        share = milliseconds * count / deepest
        points.append({"candidates": count, "ndcg@10": round(value, 4), "milliseconds": round(share, 2)})
    return points


def cutoff_curve(
    gathered: Pass, stage: str, qrels: Qrels, relevant: int = 1, steps: int = 20
) -> list[dict[str, float]]:
    """Return precision and recall of what stays above each of `steps` thresholds, over the judged candidates."""
    judged = [
        (one.score, qrels[query].get(one.candidate.chunk.document, 0) >= relevant)
        for query, ranked in gathered.scored[stage].items()
        for one in ranked
    ]
    if not judged:
        return []
    low, high = min(score for score, _ in judged), max(score for score, _ in judged)
    relevant_in_all = sum(good for _, good in judged)
    points = []
    for step in range(steps + 1):
        threshold = low + (high - low) * step / steps
        kept = [good for score, good in judged if score >= threshold]
        points.append(
            {
                "cutoff": round(threshold, 4),
                "kept": len(kept),
                "precision": round(sum(kept) / len(kept), 4) if kept else 0.0,
                "recall": round(sum(kept) / relevant_in_all, 4) if relevant_in_all else 0.0,
            }
        )
    return points


def tuning(gathered: Pass, stages: Sequence[SecondStage], qrels: Qrels, relevant: int = 1) -> dict[str, Any]:
    """Return nDCG@10 of every fusion and share of BM25, and of every blend of each second stage.

    Blends are over the candidates of the fusion that the pass was made with. For choosing settings: on queries that
    nothing is reported on.
    """

    def value(run: Run) -> float:
        return round(metrics.mean(metrics.per_query(run, qrels, relevant)["ndcg@10"]), 4)

    fusions = [
        {"fusion": fusion, "sparse_weight": share, "ndcg@10": value(run)}
        for (fusion, share), run in gathered.fused.items()
    ]
    blends: dict[str, list[dict[str, float]]] = {}
    for stage in stages:
        for share in SHARES:
            run = Pass()
            for query, ranked in gathered.scored[stage.name].items():
                run.add("blend", query, _first(ranked, len(ranked), share, gathered.blend_by))
            blends.setdefault(stage.name, []).append({"blend": share, "ndcg@10": value(run.runs["blend"])})
    return {"fusions": fusions, "blends": blends}


def _second_stages(
    gathered: Pass,
    base: str,
    identity: str,
    query: str,
    first: tuple[Candidate, ...],
    stages: Sequence[SecondStage],
    by: BlendBy,
    literacy: Literacy,
) -> None:
    for stage in stages:
        for blend in stage.blends:
            gathered.add(system(base, stage.name, blend), identity, ())
        if not first:
            continue
        scoring = stage.scorer.score(query, [one.chunk.text for one in first])
        gathered.spent(stage.name, scoring.seconds)
        ranked = second.order(first, scoring.scored, 0.0)
        gathered.scored.setdefault(stage.name, {})[identity] = ranked
        gathered.blend_by = by
        unread = literacy.unread(stage.scorer, stage.name, query)
        gathered.unread.setdefault(stage.name, set()).update([identity] if unread else ())
        for blend in stage.blends:
            share = first_share(None, blend, unread) if blend == stage.measured else blend
            order = second.order(first, scoring.scored, share, by)
            gathered.add(system(base, stage.name, blend), identity, (one.candidate.chunk.document for one in order))


def _first(ranked: Sequence[Ranked], count: int, blend: float, by: BlendBy) -> list[str]:
    """Return the documents of the first `count` candidates in the order that their scores and the blend give."""
    kept = sorted((one for one in ranked if one.candidate.rank <= count), key=lambda one: one.candidate.rank)
    scored = [Scored(logit=one.logit, score=one.score) for one in kept]
    return [one.candidate.chunk.document for one in second.order([one.candidate for one in kept], scored, blend, by)]


def better_than(summary_of: Mapping[str, Any], floors: Mapping[str, float], name: str) -> list[str]:
    """Return a sentence for each floor that the named system misses; empty means that the gate holds."""
    values = summary_of["systems"][name]
    return [
        f"{metric} of {name} is {values[metric]:.4f} and must be at least {floor:g}"
        for metric, floor in floors.items()
        if values[metric] < floor
    ]


def runs(gathered: Pass) -> Mapping[str, Run]:
    """Return every system's run."""
    return gathered.runs
