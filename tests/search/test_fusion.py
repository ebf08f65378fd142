"""Fusion against numbers worked by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from indexer.chunk import Hit
from search import fusion


def hits(*scored: tuple[str, float]) -> list[Hit]:
    return [Hit(name, rank, score) for rank, (name, score) in enumerate(scored, start=1)]


def test_reciprocal_rank_adds_one_over_sixty_plus_rank() -> None:
    dense = hits(("a", 0.9), ("b", 0.8), ("c", 0.1))
    sparse = hits(("c", 7.0), ("a", 5.0))
    fused = dict(fusion.reciprocal_rank((dense, sparse)))
    assert fused["a"] == pytest.approx(float(Fraction(1, 61) + Fraction(1, 62)))
    assert fused["b"] == pytest.approx(float(Fraction(1, 62)))
    assert fused["c"] == pytest.approx(float(Fraction(1, 63) + Fraction(1, 61)))


def test_reciprocal_rank_orders_ties_by_best_rank_then_id() -> None:
    fused = fusion.reciprocal_rank((hits(("b", 1.0)), hits(("a", 1.0))))
    assert [name for name, _ in fused] == ["a", "b"]


def test_weights_scale_a_list() -> None:
    fused = dict(fusion.reciprocal_rank((hits(("a", 1.0)), hits(("b", 1.0))), weights=(0.25, 0.75)))
    assert fused == {"a": pytest.approx(0.25 / 61), "b": pytest.approx(0.75 / 61)}


def test_weighted_scales_from_the_theoretical_minimum() -> None:
    dense = hits(("a", 0.5), ("b", 0.2))
    sparse = hits(("b", 8.0), ("c", 2.0))
    fused = dict(fusion.weighted(dense, sparse, 0.25))
    assert fused["a"] == pytest.approx(0.75)
    assert fused["b"] == pytest.approx(0.75 * 1.2 / 1.5 + 0.25)
    assert fused["c"] == pytest.approx(0.25 * 2 / 8)


def test_weighted_keeps_a_single_hit_and_survives_scores_at_the_floor() -> None:
    assert fusion.weighted(hits(("a", 0.3)), [], 0.5) == [("a", 0.5)]
    assert fusion.weighted([], hits(("a", 0.0), ("b", -1.0)), 0.5) == [("a", 0.0), ("b", 0.0)]


def test_standard_takes_rounding_for_what_it_is() -> None:
    assert fusion.standard([0.1 + 0.2, 0.3, 0.3]) == [0.0, 0.0, 0.0]
    assert fusion.standard([1e-12, 3e-12]) == [0.0, 0.0]


def test_standardised_fills_what_a_list_lacks_with_its_lowest_score() -> None:
    dense = hits(("a", 0.5), ("b", 0.1))
    sparse = hits(("b", 8.0), ("c", 2.0))
    fused = dict(fusion.standardised(dense, sparse, 0.25))
    cosine = fusion.standard([0.5, 0.1, 0.1])
    lexical = fusion.standard([2.0, 8.0, 2.0])
    for place, name in enumerate("abc"):
        assert fused[name] == pytest.approx(0.75 * cosine[place] + 0.25 * lexical[place])
    assert [name for name, _ in fusion.standardised(dense, sparse, 0.25)] == ["a", "b", "c"]


def test_standardised_survives_an_empty_list_and_a_single_hit() -> None:
    assert fusion.standardised([], [], 0.3) == []
    assert fusion.standardised(hits(("a", 0.3)), [], 0.3) == [("a", 0.0)]
    assert [name for name, _ in fusion.standardised([], hits(("a", 3.0), ("b", 1.0)), 0.3)] == ["a", "b"]
