"""Everything that happens on the page: which control calls what, bound in one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from search import prompt
from search.engine import Cancel, IngestReport, SearchEngine
from search.filters import NO_COLLECTION
from search.result import Result, to_dict
from search.settings import DEFAULT_CANDIDATES, DEFAULT_TOP_N, SearchSettings
from ui.controls import AS_MEASURED, Controls
from ui.ingest import stream_ingest
from ui.trouble import Trouble, attempt
from ui.views import (
    view_about,
    view_documents,
    view_header,
    view_no_prompt,
    view_opening,
    view_progress,
    view_prompts,
    view_report,
    view_result,
    view_trouble,
)

ALL = ("All", "")
"""The choice of a filter that asks for nothing."""
SEARCHES_AT_ONCE = 4
"""Visitors whose searches run at the same time; the others wait in the queue."""


@dataclass(eq=False, slots=True)
class Visit:
    """What one visitor looks at: compared by identity, since a result holds mappings and cannot be hashed."""

    result: Result


class Handlers:
    """What each event does, over one engine; nothing of a visitor is kept here."""

    def __init__(self, engine: SearchEngine, snippets: tuple[tuple[str, str, str], ...]) -> None:
        self._engine = engine
        self._snippets = snippets

    def open(self) -> tuple[str, str]:
        """Head and about, as they are now; the first call may wait for the second stage to load."""
        state = attempt(self._engine.state)
        if isinstance(state, Trouble):
            return view_opening() + view_trouble(state.sentence), ""
        return view_header(state), view_about(state, self._snippets)

    def search(
        self, query: str, settings: SearchSettings, template: str | None, budget: float
    ) -> tuple[Any, Any, Any, Any]:
        """The visit, the trouble box, the result and the prompts; on trouble the last three stay as they are."""
        import gradio as gr

        shown = attempt(lambda: self._show(self._engine.search(query, settings), template, budget))
        if isinstance(shown, Trouble):
            return gr.skip(), view_trouble(shown.sentence), gr.skip(), gr.skip()
        visit, html, prompts = shown
        return visit, "", html, prompts

    def change_top_n(
        self, visit: Visit | None, top_n: float, template: str | None, budget: float
    ) -> tuple[Any, Any, Any]:
        """Visit, result and prompts for another top-n, without a search: the result holds every passage."""
        import gradio as gr

        if visit is None or visit.result.settings.top_n == int(top_n):
            return gr.skip(), gr.skip(), gr.skip()
        result = replace(visit.result, settings=replace(visit.result.settings, top_n=int(top_n)))
        return self._show(result, template, budget)

    def change_prompt(self, visit: Visit | None, template: str | None, budget: float) -> str:
        """The prompts for another template or budget."""
        return view_no_prompt() if visit is None else self._prompts(visit.result, template, budget)

    def list_documents(self, wanted: str) -> str:
        """The documents that match the filter."""
        documents = attempt(self._engine.documents)
        return view_trouble(documents.sentence) if isinstance(documents, Trouble) else view_documents(documents, wanted)

    def filter_choices(self, collection: str | None, kind: str | None) -> tuple[Any, Any]:
        """The collections, or none, and types that can be chosen; a choice that is gone falls back to all."""
        import gradio as gr

        documents = attempt(self._engine.documents)
        rows = () if isinstance(documents, Trouble) else documents
        kinds = Counter(one.kind for one in rows)
        collections = Counter(one.collection for one in rows if one.collection)
        choices = _choices(collections)
        alone = len(rows) - collections.total()
        if alone:
            choices.append((f"No collection ({alone:,})", NO_COLLECTION))
        return (
            gr.update(
                choices=choices,
                value=collection if collection in {value for _, value in choices} else "",
                visible=bool(collections),
            ),
            gr.update(choices=_choices(kinds), value=kind if kind in kinds else ""),
        )

    def ingest(self, folder: str) -> Iterator[tuple[Any, Any, Any, Any]]:
        """Yield the stop flag, progress or report, and which of the two buttons can be pressed."""
        import gradio as gr

        stop = Cancel()
        running = gr.update(interactive=False), gr.update(interactive=True)
        rest = gr.update(interactive=True), gr.update(interactive=False)
        if not folder.strip():
            yield None, view_trouble("Name a folder to index, for example ~/papers."), *rest
            return
        yield stop, '<p class="sl-phase" role="status">Starting</p>', *running
        for news in stream_ingest(self._engine, folder.strip(), stop):
            if isinstance(news, Trouble):
                yield None, view_trouble(news.sentence), *rest
            elif isinstance(news, IngestReport):
                yield None, view_report(news), *rest
            else:
                yield stop, view_progress(news, stopping=bool(stop)), *running

    def api_search(
        self, query: str, candidates: int = DEFAULT_CANDIDATES, top_n: int = DEFAULT_TOP_N, scorer: str = ""
    ) -> dict[str, Any]:
        """Search, and return the whole result as JSON: both rankings, every stage's scores, seconds by stage, notes."""
        import gradio as gr

        settings = SearchSettings(candidates=candidates, top_n=top_n, scorer=scorer or None)
        result = attempt(lambda: self._engine.search(query, settings))
        if isinstance(result, Trouble):
            raise gr.Error(result.sentence, print_exception=False)
        return to_dict(result)

    def _show(self, result: Result, template: str | None, budget: float) -> tuple[Visit, str, str]:
        """What a result puts on the page: the visit, both rankings, both prompts."""
        return Visit(result), view_result(result), self._prompts(result, template, budget)

    def _prompts(self, result: Result, template: str | None, budget: float) -> str:
        """Both prompts of a result, or why there are none."""
        both = attempt(
            lambda: (
                prompt.render(result, template, budget=int(budget)),
                prompt.render(result, None, budget=int(budget), ranked=False),
            )
        )
        return view_trouble(both.sentence) if isinstance(both, Trouble) else view_prompts(*both)


