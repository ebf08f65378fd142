from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerank.base import BaseScorer, check, clean, distinct, require_finite, room, stop_if
from rerank.errors import BadCheckpoint, BadInput, Cancelled
from rerank.models.running import Cancel, Progress, Runtime
from rerank.ranking import order
from rerank.scorer import MAX_DOCUMENTS, NO_LIMITS, Limits, RankedDocument, ScoreContract, Scored, Scorer, Scoring


class SharedLetters(BaseScorer):
    """A complete scorer: the share of the query's letters that a passage has."""

    name = "shared letters"
    contract = ScoreContract("pointwise", 0, 1, "none", 0, "read whole", None, "Apache-2.0")
    runtime = Runtime("cpu", "float64", "none", "it only counts")

    def __init__(self) -> None:
        self.calls: list[tuple[str, Limits]] = []

    def score(
        self,
        query: str,
        passages: Sequence[str],
        *,
        limits: Limits = NO_LIMITS,
        progress: Progress | None = None,  # noqa: ARG002 - part of the contract
        cancel: Cancel | None = None,
    ) -> Scoring:
        """The shares, as logit and as score."""
        check(query, passages)
        stop_if(cancel)
        self.calls.append((query, limits))
        shares = [len(set(query) & set(passage)) / len(set(query)) for passage in passages]
        return Scoring(tuple(Scored(share, share) for share in shares), 0.0, self.name)

    def release(self) -> None:
        """Nothing is held."""


def test_a_scorer_made_from_the_base_keeps_the_contract() -> None:
    assert isinstance(SharedLetters(), Scorer)


@pytest.mark.parametrize(
    ("query", "passages", "message"),
    [
        ("q", [], "no documents"),
        ("q", ["d"] * (MAX_DOCUMENTS + 1), "at most 2048"),
        ("", ["d"], "query is empty"),
        (" \n\x00", ["d"], "query is empty"),
        (None, ["d"], "query must be text, not NoneType"),
        ("q", ["d", None], "Document 1 must be text, not NoneType"),
        ("q", ["d", b"d"], "Document 1 must be text, not bytes"),
        ("q", "one text", "list of texts"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_one_sentence(query: str, passages: list[str], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        check(query, passages)


def test_empty_passages_and_the_largest_call_are_accepted() -> None:
    check("q", [""] * MAX_DOCUMENTS)


@given(st.text(alphabet=st.characters(codec=None, categories=None)))
def test_cleaned_text_has_the_same_length_and_can_be_encoded(text: str) -> None:
    cleaned = clean(text)
    assert len(cleaned) == len(text)
    cleaned.encode("utf-8")
    assert clean(cleaned) == cleaned


def test_only_control_characters_and_lone_surrogates_are_replaced() -> None:
    assert clean("a\x00b\ud83dc\x1b[0m\t\r\n\x85é😀") == "a b\ufffdc [0m\t\r\n é😀"


@pytest.mark.parametrize(
    ("limits", "native", "expected"),
    [
        (Limits(), 8192, (1024, 512)),
        (Limits(), 512, (512, 256)),
        (Limits(), 0, (1024, 512)),
        (Limits(max_length=4096, max_query_tokens=64), 8192, (4096, 64)),
        (Limits(max_length=100), 512, (100, 50)),
        (Limits(max_length=1), 512, (1, 1)),
    ],
)
def test_the_window_is_the_smaller_of_asked_and_native_and_the_query_gets_half(
    limits: Limits, native: int, expected: tuple[int, int]
) -> None:
    assert room(limits, native) == expected


@pytest.mark.parametrize("limits", [Limits(max_length=0), Limits(max_query_tokens=-1), Limits(max_document_tokens=0)])
def test_limits_below_one_are_refused(limits: Limits) -> None:
    with pytest.raises(BadInput, match="at least 1"):
        room(limits, 512)


def test_documents_are_ranked_by_score_and_ties_keep_their_order() -> None:
    ranked = SharedLetters().rerank("abc", ["x", "ab", "cba", "ba", ""])
    assert [one.index for one in ranked] == [2, 1, 3, 0, 4]
    assert ranked[0] == RankedDocument(2, 1.0, "cba")


@pytest.mark.parametrize(("top_n", "count"), [(None, 3), (0, 3), (2, 2), (9, 3)])
def test_top_n_of_none_or_zero_means_all(top_n: int | None, count: int) -> None:
    assert len(SharedLetters().rerank("q", ["a", "b", "c"], top_n=top_n)) == count


def test_a_negative_top_n_and_a_query_limit_over_half_the_window_are_refused() -> None:
    with pytest.raises(BadInput, match="top_n"):
        SharedLetters().rerank("q", ["a"], top_n=-1)
    with pytest.raises(BadInput, match="twice"):
        SharedLetters().rerank("q", ["a"], max_length=1000)


def test_pairs_are_scored_in_order_with_one_call_per_query() -> None:
    scorer = SharedLetters()
    assert scorer.compute_score([("ab", "a"), ("c", "c"), ("ab", "ab")], max_length=256) == [0.5, 1.0, 1.0]
    limits = Limits(max_length=256, max_query_tokens=128)
    assert scorer.calls == [("ab", limits), ("c", limits)]


def test_one_pair_gives_a_list_of_one() -> None:
    assert SharedLetters().compute_score(("ab", "a")) == [0.5]
    assert SharedLetters().compute_score([["ab", "a"]]) == [0.5]  # type: ignore[list-item]


@pytest.mark.parametrize("pairs", [[], "ab", [("q", "d", "x")], [("q", None)], [3]])
def test_what_is_no_pair_is_refused(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(BadInput, match=r"[pP]air"):
        SharedLetters().compute_score(pairs)


def test_spans_are_sentences_scored_by_themselves() -> None:
    scorer = SharedLetters()
    spans, blank, other = scorer.spans("ab", [" Aab is. Xyz is not. ", " \n ", "ba."])
    assert [(span.start, span.end, span.score) for span in spans] == [(1, 8, 1.0), (9, 20, 0.0)]
    assert blank == ()
    assert [(span.start, span.end, span.score) for span in other] == [(0, 3, 1.0)]
    assert [query for query, _ in scorer.calls] == ["ab"]
    assert scorer.spans("ab", []) == ()
    with pytest.raises(BadInput, match="list of texts"):
        scorer.spans("ab", "one text")


def test_a_passage_of_too_many_sentences_still_has_spans() -> None:
    passage = "Ab. " * 5000
    scorer = SharedLetters()
    spans, again = scorer.spans("ab", [passage, passage])
    assert len(spans) <= MAX_DOCUMENTS
    assert (spans[0].start, spans[-1].end) == (0, len(passage) - 1)
    assert spans == again
    assert len(scorer.calls) == -(-2 * len(spans) // MAX_DOCUMENTS)


def test_nan_is_blamed_on_the_weights_and_a_cancel_stops() -> None:
    require_finite([0.0, -1e30], "m")
    with pytest.raises(BadCheckpoint, match="m gave"):
        require_finite([0.0, float("nan")], "m")
    cancel = Cancel()
    stop_if(cancel)
    cancel.request()
    with pytest.raises(Cancelled):
        SharedLetters().score("q", ["d"], cancel=cancel)


def test_order_is_total() -> None:
    assert order([0.5, 0.9, 0.5]) == [1, 0, 2]


def test_equal_texts_are_told_apart_from_different_ones() -> None:
    assert distinct(["b", "a", "b", "c", "a"]) == ([0, 1, 3], [0, 1, 0, 2, 1])
    assert distinct([]) == ([], [])
