from dataclasses import replace
from typing import Any

from page_engine import PageEngine, document

from search.filters import NO_COLLECTION
from search.settings import SearchSettings
from ui.events import Handlers

ASKED = SearchSettings(scorer="bundled", fusion="rrf"), "ranked", 2048


def skipped(update: Any) -> bool:
    return isinstance(update, dict) and set(update) == {"__type__"}


def test_collections_and_types_are_offered_with_their_counts_and_a_choice_that_is_gone_falls_back() -> None:
    rows = [document("a.md", collection="papers"), document("b.pdf", kind="pdf"), document("c.md")]
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
    visit = handlers.search("q", *ASKED)[0]
    again, html, _ = handlers.change_top_n(visit, 3, "ranked", 2048)

    assert len(engine.asked) == 1
    assert len(again.result.top) == 3
    assert "Dropped out of the top 3" in html
    assert len(visit.result.top) == 10


def test_top_n_before_any_search_changes_nothing() -> None:
    assert all(skipped(one) for one in Handlers(PageEngine(), ()).change_top_n(None, 3, "ranked", 2048))  # type: ignore[arg-type]


def test_a_refused_query_shows_its_sentence_and_leaves_the_last_result() -> None:
    visit, trouble, html, prompts = Handlers(PageEngine(), ()).search(" ", *ASKED)  # type: ignore[arg-type]

    assert "The query is empty" in trouble
    assert skipped(visit)
    assert skipped(html)
    assert skipped(prompts)


def test_a_prompt_that_does_not_fit_is_explained_in_place_of_the_prompts() -> None:
    handlers = Handlers(PageEngine(), ())  # type: ignore[arg-type]
    visit = handlers.search("q", *ASKED)[0]

    assert "raise the budget" in handlers.change_prompt(visit, "ranked", 10)
    assert "2,048 tokens" in handlers.change_prompt(visit, "ranked", 2048)
