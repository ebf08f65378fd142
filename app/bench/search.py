"""Where a query's milliseconds go: every stage over the sample's judged queries, token vectors kept or not."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from app.bench.machine import facts
from app.bench.record import Say, write
from app.compose import VECTOR_BYTES, open_engine
from app.demo import sample
from app.settings import Settings
from search.measure import judged

if TYPE_CHECKING:
    from search.engine import SearchEngine
    from search.result import Result

ROUNDS = 3
"""How often each query is asked with kept token vectors."""
COLD = 15
"""Queries that are also asked without any: the second look then encodes every candidate, for seconds on a CPU."""
_WORST = 0.95


def run(
    settings: Settings,
    place: Path,
    json_path: Path | None = None,
    *,
    queries: int | None = None,
    rounds: int = ROUNDS,
    cold: int = COLD,
    say: Say = lambda _: None,
) -> dict[str, Any]:
    """Milliseconds by stage, median and 95th percentile, of searches through an engine that is loaded and warmed.

    "cold" has no token vectors when a query comes, "kept" has those of all its candidates. Both give `ratio`: the
    seconds of "explain" over those of "rerank", the median over the queries. "one_by_one" is what explaining the same
    passages takes where each is asked about by itself, the query encoded and weighted for each: over the same "rerank".

    Args:
        settings: which models; the index is made anew.
        place: an empty folder, for index and token vectors.
        json_path: where the result is written, too.
        queries: only so many, evenly spread; None for all that have a relevant document.
        rounds: how often each is asked with kept token vectors.
        cold: how many of them, evenly spread, are also asked without any; at least 1.
        say: told what is being done, a line at a time.
    """
    from rerank.loading import Caches
    from rerank.vectors_cache import VectorCache

    vectors = VectorCache(VECTOR_BYTES, place / "token-vectors")
    asked = _some(_answerable(), queries)
    settings = replace(settings, index=place / "index", store_url=None)
    engine = open_engine(settings, "secondlook bench search", caches=Caches(vectors=vectors))
    with closing(engine):
        say("indexing the sample")
        engine.ingest(sample())
        engine.state()  # loads both models
        engine.search(asked[0])
        first, kept, apart = [], [], []
        for query in _some(asked, cold):
            vectors.clear()
            first.append(engine.search(query))
        say(f"{len(first)} queries without token vectors")
        for number, query in enumerate(asked, start=1):
            engine.search(query)
            for _ in range(rounds):
                kept.append(engine.search(query))
                apart.append(_one_by_one(engine, kept[-1]))
            if number % 10 == 0:
                say(f"{number} of {len(asked)} queries")
        documents, chunks = engine.index.counts()
    looks = [one.seconds["rerank"] for one in kept]
    found: dict[str, Any] = {
        "benchmark": "search",
        "documents": documents,
        "chunks": chunks,
        "queries": len(asked),
        "cold_queries": len(first),
        "rounds": rounds,
        "scorer": first[0].scorer,
        "runtime": first[0].runtime,
        "candidates": first[0].settings.candidates,
        "top_n": first[0].settings.top_n,
        "cold": _stages(first),
        "kept": _stages(kept),
        "one_by_one": {**_spread(apart), "ratio": _ratio(apart, looks)},
        "machine": facts(),
    }
    write(json_path, found)
    return found


def table(found: dict[str, Any]) -> str:
    """The figures as lines of text: one a stage, median and 95th percentile of both kinds."""
    stages = dict.fromkeys((*found["cold"]["stages"], *found["kept"]["stages"]))
    kinds = ("cold", "kept")
    lines = [f"{'':14}" + "".join(f"{f'{kind} median':>14}{'95 %':>9}" for kind in kinds) + "  ms"]
    for stage in stages:
        cells = [found[kind]["stages"].get(stage, {"median_ms": 0.0, "p95_ms": 0.0}) for kind in kinds]
        lines.append(f"{stage:14}" + "".join(f"{one['median_ms']:>14.2f}{one['p95_ms']:>9.2f}" for one in cells))
    apart = found["one_by_one"]
    lines.append(f"{'one by one':14}{'':23}{apart['median_ms']:>14.2f}{apart['p95_ms']:>9.2f}")
    lines.append(
        f"explain / second look: {found['cold']['ratio']} cold, {found['kept']['ratio']} with kept token vectors "
        f"({apart['ratio']} one by one)"
    )
    return "\n".join(lines)


def _answerable() -> list[str]:
    data = judged.load(sample())
    return [
        text for identity, text in data.queries.items() if any(grade > 0 for grade in data.qrels[identity].values())
    ]


def _some(queries: list[str], count: int | None) -> list[str]:
    if count is None or count >= len(queries):
        return queries
    return [queries[place * len(queries) // count] for place in range(count)]


def _one_by_one(engine: SearchEngine, result: Result) -> float:
    """Seconds to explain a result's passages with a call for each, and nothing remembered of the query."""
    scorer = engine.registry.get()
    query = f"{result.query} "  # the same tokens; but what the second look keeps of its query is kept under the query
    shown = [one.candidate.chunk for one in result.top]
    visible = {chunk.id: chunk for chunk in (*shown, *(one.chunk for one in result.before))}
    started = time.perf_counter()
    for chunk in shown:
        scorer.spans(query, [chunk.text])
    for chunk in visible.values():
        with engine.index.snapshot() as now:
            now.explain_terms(query, [chunk])
    return time.perf_counter() - started


def _stages(results: Sequence[Result]) -> dict[str, Any]:
    """Milliseconds of each stage, and of all stages together."""
    names = dict.fromkeys(name for one in results for name in one.seconds)
    return {
        "stages": {name: _spread(one.seconds.get(name, 0.0) for one in results) for name in names},
        "ratio": _ratio([one.seconds["explain"] for one in results], [one.seconds["rerank"] for one in results]),
    }


def _spread(seconds: Iterable[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    worst = ordered[min(len(ordered) - 1, int(_WORST * len(ordered)))]
    return {"median_ms": round(1000 * median(ordered), 3), "p95_ms": round(1000 * worst, 3)}


def _ratio(parts: Sequence[float], wholes: Sequence[float]) -> float:
    return round(median(part / whole for part, whole in zip(parts, wholes, strict=True)), 3)
