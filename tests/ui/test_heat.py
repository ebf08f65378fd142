from hypothesis import given
from hypothesis import strategies as st

from rerank.scorer import Span
from ui.heat import LEVELS, clip, heat_level, heat_range, snippet_range, split_by_heat

TEXT = "Cold start. The hottest sentence of all. A lukewarm end."
SPANS = (Span(0, 11, 0.1), Span(12, 40, 0.9), Span(41, 56, 0.5))


def test_pieces_joined_are_the_text_and_the_highest_sentence_is_marked_once() -> None:
    pieces = split_by_heat(TEXT, SPANS, 0.1, 0.9)

    assert "".join(one.text for one in pieces) == TEXT
    assert [one.text for one in pieces if one.best] == ["The hottest sentence of all."]
    assert [one.level for one in pieces] == [0, 0, LEVELS, 0, round(LEVELS / 2)]


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70), st.floats(-2, 2)), max_size=8))
def test_no_span_however_wrong_loses_or_repeats_text(text: str, drawn: list[tuple[int, int, float]]) -> None:
    spans = tuple(Span(start, end, score) for start, end, score in drawn)
    pieces = split_by_heat(text, spans, *heat_range(spans))

    assert "".join(one.text for one in pieces) == text


def test_equal_scores_give_no_heat_and_nan_gives_none_either() -> None:
    assert heat_level(0.4, 0.4, 0.4) == 0
    assert heat_level(float("nan"), 0.0, 1.0) == 0
    assert heat_range((Span(0, 1, float("nan")), Span(1, 2, 0.3))) == (0.3, 0.3)


def test_heat_starts_at_the_median_so_that_half_of_the_sentences_stay_cold() -> None:
    spans = tuple(Span(0, 1, score) for score in (0.1, 0.4, 0.5, 0.6, 0.7))

    assert heat_range(spans) == (0.5, 0.7)
    assert [heat_level(one.score, 0.5, 0.7) for one in spans] == [0, 0, 0, 2, 5]


def test_the_snippet_starts_at_the_highest_sentence_when_that_lies_far_in() -> None:
    text = "filler words here. " * 40 + "The answer is here. " + "more filler. " * 40
    at = text.index("The answer")
    spans = (Span(0, 18, 0.1), Span(at, at + 19, 0.8))
    start, end = snippet_range(text, spans, 100)
    shown = "".join(one.text for one in clip(split_by_heat(text, spans, 0.1, 0.8), start, end))

    assert "The answer is here." in shown
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert end - start <= 100


def test_a_snippet_at_the_end_of_a_passage_is_as_long_as_any_other() -> None:
    text = "one two three four five. " * 20 + "The answer."
    start, end = snippet_range(text, (Span(len(text) - 11, len(text), 0.9),), 100)

    assert end == len(text)
    assert 90 <= end - start <= 100
    assert text[start - 1] == " "


def test_white_space_after_a_sentence_carries_no_heat() -> None:
    assert [one.text for one in split_by_heat("One.\n\nTwo.", (Span(0, 6, 0.9), Span(6, 10, 0.1)), 0.1, 0.9)] == [
        "One.",
        "\n\n",
        "Two.",
    ]


def test_a_short_passage_is_shown_whole_without_dots() -> None:
    start, end = snippet_range(TEXT, SPANS)

    assert "".join(one.text for one in clip(split_by_heat(TEXT, SPANS, 0.1, 0.9), start, end)) == TEXT


def test_an_empty_passage_gives_no_piece() -> None:
    assert split_by_heat("", (), 0.0, 0.0) == ()
    assert clip((), *snippet_range("", ())) == ()
