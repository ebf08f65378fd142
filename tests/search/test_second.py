"""The second stage's order, blend, cut and movement."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from results import candidate, result

from rerank.scorer import Scored
from search import second
from search.result import movement, to_dict
from search.second import blended_ranks, blended_scores
from search.settings import SearchSettings


def ranks(found: object) -> list[int]:
    return [one.candidate.rank for one in found.ranked]  # type: ignore[attr-defined]


def test_the_second_stage_orders_by_score_and_ties_keep_the_first_order() -> None:
    found = result([0.1, 0.9, 0.1, 0.5])
    assert ranks(found) == [2, 4, 1, 3]
    assert [one.rank for one in found.ranked] == [1, 2, 3, 4]


def test_movement_is_said_in_words() -> None:
    found = result([0.1, 0.2, 0.3, 0.9])
    assert [movement(one, 3) for one in found.ranked] == ["new, up 3", "up 1", "down 1", "down 3"]
    assert movement(result([0.9]).ranked[0], 3) == "same"


def test_a_blend_changes_the_order_but_keeps_the_second_stages_own_rank() -> None:
    found = result([0.1, 0.2, 0.3, 0.9], blend=1.0)
    assert ranks(found) == [1, 2, 3, 4]
    assert [one.rerank_rank for one in found.ranked] == [4, 3, 2, 1]
    assert found.ranked[0].score == pytest.approx(0.1)


def test_a_blend_of_scores_sees_how_far_apart_they_are_and_one_of_ranks_does_not() -> None:
    first = tuple(replace(candidate(rank), fused=fused) for rank, fused in enumerate([9.0, 1.0, 0.9], start=1))
    scored = [Scored(logit=one, score=one) for one in (0.50, 0.51, 0.10)]
    by_scores = second.order(first, scored, 0.5, "scores")
    assert [one.candidate.rank for one in by_scores] == [1, 2, 3]
    assert [one.candidate.rank for one in second.order(first, scored, 0.4, "ranks")] == [2, 1, 3]
    assert [one.rerank_rank for one in by_scores] == [2, 1, 3]


def test_the_cut_comes_last_and_is_counted() -> None:
    found = result([0.1, 0.9, 0.6, 0.5], SearchSettings(top_n=3, cutoff=0.55))
    assert found.cut == 2
    assert [one.candidate.rank for one in found.top] == [2, 3]
    assert [one.rank for one in found.ranked] == [1, 2, 3, 4]


def test_the_cut_looks_at_the_second_stages_score_even_when_stages_are_blended() -> None:
    found = result([0.1, 0.9, 0.8], SearchSettings(top_n=3, cutoff=0.5), blend=1.0)
    assert [one.candidate.rank for one in found.top] == [2, 3]


def test_a_result_is_plain_json() -> None:
    plain = json.loads(json.dumps(to_dict(result([0.1, 0.9]))))
    assert plain["ranked"][0]["moved"] == 1
    assert plain["ranked"][0]["movement"] == "up 1"
    assert plain["top"] == [one["candidate"]["chunk"]["id"] for one in plain["ranked"]]


def test_a_blend_of_zero_is_the_second_stage_and_of_one_the_first() -> None:
    before, after = [1, 2, 3], [3, 1, 2]
    found = blended_ranks(before, after, 0.0)
    assert found == [pytest.approx(1 / 63), pytest.approx(1 / 61), pytest.approx(1 / 62)]
    found = blended_ranks(before, after, 1.0)
    assert found == [pytest.approx(1 / 61), pytest.approx(1 / 62), pytest.approx(1 / 63)]
    assert blended_ranks(before, after, 0.5)[1] == pytest.approx((1 / 62 + 1 / 61) / 2)


def test_blended_scores_are_standardised_first() -> None:
    before, after = [10.0, 20.0, 30.0], [0.3, 0.1, 0.2]
    root = 1.5**0.5  # 1 / deviation of three equally spaced values, in steps
    assert blended_scores(before, after, 0.0) == pytest.approx([root, -root, 0.0])
    assert blended_scores(before, after, 1.0) == pytest.approx([-root, 0.0, root])
    assert blended_scores(before, after, 0.25) == pytest.approx([0.5 * root, -0.75 * root, 0.25 * root])


def test_a_blend_with_equal_scores_leaves_the_other_stage_alone() -> None:
    assert blended_scores([5.0, 5.0], [1.0, 2.0], 0.5) == pytest.approx([-0.5, 0.5])
    assert blended_scores([], [], 0.5) == []
