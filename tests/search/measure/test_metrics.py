"""Metrics against examples worked by hand."""

from __future__ import annotations

import math

import pytest

from search.measure import metrics

QRELS = {"q1": {"a": 3, "b": 1, "c": 0}, "q2": {"d": 1}, "q3": {"e": 0}}


def test_ndcg_takes_the_grade_as_gain_and_counts_documents_that_were_not_returned() -> None:
    run = {"q1": {"b": 3.0, "c": 2.0, "a": 1.0}}
    ideal = 3 / math.log2(2) + 1 / math.log2(3)
    got = 1 / math.log2(2) + 3 / math.log2(4)
    assert metrics.per_query(run, QRELS)["ndcg@10"]["q1"] == pytest.approx(got / ideal)


def test_binary_measures_follow_the_smallest_relevant_grade() -> None:
    run = {"q1": {"b": 3.0, "c": 2.0, "a": 1.0}, "q2": {"x": 1.0}}
    loose, strict = metrics.per_query(run, QRELS), metrics.per_query(run, QRELS, relevant=2)
    assert loose["mrr@10"] == {"q1": 1.0, "q2": 0.0}
    assert strict["mrr@10"] == {"q1": pytest.approx(1 / 3)}
    assert loose["map"]["q1"] == pytest.approx((1 + 2 / 3) / 2)
    assert loose["recall@100"]["q1"] == 1.0
    assert loose["hit@5"] == {"q1": 1.0, "q2": 0.0}


def test_a_query_that_the_run_lacks_counts_zero_and_an_unanswerable_one_does_not_count() -> None:
    values = metrics.per_query({"q1": {"a": 1.0}}, QRELS)["mrr@10"]
    assert values == {"q1": 1.0, "q2": 0.0}
    assert metrics.mean(values) == 0.5


def test_the_interval_holds_the_mean_and_narrows_with_more_queries() -> None:
    few = {str(i): float(i % 2) for i in range(20)}
    many = {str(i): float(i % 2) for i in range(2000)}
    (low, high), (tight_low, tight_high) = metrics.interval(few), metrics.interval(many)
    assert low < 0.5 < high
    assert tight_high - tight_low < (high - low) / 5


def test_the_paired_test_tells_a_real_difference_from_none() -> None:
    base = {str(i): 0.1 * (i % 7) for i in range(60)}
    better = metrics.compare({query: value + 0.05 for query, value in base.items()}, base)
    same = metrics.compare(base, base)
    assert (better.wins, better.ties, better.losses) == (60, 0, 0)
    assert better.p < 0.01
    assert same.p == 1.0
    assert same.ties == 60


def test_the_randomisation_test_agrees_with_all_sign_flips_counted_by_hand() -> None:
    # Gaps 1, 1, 1: of the 8 sign patterns only +++ and --- are as extreme, so p is 2 / 8.
    p = metrics.compare(dict.fromkeys("abc", 1.0), dict.fromkeys("abc", 0.0)).p
    assert p == pytest.approx(0.25, abs=0.04)


def test_a_ranking_becomes_a_run_without_ties_and_without_duplicates() -> None:
    assert metrics.to_run({"q": "aba", "none": ()}) == {"q": {"a": 0.0, "b": -1.0}, "none": {}}
