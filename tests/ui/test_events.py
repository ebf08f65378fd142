from dataclasses import replace
from typing import Any

from page_engine import Document, PageEngine

from indexer.catalog.filters import Filters
from search.filters import NO_COLLECTION
from search.result import SearchSettings
from ui.events import AS_MEASURED, Handlers

PLAIN: Any = (100, 10, "bundled", "rrf", AS_MEASURED, 0.3, "qdrant", AS_MEASURED, 0.5, False, 0.7, True)
PLAIN += ("", "", "", "", "", "ranked", 2048)


def skipped(update: Any) -> bool:
    return isinstance(update, dict) and set(update) == {"__type__"}


def test_the_controls_become_the_settings_of_the_search() -> None:
    engine = PageEngine()
    given: Any = (150, 7, "none", "weighted", "by hand", 0.4, "rank-bm25", "by hand", 0.2, True, 0.35, False)
    given += ("papers", " notes/*.md ", "pdf", "2026-01-31", "", "ranked", 2048)
    Handlers(engine, ()).search("q", *given)  # type: ignore[arg-type]

    filters = Filters("papers", "notes/*.md", "pdf", "2026-01-31", None)
    expected = SearchSettings(150, 7, "none", "weighted", "rank-bm25", 0.4, 0.2, 0.35, filters=filters, collapse=False)
    assert engine.asked == [("q", expected)]


def test_shares_as_measured_and_no_cut_are_left_to_the_engine() -> None:
    engine = PageEngine()
    Handlers(engine, ()).search("q", *PLAIN)  # type: ignore[arg-type]

    asked = engine.asked[0][1]
    assert (asked.sparse_weight, asked.blend, asked.cutoff) == (None, None, None)
    assert asked.filters is None


def test_collections_and_types_are_offered_with_their_counts_and_a_choice_that_is_gone_falls_back() -> None:
    rows = [Document("a.md", collection="papers"), Document("b.pdf", kind="pdf"), Document("c.md")]
    handlers = Handlers(PageEngine(rows=rows), ())  # type: ignore[arg-type]
    collection, kind = handlers.filter_choices("papers", "epub")

    assert collection["choices"] == [("All", ""), ("papers (1)", "papers"), ("No collection (2)", NO_COLLECTION)]
    assert (collection["value"], collection["visible"]) == ("papers", True)
    assert kind["choices"] == [("All", ""), ("markdown (2)", "markdown"), ("pdf (1)", "pdf")]
    assert kind["value"] == ""
    assert handlers.filter_choices(NO_COLLECTION, "")[0]["value"] == NO_COLLECTION
    everywhere = Handlers(PageEngine(rows=[replace(one, collection="papers") for one in rows]), ())  # type: ignore[arg-type]
    assert everywhere.filter_choices(NO_COLLECTION, "")[0]["value"] == ""
    assert not Handlers(PageEngine(), ()).filter_choices("papers", "")[0]["visible"]  # type: ignore[arg-type]


def test_another_top_n_is_shown_without_another_search() -> None:
    engine = PageEngine()
    handlers = Handlers(engine, ())  # type: ignore[arg-type]
    visit = handlers.search("q", *PLAIN)[0]
    again, html, _ = handlers.change_top_n(visit, 3, "ranked", 2048)

    assert len(engine.asked) == 1
    assert len(again.result.top) == 3
    assert "Dropped out of the top 3" in html
    assert len(visit.result.top) == 10


def test_top_n_before_any_search_changes_nothing() -> None:
    assert all(skipped(one) for one in Handlers(PageEngine(), ()).change_top_n(None, 3, "ranked", 2048))  # type: ignore[arg-type]


def test_a_refused_query_shows_its_sentence_and_leaves_the_last_result() -> None:
    visit, trouble, html, prompts = Handlers(PageEngine(), ()).search(" ", *PLAIN)  # type: ignore[arg-type]

    assert "The query is empty" in trouble
    assert skipped(visit)
    assert skipped(html)
    assert skipped(prompts)


def test_a_prompt_that_does_not_fit_is_explained_in_place_of_the_prompts() -> None:
    handlers = Handlers(PageEngine(), ())  # type: ignore[arg-type]
    visit = handlers.search("q", *PLAIN)[0]

    assert "raise the budget" in handlers.change_prompt(visit, "ranked", 10)
    assert "2,048 tokens" in handlers.change_prompt(visit, "ranked", 2048)
