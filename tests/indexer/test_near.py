"""Claims about near-duplicates: the estimate, what is folded, and which documents are alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from hash_embedder import HashEmbedder
from hypothesis import given
from hypothesis import strategies as st

from indexer import near
from indexer.index import Index

LONG = " ".join(f"word{number}" for number in range(120))
WORDS = st.lists(st.sampled_from([f"w{number}" for number in range(40)]), min_size=1, max_size=60).map(" ".join)


def estimate(one: str, other: str) -> float:
    return float((near.parse(near.signature(one)) == near.parse(near.signature(other))).mean())


def test_resemblance_is_the_share_of_common_shingles() -> None:
    assert near.resemblance("a b c d", "a b c e") == 1 / 3
    assert near.resemblance("A, b. C!", "a b c") == 1.0
    assert near.resemblance("yes", "no") == 0.0
    assert near.resemblance("...", "...") == 0.0


@given(WORDS, WORDS)
def test_signatures_estimate_the_resemblance(one: str, other: str) -> None:
    assert abs(estimate(one, other) - near.resemblance(one, other)) <= 0.31  # five standard errors
    assert estimate(one, one) == 1.0


def test_signature_is_part_of_the_index_format() -> None:
    assert near.parse(near.signature("the quick brown fox"))[:3].tolist() == [1174831736, 1044222716, 728714803]
    assert near.signature("...") == b""


def test_a_slightly_changed_passage_goes_with_the_best_one_and_a_different_one_stays() -> None:
    texts = [LONG, "Something else altogether, about lamps and chairs.", LONG + " and more", LONG[:200]]
    found = near.collapse(texts, [near.signature(text) for text in texts], 10)
    assert [place for place, _ in found] == [0, 1, 3]
    assert list(found[0][1]) == [2]
    assert found[0][1][2] == pytest.approx(near.resemblance(texts[0], texts[2]))


def test_texts_without_words_are_never_folded() -> None:
    assert near.collapse(["...", "...", "!"], [b""] * 3, 10) == [(0, {}), (1, {}), (2, {})]


def test_limit_counts_what_is_kept_and_later_twins_are_still_found() -> None:
    texts = [LONG, "one two three four", "five six seven eight", LONG]
    marks = [near.signature(text) for text in texts]
    assert near.collapse(texts, marks, 2) == [(0, {3: 1.0}), (1, {})]


def test_documents_that_say_nearly_the_same_are_grouped(tmp_path: Path) -> None:
    folder = tmp_path / "twins"
    folder.mkdir()
    text = "\n\n".join(f"Paragraph {n} tells of {LONG.replace('word', f'p{n}x')}." for n in range(4))
    (folder / "report.txt").write_text(text)
    (folder / "report (copy).txt").write_text(text + "\n\nPrinted on Monday.")
    (folder / "other.txt").write_text(text.replace("x", "y"))
    with Index.open(tmp_path / "index", HashEmbedder()) as index:
        index.sync(folder)
        assert index.near_duplicates() == [["report (copy).txt", "report.txt"]]
