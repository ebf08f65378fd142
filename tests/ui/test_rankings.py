from dataclasses import replace

import pytest
from page_engine import make_candidate, make_result

from search.result import Result
from search.settings import SearchSettings
from ui.rankings import compare, score_share, term_bars


def small(scores: list[float], **settings: object) -> Result:
    first = [make_candidate(rank) for rank in range(1, len(scores) + 1)]
    return make_result(settings=SearchSettings(**{"top_n": 2, **settings}), first=first, scores=scores)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("page", "line", "said"),
    [
        (None, None, "passage 2"),
        (3, None, "page 3 \N{MIDDLE DOT} passage 2"),
        (None, 1200, "line 1,200 \N{MIDDLE DOT} passage 2"),
    ],
)
def test_a_passage_says_where_it_begins_as_far_as_that_is_known(page: int | None, line: int | None, said: str) -> None:
    one = make_candidate(1)
    one = replace(one, chunk=replace(one.chunk, page=page, line=line, ordinal=1))

    assert compare(make_result(first=[one], scores=[0.5])).before[0].place_in_file == said


def test_the_headings_are_shown_without_the_title_that_stands_above_them() -> None:
    one = make_candidate(1, title="Manual")
    shown = {
        context: compare(make_result(first=[replace(one, chunk=replace(one.chunk, context=context))], scores=[0.5]))
        .before[0]
        .headings
        for context in ("", "Manual", "Manual > Brakes > T4", "Manuals > T4")
    }

    assert list(shown.values()) == ["", "", "Brakes > T4", "Manuals > T4"]


def test_each_side_keeps_its_own_order_and_the_same_passage_has_the_same_key() -> None:
    sides = compare(small([0.1, 0.3, 0.9]))

    assert [one.key for one in sides.before] == ["p1", "p2"]
    assert [one.key for one in sides.after] == ["p3", "p2"]
    assert [one.place for one in sides.after] == [1, 2]


def test_a_passage_from_outside_the_first_top_n_is_new_and_what_it_displaced_is_dropped() -> None:
    sides = compare(small([0.1, 0.3, 0.9]))

    assert (sides.after[0].move.direction, sides.after[0].move.words) == ("new", "new, up 2")
    assert [(one.key, one.place, one.move.words) for one in sides.dropped] == [("p1", 3, "dropped to 3")]
    assert [one.move.words for one in sides.before] == ["dropped to 3", "same"]


def test_ties_keep_the_first_stage_order_and_nothing_moves() -> None:
    sides = compare(small([0.5, 0.5, 0.5]))

    assert [one.key for one in sides.after] == ["p1", "p2"]
    assert {one.move.direction for one in (*sides.before, *sides.after)} == {"same"}
    assert sides.dropped == ()


def test_a_passage_below_the_cut_off_is_called_cut_not_dropped() -> None:
    sides = compare(small([0.1, 0.9, 0.8], cutoff=0.5))

    assert [one.key for one in sides.after] == ["p2", "p3"]
    assert [(one.key, one.move.direction) for one in sides.dropped] == [("p1", "cut")]


def test_all_two_hundred_candidates_are_listed_in_final_order() -> None:
    sides = compare(make_result(settings=SearchSettings(candidates=200, top_n=50)))

    assert [one.place for one in sides.everyone] == list(range(1, 201))
    assert {one.candidate.rank for one in sides.everyone} == set(range(1, 201))
    assert len(sides.before) == len(sides.after) == 50


def test_without_candidates_every_list_is_empty() -> None:
    sides = compare(make_result(first=[], scores=[]))

    assert sides.before == sides.after == sides.dropped == sides.everyone == ()


def test_the_score_bar_lies_within_the_scorers_range() -> None:
    assert score_share(0.0, (-1.0, 1.0)) == 0.5
    assert score_share(7.0, (0.0, 1.0)) == 1.0
    assert score_share(float("nan"), (0.0, 1.0)) == 0.0
    assert score_share(0.5, (1.0, 1.0)) == 0.0


def test_fused_scores_fill_their_bars_when_there_is_no_second_stage() -> None:
    sides = compare(small([0.02, 0.01, 0.005], scorer="none"))

    assert [one.share for one in sides.after] == [1.0, 0.5]


def test_term_bars_are_relative_to_the_largest() -> None:
    assert [one.share for one in term_bars((("pump", 4.0), ("dry", 1.0)))] == [1.0, 0.25]
    assert [one.share for one in term_bars((("the", 0.0),))] == [0.0]
