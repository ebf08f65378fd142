"""One pass over queries, and the rankings read from it, against examples worked by hand."""

from __future__ import annotations

import pytest
from measured import SCORES, GivenIndex, GivenScorer, gathered

from search.measure.evaluation import Gathered, SecondStage, from_index
from search.measure.metrics import to_run
from search.measure.rankings import reranked, runs, system
from search.measure.tuning import MIXES, tuning
from search.settings import SearchSettings


def over_an_index(told: list[tuple[int, int]] | None = None) -> Gathered:
    """A pass over that index with one second stage and every mix."""
    stage = SecondStage("given", GivenScorer(SCORES))
    progress = None if told is None else lambda done, total: told.append((done, total))
    return from_index(GivenIndex(), {"q": "which is it"}, [stage], SearchSettings(), progress, mixes=MIXES)


def test_every_system_has_a_run_and_a_query_without_candidates_an_empty_one() -> None:
    assert runs(gathered()) == {
        "first": to_run({"q1": "abc", "q2": "de", "q3": ""}),
        # q1 by .9, .5, .1; q2 by .8, .2
        "first + given": to_run({"q1": "bca", "q2": "ed", "q3": ""}),
        # q1: z of the list 1.22, 0, -1.22 and of the scores -1.22, 1.22, 0: a -.24, b .73, c -.49.
        # q2 is not in letters that the scorer reads, so its list stands.
        "first + given, blend 0.4": to_run({"q1": "bac", "q2": "de", "q3": ""}),
    }


def test_a_blend_that_is_not_the_measured_one_is_the_same_for_every_query() -> None:
    found = gathered()
    (stage,) = found.stages
    # q2: z of the list 1, -1 and of the scores -1, 1: with 30 % of the first, d -.4 and e .4
    assert reranked(found, stage, 0.3)["q2"] == {"e": 0.0, "d": -1.0}
    assert reranked(found, stage, 0.4)["q2"] == {"d": 0.0, "e": -1.0}


def test_the_first_candidates_are_put_into_the_order_that_they_would_have_alone() -> None:
    found = gathered()
    (stage,) = found.stages
    # z of a, b alone: list 1, -1, scores -1, 1; with 40 % of the first a -.2, b .2
    assert reranked(found, stage, 0.4, first=2)["q1"] == {"b": 0.0, "a": -1.0}


def test_a_pass_counts_what_no_model_reads_and_takes_the_mean_time_of_those_that_ran() -> None:
    found = gathered()
    assert found.unread == {"given": 1}
    assert found.foreign == 0
    assert found.milliseconds == {"given": pytest.approx(20.0)}


def test_an_index_is_asked_once_for_all_its_systems() -> None:
    told: list[tuple[int, int]] = []
    found = over_an_index(told)
    assert runs(found) == {
        "bm25": to_run({"q": "ca"}),
        "dense": to_run({"q": "ab"}),
        # 30 % BM25. z of the cosines .9, .5, .5, .5 over a, b, c0, c1: 1.73, -.58, -.58, -.58;
        # of BM25 1, 1, 3, 3: -1, -1, 1, 1. So a .91, b -.70, c -.10.
        "hybrid": to_run({"q": "acb"}),
        # .9, .5, .1
        "hybrid + given": to_run({"q": "bca"}),
    }
    assert told == [(1, 1)]
    assert found.unread == {"dense": 0, "given": 0}
    assert list(found.milliseconds) == ["bm25", "dense", "given"]


def test_tuning_holds_every_mix_and_every_blend() -> None:
    found = tuning(over_an_index(), {"q": {"c": 1}})
    assert [(one.fusion, one.sparse_weight) for one in found.fusions] == list(MIXES)
    fused = {(one.fusion, one.sparse_weight): one.ndcg for one in found.fusions}
    assert fused["zscore", 1.0] == 1.0
    second_of_three = 0.6309  # 1 / log2(3)
    assert fused["zscore", 0.3] == fused["rrf", 0.3] == second_of_three
    blends = {one.blend: one.ndcg for one in found.blends["given"]}
    assert blends[0.0] == second_of_three  # b, c, a
    assert blends[1.0] == second_of_three  # a, c, b


def test_a_system_is_named_by_its_stages_and_its_blend() -> None:
    assert system("hybrid", "given", 0.0) == "hybrid + given"
    assert system("first", "given", 0.25) == "first + given, blend 0.25"
