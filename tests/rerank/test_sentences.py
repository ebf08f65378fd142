# ruff: noqa: RUF001 - signs of other scripts are what is tested
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerank.sentences import at_most, sentences


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\t ", []),
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("No end", ["No end"]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("Dr. Smith met J. R. Jones et al. Later they left.", ["Dr. Smith met J. R. Jones et al. Later they left."]),
        ("Use a list, e.g. Fruit or vs. Bread. Fine.", ["Use a list, e.g. Fruit or vs. Bread.", "Fine."]),
        ("Pi is 3.14 or 3. 5 is not. See Fig. 2. Done.", ["Pi is 3.14 or 3.", "5 is not.", "See Fig. 2.", "Done."]),
        ("Version 1.2.3 of foo.bar() is out... Really.", ["Version 1.2.3 of foo.bar() is out...", "Really."]),
        ("Yahoo! is a name. So what?! Yes.", ["Yahoo! is a name.", "So what?!", "Yes."]),
        ("今日は雨です。明日は？「晴れ。」そう！", ["今日は雨です。", "明日は？", "「晴れ。」", "そう！"]),
        ("यह एक वाक्य है। दूसरा।", ["यह एक वाक्य है।", "दूसरा।"]),
        ("هل هذا سؤال؟ نعم هو كذلك.", ["هل هذا سؤال؟", "نعم هو كذلك."]),
        ("First paragraph without stop\n\nSecond one", ["First paragraph without stop", "Second one"]),
        ("Title\nThe text begins. It ends.", ["Title", "The text begins.", "It ends."]),
        ("- one thing\n- another\n* third", ["- one thing", "- another", "* third"]),
        ("1. First step\n2. Second step", ["1. First step", "2. Second step"]),
        ("def f(x):\n    return x\n", ["def f(x):", "return x"]),
        ("a\r\nb", ["a", "b"]),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert split(text) == expected


def test_a_wrapped_line_goes_on_and_a_wrapped_list_item_too() -> None:
    text = (
        "The annotations of a function are evaluated when the function\n"
        "is defined. This document proposes to change that for all\n"
        "modules.\n"
        "\n"
        "- an item that is long enough to be wrapped at the right margin\n"
        "  and continues here\n"
        "- a short one\n"
    )
    assert split(text) == [
        "The annotations of a function are evaluated when the function\nis defined.",
        "This document proposes to change that for all\nmodules.",
        "- an item that is long enough to be wrapped at the right margin\n  and continues here",
        "- a short one",
    ]


SIGNS = st.text(alphabet=st.sampled_from('aA1 .!?…。！\n\r\t\u2028\u00a0-*#(")」e.g=;:{\ud800\x00'), max_size=120)


@given(st.one_of(SIGNS, st.text(max_size=200)))
def test_spans_are_ordered_disjoint_trimmed_and_cover_every_character_that_is_not_space(text: str) -> None:
    spans = sentences(text)
    covered = [place for start, end in spans for place in range(start, end)]
    assert covered == sorted(set(covered))
    assert {i for i, sign in enumerate(text) if not sign.isspace()} <= set(covered)
    assert all(start < end <= len(text) for start, end in spans)
    assert all(not text[start].isspace() and not text[end - 1].isspace() for start, end in spans)


@pytest.mark.parametrize(
    "text", ["." * 200_000, "a" * 200_000 + "(b. C", "e.g. " * 40_000, "a,\n" * 60_000, '"' * 200_000]
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    start = time.thread_time()  # work, not waiting: other processes do not count
    sentences(text)
    assert time.thread_time() - start < 10  # quadratic work on these takes minutes


@given(st.integers(0, 300), st.integers(1, 50))
def test_too_many_spans_are_joined_and_still_cover_the_text(count: int, most: int) -> None:
    spans = [(i * 3, i * 3 + 2) for i in range(count)]
    joined = at_most(spans, most)
    assert len(joined) <= most
    if spans:
        assert (joined[0][0], joined[-1][1]) == (spans[0][0], spans[-1][1])
        assert {start for start, _ in joined} <= {start for start, _ in spans}
