"""Claims about what follows from any scorer's scores, and about the one value that a scorer is built from."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import checkpoints
import pytest
from serving import Bm25Scorer

from rerank import Loading, load, open_scorer
from rerank.errors import BadInput
from rerank.ranking import compute_score, order, rerank
from rerank.scorer import Scorer

QUERY = "capital of france"
DOCUMENTS = ["berlin is the capital of germany", "paris is the capital of france", "a panda", "a panda"]


def test_order_is_total() -> None:
    assert order([0.5, 0.9, 0.5]) == [1, 0, 2]


def test_a_scorer_that_only_scores_can_be_ranked_by() -> None:
    scorer = Bm25Scorer("words")
    assert isinstance(scorer, Scorer)
    assert not hasattr(scorer, "rerank")
    ranked = rerank(scorer, QUERY, DOCUMENTS)
    assert [one.index for one in ranked] == [1, 0, 2, 3]
    assert [one.document for one in rerank(scorer, QUERY, DOCUMENTS, top_n=1)] == [DOCUMENTS[1]]
    pairs = [(QUERY, document) for document in DOCUMENTS]
    scores = [one.score for one in scorer.score(QUERY, DOCUMENTS).scored]
    assert compute_score(scorer, pairs) == scores
    assert compute_score(scorer, pairs[0]) == scores[:1]


@pytest.mark.parametrize("settings", [{"top_n": -1}, {"max_length": 10}])
def test_what_cannot_be_ranked_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(BadInput):
        rerank(Bm25Scorer("words"), QUERY, DOCUMENTS, **settings)


def test_keywords_and_the_value_that_they_make_build_the_same_scorer(tmp_path: Path) -> None:
    folder = checkpoints.bert(tmp_path)
    loading = Loading(device="cpu", dtype="fp32", token_budget=64)
    by_value, by_keywords = open_scorer(str(folder), loading), load(str(folder), device="cpu", dtype="fp32")
    assert (by_value.name, by_value.contract, by_value.runtime) == (
        by_keywords.name,
        by_keywords.contract,
        by_keywords.runtime,
    )
    assert by_value.compute_score((QUERY, "panda")) == pytest.approx(by_keywords.compute_score((QUERY, "panda")))


def test_the_value_cannot_be_changed_and_hides_its_key() -> None:
    loading = Loading(api_key="secret")
    assert "secret" not in repr(loading)
    with pytest.raises(FrozenInstanceError):
        loading.device = "cpu"  # type: ignore[misc]
