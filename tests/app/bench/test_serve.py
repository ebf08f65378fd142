from __future__ import annotations

from itertools import count
from pathlib import Path

import checkpoints
import pytest
from serving import BACKGROUND, Bm25Scorer, HashedWords, engine_of

from app.bench.serve import Load, fill, quantile, run
from indexer.index import Index
from rerank.load import load
from rerank.loading import Caches
from rerank.vectors_cache import VectorCache


@pytest.mark.process
def test_many_callers_lose_nothing_and_too_many_are_refused(tmp_path: Path) -> None:
    load = Load(("water", "library"), BACKGROUND, passages=5)
    engine = engine_of(Bm25Scorer("exact", seconds_per_pair=0.002), Index.open(tmp_path / "index", HashedWords()))
    try:
        roomy = run(engine, callers=4, seconds=2.0, load=load, queue_size=8, rounds=1)
        tight = run(engine, callers=8, seconds=2.0, load=load, queue_size=2, rounds=1)
    finally:
        engine.close()
    assert set(roomy["statuses"]) == {"200"}
    assert set(tight["statuses"]) == {"200", "429"}
    for report in (roomy, tight):
        assert (report["errors"], report["wrong"], report["lost"]) == (0, 0, 0)
        assert report["pairs_per_second"] > 0
        assert report["calls"] == report["answered"] + report["refused_to_the_end"]
        assert report["memory_mb"]["largest"] >= report["memory_mb"]["end"] > 0
        assert 0 < report["p50_ms"] <= report["p95_ms"] <= report["p99_ms"]
    assert [roomy["share_of_engine"]] == roomy["shares"]  # one round: its share is the median


@pytest.mark.process
def test_caches_are_full_before_memory_is_measured(tmp_path: Path) -> None:
    caches = Caches(vectors=VectorCache(100_000))
    scorer = load(str(checkpoints.bert_body(tmp_path)), device="cpu", dtype="fp32", cache=caches)
    kept = fill(scorer, Load(("water", "library"), BACKGROUND), count(), caches)
    assert 90_000 < caches.vectors.bytes <= 100_000
    assert kept == {"vectors_mb": 0.1, "scores": 0}


def test_no_two_calls_share_a_passage() -> None:
    load = Load(("a", "b"), ("x", "y", "z"), passages=2)
    seen = [text for part in range(2) for number in range(50) for text in load.call(part, number)[1]]
    assert len(set(seen)) == len(seen) == 200
    assert set(seen).isdisjoint(Load(("a",), ("x",), passages=1).call(0, 0)[1])


def test_a_quantile_is_the_nearest_rank() -> None:
    assert quantile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.0
    assert quantile([4.0, 1.0, 3.0, 2.0], 0.99) == 4.0
    assert quantile([5.0], 0.5) == 5.0
    assert quantile([], 0.5) == 0.0
