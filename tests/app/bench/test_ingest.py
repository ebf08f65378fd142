"""The ingest benchmark over a small folder: what it reports adds up."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from app.bench.ingest import run
from app.bench.many import fill


@pytest.mark.process
def test_the_benchmark_counts_what_it_measured(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:02}.txt").write_text(f"Walrus number {number} swims far away. " * 3)
    result = run(folder, tmp_path / "result.json", limit=6, rounds=2, many=20)
    assert json.loads((tmp_path / "result.json").read_text()) == result
    assert (result["files"], result["chunks"], result["outcomes"]) == (6, 6, {"added": 6})
    assert len(result["ratios"]) == len(result["stack_ratios"]) == 2
    assert result["stack_ratio"] == pytest.approx(sum(result["stack_ratios"]) / 2, abs=0.01)
    assert result["library_chunks_per_second"] > 0
    assert result["ratio"] == pytest.approx(sum(result["ratios"]) / 2, abs=0.01)
    assert set(result["shares"]) == {"read", "split", "embed", "store"}
    assert result["shares"]["embed"] <= 1.01
    many = result["many"]
    assert (many["tenth"]["outcomes"], many["whole"]["outcomes"]) == ({"added": 2}, {"added": 20})
    assert many["again"]["outcomes"] == {"unchanged": 20}
    if sys.platform == "linux":
        assert many["again"]["memory_mib"] < many["whole"]["memory_mib"]
        assert many["whole"]["reader_memory_mib"] > 0


def test_the_folder_of_many_files_is_the_same_every_time_and_holds_no_text_twice(tmp_path: Path) -> None:
    texts = []
    for name in ("one", "two"):
        fill(tmp_path / name, 250)
        texts.append([one.read_text() for one in sorted((tmp_path / name).rglob("*.txt"))])
    assert texts[0] == texts[1]
    assert len(set(texts[0])) == 250
