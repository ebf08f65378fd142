"""Reports, their curves and their JSON against examples worked by hand and the files that are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from measured import QRELS, GivenScorer, chunk, gathered

from search.measure.curves import CandidatePoint, CutoffPoint, candidate_curve, curves, cutoff_curve
from search.measure.evaluation import Gathered, SecondStage, from_candidates
from search.measure.metrics import PairedTest
from search.measure.report import Report, missed, systems, to_dict
from search.measure.tuning import tuning

KEPT = Path(__file__).parents[3] / "data" / "bench" / "eval-sample.json"


def test_systems_have_means_intervals_and_a_paired_test_against_the_first_stage() -> None:
    first, alone, blended = systems(gathered(), QRELS)
    assert [one.name for one in (first, alone, blended)] == [
        "first",
        "first + given",
        "first + given, blend 0.4",
    ]
    # first: b second of three, d first, nothing: (1/2 + 1 + 0) / 3; alone: b first, d second; blended: both first
    assert [one.means["mrr@10"] for one in (first, alone, blended)] == [0.5, 0.5, 0.6667]
    assert blended.intervals["mrr@10"] == (0.0, 1.0)
    # nDCG of a lone relevant document at rank 2 is 1 / log2(3), .6309: the mean gap is .3691 / 3, and with one gap
    # that is not 0 every pattern of signs is as extreme
    assert blended.against == PairedTest(difference=0.123, p=1.0, wins=1, ties=2, losses=0)
    assert alone.against == PairedTest(difference=0.0, p=1.0, wins=1, ties=1, losses=1)
    assert {one.baseline for one in (first, alone, blended)} == {"first"}


def test_a_missed_floor_is_a_sentence() -> None:
    *_, blended = systems(gathered(), QRELS)
    assert missed(blended, {"mrr@10": 0.6667, "hit@3": 0.5}) == []
    assert missed(blended, {"mrr@10": 0.7}) == ["mrr@10 of first + given, blend 0.4 is 0.6667 and must be at least 0.7"]


def ladder(scores: list[float]) -> tuple[Gathered, SecondStage]:
    """A pass over one list of documents d0, d1, ... that get those scores."""
    stage = SecondStage("given", GivenScorer({f"d{place}": score for place, score in enumerate(scores)}))
    places = [(chunk(f"d{place}"), float(-place)) for place in range(len(scores))]
    return from_candidates({"q": places}, {"q": "which is it"}, [stage]), stage


def test_the_curve_of_candidates_sees_only_the_first_so_many() -> None:
    found, stage = ladder([0.5] * 15 + [0.9] + [0.5] * 4)
    assert candidate_curve(found, stage, 0.0, {"q": {"d15": 1}}) == (
        CandidatePoint(10, 0.0, 10.0),  # the relevant one is the sixteenth; half of 20 ms
        CandidatePoint(20, 1.0, 20.0),
    )


def test_the_curve_of_the_cutoff_counts_what_stays() -> None:
    found, stage = ladder([0.0, 0.5, 0.75, 1.0])
    assert cutoff_curve(found, stage, {"q": {"d0": 1, "d2": 1, "d3": 1}}, steps=2) == (
        CutoffPoint(0.0, 4, 0.75, 1.0),
        CutoffPoint(0.5, 3, 0.6667, 0.6667),
        CutoffPoint(1.0, 1, 1.0, 0.3333),
    )


def test_nothing_scored_gives_empty_curves() -> None:
    found, stage = ladder([])
    assert (candidate_curve(found, stage, 0.0, {"q": {"d0": 1}}), cutoff_curve(found, stage, {"q": {}})) == (
        (),
        (),
    )


def shape(value: Any) -> Any:
    """The keys of a JSON value, in order, with the names left out; a list by its first."""
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return [(key, shape(one)) for key, one in value.items()] if isinstance(value, dict) else None


def one_of(report: dict[str, Any]) -> dict[str, Any]:
    """A report with one of its systems and one of its models' curves, without their names."""
    cut = {**report, "unread": {}, "milliseconds": {}, "systems": [*report["systems"].values()]}
    return {**cut, "curves": [*report["curves"].values()]} if "curves" in report else cut


@pytest.mark.parametrize("asked", [True, False])
def test_the_json_of_a_report_has_the_keys_of_the_files_that_are_kept(*, asked: bool) -> None:
    found = gathered()
    deep, stage = ladder([0.1 * place for place in range(10)])
    report = Report(
        dataset="sample",
        split="test",
        first_stage="hybrid",
        candidates=100,
        fusion="zscore",
        blend_by="scores",
        queries=3,
        systems=systems(found, QRELS),
        unread=found.unread,
        foreign=found.foreign,
        milliseconds=found.milliseconds,
        curves={"given": curves(deep, stage, {"q": {"d0": 1}})} if asked else None,
        tuning=tuning(found, QRELS) if asked else None,
    )
    made = json.loads(json.dumps(to_dict(report)))
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    if asked:
        assert made.pop("tuning") == {
            "fusions": [],
            "blends": {"given": [{"blend": one, "ndcg@10": value} for one, value in TUNED]},
        }
    else:
        del kept["curves"]
    assert shape(one_of(made)) == shape(one_of(kept))
    assert list(made["systems"]) == ["first", "first + given", "first + given, blend 0.4"]
    assert (made["unread"], made["milliseconds"]) == ({"given": 1}, {"given": 20.0})


ONLY_Q1, ONLY_Q2, BOTH = 0.5436, 0.5436, 0.6667
"""Mean nDCG@10 where the relevant one is first for q1 alone, for q2 alone, for both; second otherwise: 1.6309 / 3."""
TUNED = [
    *((share, ONLY_Q1) for share in (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)),
    (0.5, BOTH),
    *((share, ONLY_Q2) for share in (0.7, 1.0)),
]
