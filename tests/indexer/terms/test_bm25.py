from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from pydoc_data import topics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from indexer.chunk import Hit, chunk_id
from indexer.terms.analyzer import terms
from indexer.terms.bm25 import FAINT, K1, B, average_idf, contributions, document_weights, idf, query_weights, score
from indexer.terms.exact import ExactBM25
from indexer.vectors.contract import Point
from indexer.vectors.edge import EdgeStore


class Corpus:
    """Counts of tokenised texts, as a catalog would keep them."""

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        self.counts = [Counter(text) for text in texts]
        self.lengths = [len(text) for text in texts]
        self.n = len(texts)
        self.average = sum(self.lengths) / self.n
        self.df: Counter[str] = Counter(term for counts in self.counts for term in counts)
        self.average_idf = average_idf(self.df.values(), self.n)

    def documents(self, k1: float = K1, b: float = B) -> Iterator[dict[str, float]]:
        """Yield the stored side of each text."""
        for counts, length in zip(self.counts, self.lengths, strict=True):
            yield document_weights(counts, length, self.average, k1=k1, b=b)

    def query(self, wanted: Sequence[str]) -> dict[str, float]:
        """Return the sent side."""
        return query_weights(wanted, self.df, self.n, self.average_idf)


def test_the_document_side_is_the_formula_worked_by_hand() -> None:
    weights = document_weights({"a": 2, "b": 1, "c": 0}, length=3, average_length=6.0, k1=1.0, b=0.5)
    assert weights == {"a": 2 * 2 / (2 + 0.75), "b": 2 / (1 + 0.75)}
    assert document_weights({}, 0, 0.0) == {}


def test_idf_is_zero_in_half_of_the_chunks_and_negative_above() -> None:
    assert idf(10, 20) == 0.0
    assert idf(5, 20) == pytest.approx(math.log(15.5 / 5.5))
    assert idf(15, 20) == pytest.approx(-math.log(15.5 / 5.5))


def test_a_frequent_term_gets_a_share_of_the_average_idf() -> None:
    df = {"rare": 1, "half": 10, "most": 15}
    average = average_idf(df.values(), 20)
    weights = query_weights(["rare", "rare", "half", "most", "unknown"], df, 20, average)
    assert weights == {"rare": 2 * idf(1, 20), "half": FAINT, "most": 0.25 * average}
    assert query_weights(["unknown"], df, 20, average) == {}
    assert average_idf([], 0) == 0.0


def test_contributions_come_largest_first_and_sum_to_the_score() -> None:
    query, document = {"a": 1.0, "b": 2.0, "c": 3.0, "z": 1.0}, {"a": 2.0, "b": 2.0, "z": 2.0}
    shares = contributions(query, document)
    assert shares == (("b", 4.0), ("a", 2.0), ("z", 2.0))
    assert sum(value for _, value in shares) == score(query, document) == 8.0


_TEXTS = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=12), min_size=1, max_size=12).filter(any)


@settings(max_examples=200, deadline=None)
@given(_TEXTS, st.lists(st.sampled_from("abcdefghx"), max_size=6), st.floats(0.1, 3), st.floats(0, 1))
def test_the_dot_product_is_rank_bm25s_score(texts: list[list[str]], wanted: list[str], k1: float, b: float) -> None:
    corpus, oracle = Corpus(texts), BM25Okapi(texts, k1=k1, b=b)
    query = corpus.query(wanted)
    ours = [score(query, document) for document in corpus.documents(k1, b)]
    with np.errstate(invalid="ignore"):  # at b = 1 rank_bm25 divides an empty text's nothing by nothing
        theirs = np.nan_to_num(oracle.get_scores(wanted), nan=0.0)
    assert ours == pytest.approx(theirs.tolist(), abs=1e-5)


# the exact backend


def test_the_exact_backend_finds_in_a_handful_of_texts() -> None:
    exact = ExactBM25(["b", "a", "c"], ["red apple", "green apple", "blue sky"])
    assert [hit.chunk_id for hit in exact.search("apple", 10)] == ["a", "b"]
    assert [hit.chunk_id for hit in exact.search("the sky", 10)] == ["c"]
    assert exact.search("nothing here matches", 10) == []


def test_a_term_in_half_of_the_texts_still_matches() -> None:
    exact = ExactBM25([str(n) for n in range(4)], ["apple one", "apple two", "pear three", "pear four"])
    assert exact.search("apple", 10) == [Hit("0", 1, 0.0), Hit("1", 2, 0.0)]


