"""Filters as a person types them, and as they are said back."""

from __future__ import annotations

import pytest

from indexer.catalog.filters import Filters
from indexer.errors import BadName
from indexer.ingest.plan import check_name
from search.filters import NO_COLLECTION, in_words, typed


def test_blank_fields_ask_for_nothing_and_the_others_are_trimmed() -> None:
    assert typed("", " ", None, "", "").empty
    assert typed(None, " *.pdf ", "pdf", "", "2026-01-31") == Filters(None, "*.pdf", "pdf", None, "2026-01-31")


def test_no_collection_can_be_asked_for_and_is_no_collections_name() -> None:
    assert typed(NO_COLLECTION, "", "", "", "") == Filters("")
    with pytest.raises(BadName):
        check_name(NO_COLLECTION)


def test_each_filter_is_said_in_words() -> None:
    assert in_words(None) == in_words(Filters()) == ()
    assert in_words(Filters("papers", "*.pdf", "pdf", "2026-01-01", "2026-01-31")) == (
        "in collection papers",
        "path *.pdf",
        "type pdf",
        "changed since 2026-01-01",
        "changed until 2026-01-31",
    )
    assert in_words(Filters("")) == ("in no collection",)
