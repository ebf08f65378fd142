"""What the page's controls hold becomes the settings of a search."""

from __future__ import annotations

from typing import Any

import pytest

from indexer.catalog.filters import Filters
from search.errors import BadQuery
from search.filters import NO_COLLECTION
from search.settings import SearchSettings
from ui.controls import AS_MEASURED, BY_HAND, SettingControl, settings_of

NO_FILTERS = {"collection": "", "path": " ", "kind": None, "since": "", "until": ""}


def test_values_become_settings_by_name() -> None:
    values: dict[str, Any] = {
        "candidates": 150.0,
        "top_n": 7,
        "scorer": "none",
        "fusion": "weighted",
        "sparse_weight": 0.4,
        "sparse": "rank-bm25",
        "blend": 0.2,
        "cutoff": 0.35,
        "collapse": False,
    }
    filters = {"collection": "papers", "path": " notes/*.md ", "kind": "pdf", "since": "2026-01-31", "until": ""}
    found = settings_of(values, filters)

    assert found == SearchSettings(**values, filters=Filters("papers", "notes/*.md", "pdf", "2026-01-31", None))
    assert isinstance(found.candidates, int)


def test_blank_filters_and_no_scorer_ask_for_nothing() -> None:
    assert settings_of({"scorer": ""}, NO_FILTERS) == SearchSettings()
    alone = settings_of({}, {**NO_FILTERS, "collection": NO_COLLECTION})
    assert alone.filters == Filters(collection="")


@pytest.mark.parametrize(("mode", "read"), [(AS_MEASURED, None), (BY_HAND, 0.4), (False, None), (True, 0.4)])
def test_a_value_counts_only_where_it_is_set_by_hand(mode: object, read: object) -> None:
    control = SettingControl("value", "mode")
    given: dict[Any, Any] = {"value": 0.4, "mode": mode}
    assert control.read(given) == read
    assert SettingControl("value").read(given) == 0.4


def test_a_choice_that_there_is_not_is_refused_in_a_sentence() -> None:
    with pytest.raises(BadQuery, match=r"^fusion must be zscore, weighted or rrf, not sum\.$"):
        settings_of({"fusion": "sum"}, NO_FILTERS).check()