def bind(page: Any, at: Controls, handlers: Handlers) -> None:  # noqa: ANN401 - gr.Blocks; gradio is typed nowhere
    """Bind every event of the page. Only "search" is open to other programs."""
    import gradio as gr

    private: dict[str, Any] = {"api_visibility": "private"}
    searching = {**private, "concurrency_limit": SEARCHES_AT_ONCE, "concurrency_id": "search"}
    opened = [at.header, at.about]

    def ask(given: Mapping[Any, Any]) -> tuple[Any, Any, Any, Any]:
        return handlers.search(given[at.query], at.read(given), given[at.template], given[at.budget])

    search = {
        "fn": ask,
        "inputs": at.asked,
        "outputs": [at.visit, at.trouble, at.result, at.prompts],
        "show_progress_on": at.result,
        **searching,
    }
    top_n, fusion, weight, blend, cutoff = (
        at.settings[name] for name in ("top_n", "fusion", "sparse_weight", "blend", "cutoff")
    )

    # first, so that the name is free: Gradio names the others after their functions
    gr.api(handlers.api_search, api_name="search", concurrency_limit=SEARCHES_AT_ONCE, concurrency_id="search")
    page.load(handlers.open, None, opened, show_progress="hidden", **private)
    page.load(handlers.list_documents, at.wanted, at.documents, show_progress="hidden", **private)
    chosen = [at.filters.collection, at.filters.kind]
    page.load(handlers.filter_choices, chosen, chosen, show_progress="hidden", **private)
    gr.on([at.query.submit, at.search.click], **search)
    for text, button in at.examples:
        asked = button.click(lambda text=text: text, None, at.query, show_progress="hidden", queue=False, **private)
        asked.then(**search)

    top_n.value.change(
        handlers.change_top_n,
        [at.visit, top_n.value, at.template, at.budget],
        [at.visit, at.result, at.prompts],
        show_progress="hidden",
        trigger_mode="always_last",
        **private,
    )
    gr.on(
        [at.template.change, at.budget.release],
        handlers.change_prompt,
        [at.visit, at.template, at.budget],
        at.prompts,
        trigger_mode="always_last",
        **private,
    )
    gr.on(
        [fusion.value.change, weight.by_hand.change],
        lambda way, mode: (
            gr.update(visible=way != "rrf"),
            gr.update(visible=way != "rrf" and mode != AS_MEASURED),
        ),
        [fusion.value, weight.by_hand],
        [weight.by_hand, weight.value],
        show_progress="hidden",
        **private,
    )
    for one in (blend, cutoff):
        one.by_hand.change(
            lambda mode: gr.update(visible=mode not in {AS_MEASURED, False}),
            one.by_hand,
            one.value,
            show_progress="hidden",
            **private,
        )
    gr.on(
        [one.change for one in at.filters],
        lambda *values: gr.update(label=filters_label(sum(bool(one and one.strip()) for one in values))),
        list(at.filters),
        at.filter_box,
        show_progress="hidden",
        trigger_mode="always_last",
        **private,
    )
    at.clear.click(lambda: ("",) * len(list(at.filters)), None, list(at.filters), show_progress="hidden", **private)
    gr.on([at.filters.path.submit, at.filters.since.submit, at.filters.until.submit], **search)
    at.wanted.change(
        handlers.list_documents, at.wanted, at.documents, show_progress="hidden", trigger_mode="always_last", **private
    )

    ingested = gr.on(
        [at.start.click, at.folder.submit],
        handlers.ingest,
        at.folder,
        [at.stop, at.report, at.start, at.cancel],
        show_progress="hidden",
        concurrency_limit=1,
        concurrency_id="ingest",
        **private,
    )
    ingested.then(handlers.filter_choices, chosen, chosen, show_progress="hidden", **private)
    ingested.then(
        lambda wanted: (handlers.open()[0], handlers.list_documents(wanted)),
        at.wanted,
        [at.header, at.documents],
        show_progress="hidden",
        **private,
    )
    at.cancel.click(_ask_to_stop, at.stop, at.cancel, show_progress="hidden", queue=False, **private)


def filters_label(count: int) -> str:
    """The label of the fold that holds the filters, with how many of them ask for something."""
    return f"Filters ({count} on)" if count else "Filters"


def _choices(counted: Counter[str]) -> list[tuple[str, str]]:
    return [ALL, *((f"{name} ({count:,})", name) for name, count in sorted(counted.items()))]


def _ask_to_stop(stop: Cancel | None) -> Any:  # noqa: ANN401 - a gradio update
    """The cancel button, pressed."""
    import gradio as gr

    if stop is not None:
        stop.request()
    return gr.update(interactive=False)