def test_the_exact_backend_takes_empty_texts_and_an_empty_corpus() -> None:
    assert ExactBM25([], []).search("apple", 10) == []
    assert ExactBM25(["a"], ["the of and"]).search("apple", 10) == []
    assert [hit.chunk_id for hit in ExactBM25(["a", "b"], ["", "apple"]).search("apple", 10)] == ["b"]
    assert ExactBM25(["a"], ["apple"]).search("the", 10) == []
    assert ExactBM25(["a"], ["apple"]).search("apple", 0) == []
    with pytest.raises(ValueError, match="2 ids, 1 texts"):
        ExactBM25(["a", "b"], ["apple"])


def test_the_exact_backend_narrows_by_document() -> None:
    exact = ExactBM25(["1", "2", "3"], ["apple", "apple pie", "pear"], ["a", "b", "b"])
    assert [hit.chunk_id for hit in exact.search("apple pear", 10, ["b"])] == ["3", "2"]
    assert exact.search("apple", 10, []) == []


# the oracle: Qdrant's sparse ranking against rank-bm25 over the real prose of Python's language reference


def _passages() -> list[str]:
    """Paragraph groups of about 80 words from the reference pages that come with Python."""
    passages = []
    for name in sorted(topics.topics):
        words = topics.topics[name].split()
        passages += [" ".join(words[start : start + 80]) for start in range(0, len(words), 80)]
    return passages


def _queries(passages: Sequence[str]) -> list[str]:
    """Questions in the corpus's own words: six from the middle of every twelfth passage, and the topic names."""
    middles = [" ".join(passage.split()[20:26]) for passage in passages[::12]]
    return [query for query in [*middles, *sorted(topics.topics)] if terms(query)]


def _overlap(ours: Sequence[Hit], exact: Sequence[Hit], depth: int) -> float:
    """Return the share of our first hits that an exact ranking could show among its first.

    Texts whose exact scores are equal to float32 precision may stand in any order, so a hit counts if its exact score
    reaches that of the exact ranking's last place.
    """
    depth = min(depth, len(exact))
    floor = exact[depth - 1].score - 1e-5
    allowed = {hit.chunk_id for hit in exact if hit.score >= floor}
    return sum(hit.chunk_id in allowed for hit in ours[:depth]) / depth


def test_qdrants_sparse_ranking_is_rank_bm25s(tmp_path: Path) -> None:
    passages = _passages()
    queries = _queries(passages)
    assert len(passages) >= 500
    assert len(queries) >= 100
    ids = [chunk_id("reference", number, text) for number, text in enumerate(passages)]
    corpus = Corpus([terms(text) for text in passages])
    numbers = {term: (7919 * place) % 2**32 for place, term in enumerate(sorted(corpus.df))}
    store = EdgeStore.open(tmp_path, 4)
    vector = np.full(4, 0.5, dtype=np.float32)
    store.upsert(
        [
            Point(chunk, "reference", vector, {numbers[term]: weight for term, weight in document.items()})
            for chunk, document in zip(ids, corpus.documents(), strict=True)
        ]
    )
    store.optimize()
    exact = ExactBM25(ids, passages)

    overlaps, strict, worst = [], [], 0.0
    for query in queries:
        ours = store.sparse({numbers[term]: weight for term, weight in corpus.query(terms(query)).items()}, 100)
        theirs = exact.search(query, len(passages))
        assert bool(ours) == bool(theirs)
        if not theirs:
            continue
        assert len(ours) == min(100, len(theirs))
        scores = {hit.chunk_id: hit.score for hit in theirs}
        worst = max(worst, *(abs(hit.score - scores[hit.chunk_id]) for hit in ours))
        overlaps.append(_overlap(ours, theirs, 10))
        same = {hit.chunk_id for hit in ours[:10]} & {hit.chunk_id for hit in theirs[:10]}
        strict.append(len(same) / min(10, len(theirs)))
    store.close()
    figures = (
        f"{len(passages)} passages, {len(overlaps)} queries: overlap@10 {np.mean(overlaps):.4f} "
        f"(by id alone {np.mean(strict):.4f}), largest score difference {worst:.1e}"
    )
    assert len(overlaps) >= 50, figures
    assert np.mean(overlaps) >= 0.99, figures
    assert np.mean(strict) >= 0.99, figures
    assert worst < 2e-5, figures
    print(figures)  # noqa: T201 (the measured figure, shown with -s)
