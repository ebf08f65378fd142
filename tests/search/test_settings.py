"""What a search can be asked for, and how a wrong setting is refused."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from indexer.catalog.filters import Filters
from search.errors import BadQuery
from search.filters import FILTER_OPTIONS
from search.settings import SearchSettings, setting_fields


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"candidates": 0}, "candidates must be between 1 and 200, not 0."),
        ({"candidates": 201}, "candidates must be between 1 and 200, not 201."),
        ({"candidates": None}, "candidates must be between 1 and 200, not None."),
        ({"top_n": 0}, "top_n must be at least 1, not 0."),
        ({"blend": 1.1}, "blend must be between 0 and 1, not 1.1."),
        ({"sparse_weight": float("nan")}, "sparse_weight must be between 0 and 1, not nan."),
        ({"fusion": "sum"}, "fusion must be zscore, weighted or rrf, not sum."),
        ({"sparse": "lucene"}, "sparse must be qdrant or rank-bm25, not lucene."),
        ({"blend_by": "votes"}, "blend_by must be scores or ranks, not votes."),
        ({"filters": Filters(since="soon")}, "since is an ISO 8601 date or time such as 2026-01-31, not 'soon'."),
    ],
)
def test_each_wrong_setting_is_one_sentence(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadQuery) as refused:
        replace(SearchSettings(), **change).check()
    assert str(refused.value) == sentence


def test_the_defaults_and_the_ends_of_every_range_are_taken() -> None:
    SearchSettings().check()
    for one in setting_fields().values():
        for value in (one.option.low, one.option.high, one.option.start, *(one.option.slider or ())[:2], *one.choices):
            if value is not None:
                replace(SearchSettings(), **{one.name: value}).check()


def test_words_say_every_choice_and_range_and_are_there_for_every_field() -> None:
    assert list(setting_fields()) == [one.name for one in fields(SearchSettings)]
    assert list(FILTER_OPTIONS) == [one.name for one in fields(Filters)]
    for option in (*(one.option for one in setting_fields().values()), *FILTER_OPTIONS.values()):
        assert option.label
        assert option.help.endswith(".")
    for one in setting_fields().values():
        assert all(choice in one.option.help for choice in one.choices)
        assert set(one.option.choices) == set(one.choices)
        if one.option.high is not None:
            assert f"{one.option.low:g} to {one.option.high:g}" in one.option.help
