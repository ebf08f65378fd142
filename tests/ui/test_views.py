from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from bs4 import BeautifulSoup
from page_engine import PageEngine, document, make_candidate, make_result

from indexer.catalog.filters import Filters
from indexer.report import FileOutcome, IngestProgress, IngestReport
from rerank.scorer import Span
from search import prompt
from search.result import Twin
from search.settings import SearchSettings
from ui import views

ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>\" onmouseover='alert(3)' {{7*7}} ${7*7} {% raw %}"


def parse(html: str) -> Any:
    """The tree; what a selection does not find fails the test that asks it something."""
    return BeautifulSoup(html, "html.parser")


def hostile_result() -> str:
    first = [make_candidate(rank, ATTACK, f"{ATTACK}.md", ATTACK) for rank in (1, 2)]
    first = [
        replace(
            one,
            terms=((ATTACK, 1.0),),
            chunk=replace(one.chunk, context=ATTACK),
            twins=(Twin(ATTACK, ATTACK, 0, 1.0),),
        )
        for one in first
    ]
    asked = SearchSettings(top_n=1, filters=Filters(ATTACK, ATTACK, ATTACK, ATTACK, ATTACK))
    found = make_result(ATTACK, asked, first, [0.1, 0.9], notes=(ATTACK,))
    spans = (Span(0, 30, 0.2), Span(30, 60, 0.9))
    found = replace(
        found, scorer=ATTACK, runtime=ATTACK, ranked=tuple(replace(one, spans=spans) for one in found.ranked)
    )
    return views.view_result(found)


def hostile_prompts() -> str:
    found = make_result(ATTACK, first=[make_candidate(1, ATTACK, ATTACK)], scores=[0.5])
    return views.view_prompts(prompt.render(found), prompt.render(found, ranked=False))


@pytest.mark.parametrize(
    "html",
    [
        hostile_result,
        hostile_prompts,
        lambda: views.view_trouble(ATTACK),
        lambda: views.view_documents([document(ATTACK, ATTACK, ATTACK, 0, ATTACK)], ATTACK),
        lambda: views.view_documents([document(ATTACK, ATTACK, ATTACK, 0, ATTACK)]),
        lambda: views.view_report(
            IngestReport(ATTACK, (FileOutcome(ATTACK, "failed", ATTACK), FileOutcome(ATTACK, "added")), 1.0)
        ),
        lambda: views.view_progress(IngestProgress("index", 1, 2, 3, 4.0, None, ATTACK, 1)),
        lambda: views.view_header(replace(PageEngine().state(), folders=(ATTACK,), runtime=ATTACK, notes=(ATTACK,))),
        lambda: views.view_about(PageEngine().state(), ((ATTACK, ATTACK, ATTACK),)),
        lambda: views.view_scorers([replace(PageEngine().scorers()[1], label=ATTACK, reason=ATTACK, licence=ATTACK)]),
    ],
)
def test_nothing_from_documents_or_queries_becomes_markup(html: Callable[[], str]) -> None:
    text = html()
    tree = parse(text)

    assert tree.find(["script", "img"]) is None
    assert not [name for tag in tree.find_all() for name in tag.attrs if name.startswith("on")]
    assert "{" not in text
    assert "}" not in text
    assert "alert(1)" in tree.get_text()


def test_the_head_names_the_end_of_a_folders_path_and_keeps_the_whole_in_reach() -> None:
    head = parse(views.view_header(replace(PageEngine().state(), folders=("/home/ada/papers/2026/",))))

    assert head.select_one(".sl-path").get_text() == "papers/2026"
    assert head.select_one(".sl-path")["title"] == "/home/ada/papers/2026/"


def test_both_rankings_and_what_dropped_are_listed_with_their_movement() -> None:
    first = [make_candidate(rank) for rank in range(1, 4)]
    tree = parse(views.view_result(make_result(settings=SearchSettings(top_n=2), first=first, scores=[0.1, 0.3, 0.9])))
    before = tree.select(".sl-before .sl-card")
    after = tree.select(".sl-after > ol:first-of-type > .sl-card")
    gone = tree.select(".sl-gone")

    assert [one.select_one(".sl-move").get_text(strip=True) for one in before] == ["dropped to 3", "same"]
    assert [one.select_one(".sl-move").get_text(strip=True) for one in after] == ["new, up 2", "same"]
    assert [one["data-passage"] for one in gone] == ["p1"]
    assert tree.select_one(".sl-minor").get_text() == "Dropped out of the top 2"


def test_an_opened_passage_states_rank_and_score_of_every_stage_and_each_sentence() -> None:
    tree = parse(views.view_result(make_result()))
    card = tree.select_one(".sl-after .sl-card")
    rows = {row.th.get_text(): row.get_text(" ", strip=True) for row in card.select(".sl-stages tbody tr")}

    assert list(rows) == ["BM25", "Dense", "Fused", "Second look", "Final"]
    assert "raw" in rows["Second look"]
    assert len(card.select(".sl-full mark")) == len(card.select(".sl-full .sl-sentence")) == 6
    assert [one.get_text() for one in card.select(".sl-terms dt")] == ["pump", "filter", "dry"]


def test_a_retriever_that_missed_a_passage_is_said_to_have_missed_it() -> None:
    first = [replace(make_candidate(1), sparse=None)]
    tree = parse(views.view_result(make_result(first=first, scores=[0.5])))

    assert tree.select_one(".sl-stages tbody tr").get_text(" ", strip=True) == "BM25 not found"


def test_window_truncation_and_cache_are_stated() -> None:
    found = make_result(first=[make_candidate(1)], scores=[0.5])
    found = replace(found, ranked=(replace(found.ranked[0], window=Span(0, 1200, 0.7), truncated=1, cached=True),))
    text = parse(views.view_result(found)).select_one(".sl-after").get_text()

    assert "characters 0 to 1,200 won with 0.700" in text
    assert "1 token at the end did not fit" in text
    assert "remembered from an earlier search" in text


