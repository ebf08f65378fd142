"""TREC candidate lists: rank order, scores, and lines that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.judged import BadDataset, candidates


def test_a_list_is_read_in_the_order_of_its_ranks_with_its_scores(tmp_path: Path) -> None:
    file = tmp_path / "list.trec"
    file.write_text("q Q0 b 2 1.5 tag\nq Q0 a 1 2.5 tag\nr Q0 c 1 -3e-1 tag\n", encoding="utf-8")
    assert candidates(file) == {"q": [("a", 2.5), ("b", 1.5)], "r": [("c", -0.3)]}


@pytest.mark.parametrize("line", ["q Q0 a 1", "q Q0 a first 2.5 tag", "q Q0 a 1 much tag", "q Q0 a 1 nan tag"])
def test_a_line_that_is_none_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    file = tmp_path / "list.trec"
    file.write_text(f"q Q0 b 1 1.5 tag\n{line}\n", encoding="utf-8")
    with pytest.raises(BadDataset, match=r"line 2 is not"):
        candidates(file)
