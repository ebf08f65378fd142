import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerank.errors import BadInput
from rerank.windows import combine, windows, winner


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (0, [(0, 0)]),
        (1, [(0, 1)]),
        (1012, [(0, 1012)]),
        (1013, [(0, 1012), (1, 1013)]),
        (1944, [(0, 1012), (932, 1944)]),
        (1945, [(0, 1012), (932, 1944), (933, 1945)]),
        (2500, [(0, 1012), (932, 1944), (1488, 2500)]),
    ],
)
def test_windows_follow_the_published_rule(n: int, expected: list[tuple[int, int]]) -> None:
    # max_length 1024, ten query ids, two separators: 1012 tokens of passage; the cases are worked by hand
    assert windows(n, 1012, 80) == expected


def test_the_overlap_is_at_most_a_quarter_of_the_window() -> None:
    assert windows(13, 8, 80) == [(0, 8), (5, 13)]
    assert windows(15, 8, 80) == [(0, 8), (6, 14), (7, 15)]


@given(st.integers(0, 3000), st.integers(1, 300), st.integers(-5, 200))
def test_windows_cover_every_token_and_never_exceed_the_width(n: int, width: int, overlap: int) -> None:
    found = windows(n, width, overlap)
    assert found[0][0] == 0
    assert found[-1][1] == n
    assert all(0 <= end - start <= width for start, end in found)
    assert all(after[0] <= before[1] for before, after in itertools.pairwise(found))
    assert all(after[0] > before[0] and after[1] > before[1] for before, after in itertools.pairwise(found))
    if n > width:
        assert all(end - start == width for start, end in found)


def test_a_window_without_room_is_refused() -> None:
    with pytest.raises(BadInput, match="max_query_length"):
        windows(5, 0, 80)


def test_a_passage_scores_as_its_best_window_or_the_mean_of_its_best_two() -> None:
    assert combine([0.1, 0.9, 0.5], "max") == 0.9
    assert combine([0.1, 0.9, 0.5], "mean2") == pytest.approx(0.7)
    assert combine([0.3], "mean2") == 0.3


def test_the_earlier_of_two_equal_windows_wins() -> None:
    assert winner([0.1, 0.9, 0.9]) == 1
