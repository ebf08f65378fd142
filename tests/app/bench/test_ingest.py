"""The ingest benchmark over a small folder: what it reports adds up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.bench.ingest import run


@pytest.mark.slow
def test_the_benchmark_counts_what_it_measured(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:02}.txt").write_text(f"Walrus number {number} swims far away. " * 3)
    result = run(folder, tmp_path / "result.json", limit=6)
    assert json.loads((tmp_path / "result.json").read_text()) == result
    assert (result["files"], result["chunks"], result["outcomes"]) == (6, 6, {"added": 6})
    assert result["ratio"] == pytest.approx(result["chunks_per_second"] / result["bare_chunks_per_second"], rel=0.05)
    assert set(result["shares"]) == {"read", "split", "embed", "store"}
    assert result["shares"]["embed"] <= 1.01
    assert result["again_seconds"] < result["seconds"]
    assert result["peak_memory_mib"] is None or result["peak_memory_mib"] > 0