def test_notes_cut_and_blend_are_visible() -> None:
    settings = SearchSettings(cutoff=0.5, blend=0.0, top_n=2)
    first = [make_candidate(rank) for rank in range(1, 4)]
    found = make_result(settings=settings, first=first, scores=[0.1, 0.9, 0.8], notes=("The query was cut.",))
    tree = parse(views.view_result(replace(found, blend=0.3)))

    assert "The query was cut." in tree.select_one(".sl-notes").get_text()
    assert "1 passage of 3 scored below the cut-off of 0.500" in tree.get_text()
    assert "blended with 30 % first stage" in tree.get_text()


def test_what_was_folded_is_counted_and_listed_where_it_went() -> None:
    first = [make_candidate(rank) for rank in range(1, 4)]
    first[0] = replace(first[0], twins=(Twin("a", "copies/a.md", 0, 1.0), Twin("b", "copies/b.md", 6, 0.8123)))
    first[2] = replace(first[2], twins=(Twin("c", "copies/c.md", 0, 0.9),))
    tree = parse(views.view_result(make_result(settings=SearchSettings(top_n=2), first=first, scores=[0.9, 0.8, 0.1])))

    said = tree.select_one(".sl-folded").get_text()
    assert said == "3 passages say the same as 2 better ones and are folded into them."
    for side in (".sl-before", ".sl-after"):
        card = tree.select_one(f"{side} .sl-card")
        assert card.select_one(".sl-twins summary").get_text().startswith("2 passages folded in")
        assert [one.bdi.get_text() for one in card.select(".sl-twins li")] == ["copies/a.md", "copies/b.md"]
        assert "passage 7, 81 % alike" in card.select(".sl-twins li")[1].get_text()
    hidden = tree.select(".sl-table tbody tr .sl-also")
    assert [(one.get_text(), one["title"]) for one in hidden] == [
        ("+2 the same", "copies/a.md, copies/b.md"),
        ("+1 the same", "copies/c.md"),
    ]


def test_nothing_folded_is_nothing_said() -> None:
    tree = parse(views.view_result(make_result()))
    assert not tree.select(".sl-folded, .sl-twins, .sl-also")


def test_an_empty_result_says_so_and_shows_no_columns() -> None:
    tree = parse(views.view_result(make_result(first=[], scores=[])))

    assert tree.select_one(".sl-summary").get_text() == "Nothing in the index matches this query."
    assert tree.select_one(".sl-compare") is None


def test_two_hundred_candidates_with_fifty_shown_stay_below_a_megabyte() -> None:
    html = views.view_result(make_result(settings=SearchSettings(candidates=200, top_n=50)))

    assert len(parse(html).select(".sl-everyone tbody tr")) == 200
    assert len(html) < 1_000_000


def test_every_passage_is_reached_and_named_without_a_mouse() -> None:
    tree = parse(views.view_result(make_result()))

    for card in tree.select(".sl-card"):
        assert card.select_one("button.sl-rank")["aria-label"].startswith("Follow the passage")
    levels = [int(one.name[1]) for one in tree.find_all(["h1", "h2", "h3", "h4"])]
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert all(one.get("dir") == "auto" for one in tree.select(".sl-snippet, .sl-full"))


def test_prompts_stand_side_by_side_with_their_size() -> None:
    found = make_result()
    tree = parse(views.view_prompts(prompt.render(found, budget=600), prompt.render(found, budget=600, ranked=False)))
    panes = tree.select(".sl-prompt")

    assert len(panes) == 2
    assert "of 600 tokens" in panes[0].get_text()
    assert "left out for lack of room" in panes[0].get_text()
    assert found.top[0].candidate.chunk.text in panes[0].pre.get_text()
    assert found.before[0].chunk.text in panes[1].pre.get_text()


def test_the_report_puts_what_needs_a_look_first_with_its_reason() -> None:
    outcomes = (
        FileOutcome("a.md", "added", "", 3),
        FileOutcome("b.pdf", "empty", "It holds only pictures."),
        FileOutcome("c.md", "unchanged"),
    )
    tree = parse(views.view_report(IngestReport("docs", outcomes, 2.0, cancelled=True)))

    assert tree.select_one(".sl-summary").get_text().startswith("Stopped.")
    assert tree.select("table")[0].get_text(" ", strip=True).endswith("It holds only pictures. 0 0.0 ms")
    assert {one.dt.get_text(): one.dd.get_text() for one in tree.select(".sl-facts div")} == {
        "added": "1",
        "unchanged": "1",
        "empty": "1",
    }


def test_progress_without_a_rate_says_that_time_left_is_unknown() -> None:
    text = parse(views.view_progress(IngestProgress("scan", 0, 0, 0, 0.0, None))).get_text()

    assert "not known yet" in text
    assert "Looking through the folder" in text


def test_documents_are_filtered_by_every_word_and_counted() -> None:
    rows = [document(f"notes/{number}.md", f"Note {number}") for number in range(700)]

    assert "Showing 500 of 700" in views.view_documents(rows)
    assert "1 of 700 documents" in views.view_documents(rows, "NOTE notes/699")
    assert "None of the 700 documents" in views.view_documents(rows, "zebra")
    assert "Nothing is indexed yet" in views.view_documents([])


def test_only_scorers_that_cannot_run_are_listed_with_their_reason() -> None:
    text = parse(views.view_scorers(PageEngine().scorers())).get_text()

    assert "big-model" in text
    assert "not on this machine" in text
    assert "bundled late interaction" not in text
