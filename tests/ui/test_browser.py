"""The page in a real browser: what a person does, and what the page asks the network for."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from page_engine import PageEngine, make_candidate, make_result
from person import WAIT_SECONDS, Keys, Person

from indexer.catalog.filters import Filters
from search.engine import IndexState
from search.result import Result
from search.settings import SearchSettings

Page = Callable[[Any], str]


@pytest.fixture
def person(chromium: Any) -> Person:
    return Person(chromium)


def test_enter_shows_both_rankings_and_a_line_from_each_kept_passage(person: Person, page: Page) -> None:
    person.open(page(PageEngine()))
    person.ask("why does the pump overheat")
    person.wait(lambda: person.all(".sl-after .sl-card"))

    assert len(person.all(".sl-before .sl-card")) == 10
    assert len(person.all(".sl-after > ol:first-of-type > .sl-card")) == 10
    assert "of the top 10 changed" in person.texts(".sl-summary")[0]
    shown = len(person.all(".sl-after .sl-card"))
    person.wait(lambda: len(person.all(".sl-links path")) == shown)


def test_an_example_fills_the_box_and_searches(person: Person, page: Page) -> None:
    engine = PageEngine()
    person.open(page(engine))
    person.all("#sl-examples button")[1].click()
    person.wait(lambda: person.all(".sl-after .sl-card"))

    assert engine.asked[0][0] == engine.examples[1]
    assert person.all("#sl-query textarea, #sl-query input")[0].get_attribute("value") == engine.examples[1]


def test_filters_narrow_the_search_say_so_and_can_be_cleared(person: Person, page: Page) -> None:
    engine = PageEngine(answer=lambda query, settings: replace(make_result(query, settings), documents=1))
    person.open(page(engine))
    person.run("document.querySelector('#sl-filters button').click()")
    path = person.wait(lambda: person.all("#sl-path :is(textarea, input)"))[0]
    person.wait(path.is_displayed)
    path.send_keys("*.pdf")
    person.all("#sl-kind input")[0].click()
    person.wait(lambda: [one for one in person.all("[role=option]") if one.text.endswith("pdf (1)")])[0].click()
    person.wait(lambda: "Filters (2 on)" in person.texts("#sl-filters button")[0])
    path.send_keys(Keys.ENTER)
    person.ask("pump")
    person.wait(lambda: person.all(".sl-after .sl-card"))

    assert engine.asked[-1][1].filters == Filters(path="*.pdf", kind="pdf")
    assert person.texts(".sl-filtered") == ["only 1 document: path *.pdf, type pdf"]
    person.all("#sl-clear")[0].click()
    person.wait(lambda: person.texts("#sl-filters button")[0].startswith("Filters") and not path.get_attribute("value"))
    person.wait(lambda: "on)" not in person.texts("#sl-filters button")[0])
    person.ask("filter")
    person.wait(lambda: engine.asked[-1][0] == "filter")
    assert engine.asked[-1][1].filters is None


def test_choosing_a_passage_marks_it_on_both_sides_and_by_keyboard_too(person: Person, page: Page) -> None:
    first = [make_candidate(rank) for rank in range(1, 6)]
    person.open(
        page(PageEngine(lambda query, _: make_result(query, SearchSettings(top_n=5), first, [0.1, 0.2, 0.3, 0.4, 0.5])))
    )
    person.ask("pump")
    button = person.wait(lambda: person.all(".sl-after .sl-rank"))[0]
    person.run("document.querySelector('.sl-after .sl-rank').focus()")
    person.wait(lambda: len(person.all(".sl-card.sl-on")) == 2)
    button.send_keys(Keys.ENTER)

    assert [one.get_attribute("data-passage") for one in person.all(".sl-card.sl-on")] == ["p5", "p5"]
    assert [one.get_attribute("aria-pressed") for one in person.all(".sl-card.sl-on .sl-rank")] == ["true", "true"]
    assert person.run("return document.querySelectorAll('.sl-links path.sl-on').length") == 1


def test_text_from_documents_and_queries_runs_no_script_and_no_template(person: Person, page: Page) -> None:
    attack = "<script>window.hit = 1</script><img src=x onerror='window.hit = 2'> {{7*7}} ${7*7} ${window.hit=3}"
    first = [make_candidate(1, attack, f"{attack}.md", attack)]
    engine = PageEngine(lambda query, _: make_result(query, first=first, scores=[0.5], notes=(attack,)))
    person.open(page(engine))
    person.ask(attack)
    person.wait(lambda: person.all(".sl-after .sl-card"))

    assert engine.asked[0][0] == attack
    assert person.texts(".sl-after h3") == [attack]
    assert attack in person.texts(".sl-notes li")[-1]
    assert person.run("return window.hit ?? null") is None


def test_another_top_n_comes_without_another_search(person: Person, page: Page) -> None:
    engine = PageEngine()
    person.open(page(engine))
    person.ask("pump")
    person.wait(lambda: person.all(".sl-after .sl-card"))
    number = person.all("#sl-top-n input[type=number]")[0]
    number.send_keys(Keys.CONTROL, "a")
    number.send_keys("4", Keys.TAB)
    person.wait(lambda: len(person.all(".sl-before .sl-card")) == 4)

    assert len(engine.asked) == 1


def test_two_visitors_do_not_see_each_others_results(person: Person, page: Page) -> None:
    def answer(query: str, settings: SearchSettings) -> Result:
        return make_result(
            query, settings, [make_candidate(rank, f"{query} {rank}", f"{query}-{rank}.md") for rank in range(1, 9)]
        )

    def shows(name: str) -> bool:
        return any(name in one for one in person.texts(".sl-after h3"))

    url = page(PageEngine(answer))
    driver = person.driver
    windows = [driver.current_window_handle]
    try:
        for name in ("anna", "ben"):
            if name == "ben":
                driver.switch_to.new_window("tab")
                windows.append(driver.current_window_handle)
            person.open(url)
            person.ask(name)
            person.wait(partial(shows, name))
        driver.switch_to.window(windows[0])
        number = person.all("#sl-top-n input[type=number]")[0]
        number.send_keys(Keys.CONTROL, "a")
        number.send_keys("3", Keys.TAB)
        person.wait(lambda: len(person.all(".sl-before .sl-card")) == 3)
        assert all(one.startswith("anna") for one in person.texts(".sl-compare h3"))
        person.turn_to("Prompt")
        person.wait(lambda: person.all(".sl-prompt pre"))
        assert "anna 1" in person.texts(".sl-prompt pre")[1]
        assert "ben" not in "".join(person.texts(".sl-prompt pre"))
    finally:
        if len(windows) > 1:
            driver.switch_to.window(windows[1])
            driver.close()
        driver.switch_to.window(windows[0])


@pytest.mark.parametrize(
    ("query", "sentence"), [("", "The query is empty"), ("break", "Something unexpected went wrong")]
)
def test_trouble_is_one_sentence_in_a_box_that_screen_readers_announce(
    person: Person, page: Page, query: str, sentence: str
) -> None:
    person.open(page(PageEngine()))
    person.ask(query)
    box = person.wait(lambda: person.all(".sl-trouble[role=alert]"))[0]

    assert sentence in box.text
    assert "Traceback" not in person.driver.page_source
    assert "secret detail" not in person.driver.page_source


def test_a_search_after_trouble_takes_the_box_away(person: Person, page: Page) -> None:
    person.open(page(PageEngine()))
    person.ask("break")
    person.wait(lambda: person.all(".sl-trouble"))
    person.ask("pump")
    person.wait(lambda: person.all(".sl-after .sl-card"))

    person.wait(lambda: not person.all(".sl-trouble"))


def test_an_ingest_run_shows_progress_can_be_cancelled_and_lets_searches_through(person: Person, page: Page) -> None:
    person.open(page(PageEngine(files=400, pause=0.1)))
    person.turn_to("Ingest")
    person.wait(lambda: person.all("#sl-folder textarea, #sl-folder input"))[0].send_keys("docs", Keys.ENTER)
    person.wait(lambda: any(one.endswith("of 400") for one in person.texts(".sl-progress dd")))
    person.turn_to("Search")
    person.ask("pump")
    person.wait(lambda: person.all(".sl-after .sl-card"))
    person.turn_to("Ingest")
    assert person.all(".sl-progress")
    person.wait(lambda: person.all("#sl-cancel:not([disabled])"))
    person.all("#sl-cancel")[0].click()
    person.wait(lambda: person.all(".sl-report"))

    assert person.texts(".sl-report .sl-summary")[0].startswith("Stopped.")
    assert "It is <i>broken</i>." in person.texts(".sl-report td")
    person.wait(lambda: person.all("#sl-start:not([disabled])"))


def test_a_scorer_that_cannot_run_is_named_with_its_reason_but_cannot_be_chosen(person: Person, page: Page) -> None:
    person.open(page(PageEngine()))
    person.all("#sl-settings input[role=combobox]")[0].click()
    options = person.wait(lambda: person.texts("[role=option]"))

    assert any("bundled late interaction" in one for one in options)
    assert not any("big-model" in one for one in options)
    person.run("document.querySelector('#sl-more-settings button').click()")
    person.wait(lambda: "not on this machine: <b>get it</b>" in person.texts(".sl-missing dd"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_nothing_is_wider_than_the_window(person: Person, page: Page, width: int, theme: str) -> None:
    long_word = "Donaudampfschifffahrtsgesellschaft" * 20
    texts = (long_word, "مرحبا بالعالم. " * 30, "二次検索は候補を並べ替える。" * 30)
    first = [
        replace(make_candidate(rank, text, f"{text[:200]}.md", text[:300])) for rank, text in enumerate(texts, start=1)
    ]
    engine = PageEngine(lambda query, _: make_result(query, first=first, scores=[0.1, 0.5, 0.9], notes=(long_word,)))
    person.open(page(engine), width, theme)
    person.ask(long_word)
    person.wait(lambda: person.all(".sl-after .sl-card"))
    person.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")

    assert person.run("return document.documentElement.scrollWidth") <= width


CONTRAST = """
const channel = (value) => { const c = value / 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
const parts = (text) => {
  const found = text.match(/[\\d.]+/g).map(Number);
  return found.length < 4 ? [...found, 1] : found;
};
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const behind = (element) => {
  const layers = [];
  for (let one = element; one; one = one.parentElement) layers.push(parts(getComputedStyle(one).backgroundColor));
  const over = (under, [r, g, b, a]) => [r, g, b].map((c, i) => c * a + under[i] * (1 - a));
  return layers.reverse().reduce(over, [255, 255, 255]);
};
return [...document.querySelectorAll('.sl-result *, .sl-header *')]
  .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
  .filter((one) => one.checkVisibility() && !one.closest('svg'))
  .map((one) => {
    const [front, back] = [light(parts(getComputedStyle(one).color)), light(behind(one))];
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    return [ratio, one.className, one.textContent.slice(0, 30)];
  })
  .sort((one, other) => one[0] - other[0])[0];
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_text_has_the_contrast_that_wcag_aa_asks_for(person: Person, page: Page, theme: str) -> None:
    person.open(page(PageEngine(notes=("A note.",))), theme=theme)
    person.ask("pump")
    person.wait(lambda: person.all(".sl-after .sl-card"))
    person.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    person.wait(lambda: person.run("return document.fonts.status") == "loaded")
    lowest = person.run(CONTRAST)

    assert lowest[0] >= 4.5, lowest


def test_the_page_talks_to_no_other_host_and_logs_no_error(person: Person, page: Page) -> None:
    url = page(PageEngine())
    person.open(url)
    person.ask("pump")
    person.wait(lambda: person.all(".sl-after .sl-card"))
    for name in ("Prompt", "Ingest", "Documents", "About"):
        person.turn_to(name)
    messages = [json.loads(one["message"])["message"] for one in person.driver.get_log("performance")]
    asked = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    elsewhere = [one for one in asked if one.startswith(("http:", "https:", "ws:", "wss:")) and not one.startswith(url)]

    assert asked
    assert elsewhere == []
    assert [one for one in person.driver.get_log("browser") if one["level"] == "SEVERE"] == []


def test_the_code_and_documents_tabs_show_what_they_were_given(person: Person, page: Page) -> None:
    person.open(page(PageEngine()))
    person.turn_to("Documents")
    person.wait(lambda: "manuals/pump.md" in person.texts(".sl-documents bdi"))
    person.wait(lambda: person.all("#sl-wanted textarea, #sl-wanted input"))[0].send_keys("scanned")
    person.wait(lambda: person.texts(".sl-documents bdi") == ["scan.pdf"])
    person.turn_to("About")

    assert person.wait(lambda: person.texts(".sl-code pre")) == ["print({'a': 1})"]


def test_a_slow_search_of_one_visitor_does_not_hold_up_another(person: Person, page: Page) -> None:
    gate = threading.Event()

    def answer(query: str, settings: SearchSettings) -> Result:
        if query == "slow":
            gate.wait(WAIT_SECONDS)
        return make_result(query, settings)

    url = page(PageEngine(answer))
    person.open(url)
    person.ask("slow")
    driver, slow = person.driver, person.driver.current_window_handle
    try:
        driver.switch_to.new_window("tab")
        person.open(url)
        person.ask("quick")
        person.wait(lambda: person.all(".sl-after .sl-card"))
        driver.close()
    finally:
        gate.set()
        driver.switch_to.window(slow)
    person.wait(lambda: person.all(".sl-after .sl-card"))


def test_a_search_is_not_overwritten_by_a_head_that_takes_long_to_load(person: Person, page: Page) -> None:
    gate = threading.Event()

    class SlowToOpen(PageEngine):
        def state(self) -> IndexState:
            gate.wait(WAIT_SECONDS)
            return super().state()

    url = page(SlowToOpen())
    person.driver.get(url)
    person.wait(lambda: person.all("#sl-query textarea, #sl-query input"))
    assert "Opening the index" in person.texts(".sl-brand p")[0]
    person.ask("pump")
    person.wait(lambda: person.all(".sl-after .sl-card"))
    gate.set()
    person.wait(lambda: person.all(".sl-device"))

    assert person.all(".sl-after .sl-card")
