"""The search benchmark over a few of the sample's queries: what it reports adds up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.bench.search import run, table
from app.settings import Settings


@pytest.mark.model
def test_every_stage_of_both_kinds_is_reported_and_written(tmp_path: Path) -> None:
    said: list[str] = []
    file = tmp_path / "search.json"
    found = run(Settings(tmp_path / "unused"), tmp_path, file, queries=2, rounds=1, cold=1, say=said.append)
    assert said
    assert json.loads(file.read_text()) == found
    assert (found["queries"], found["cold_queries"]) == (2, 1)
    for kind in ("cold", "kept"):
        stages = found[kind]["stages"]
        assert {"embed", "dense", "sparse", "fuse", "fold", "rerank", "explain", "total"} <= set(stages)
        assert all(0 <= one["median_ms"] <= one["p95_ms"] for one in stages.values())
        assert found[kind]["ratio"] > 0
    lines = table(found).splitlines()
    assert [line.split()[0] for line in lines[1:-2]] == list(found["kept"]["stages"])
    assert "one by one" in lines[-1]
