"""Everything that happens on the page: which control calls what, bound in one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from search import prompt
from search.engine import Cancel, SearchEngine
from search.filters import NO_COLLECTION, typed
from search.result import DEFAULT_CANDIDATES, DEFAULT_TOP_N, FUSIONS, Result, SearchSettings, to_dict
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

if TYPE_CHECKING:
    from ui.controls import Controls

AS_MEASURED = "as measured"
"""The share of BM25, or the blend, that was measured to be best, and that gives way where a model cannot read."""
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
        """The head and the about, as they are now; the first call may wait for the second stage to load."""
        state = attempt(self._engine.state)
        if isinstance(state, Trouble):
            return view_opening() + view_trouble(state.sentence), ""
        return view_header(state), view_about(state, self._snippets)

    def search(
        self,
        query: str,
        candidates: float,
        top_n: float,
        scorer: str | None,
        fusion: str,
        weight_mode: str,
        weight: float,
        sparse: str,
        blend_mode: str,
        blend: float,
        cut: bool,
        cutoff: float | None,
        collapse: bool,
        collection: str | None,
        path: str,
        kind: str | None,
        since: str,
        until: str,
        template: str | None,
        budget: float,
    ) -> tuple[Any, Any, Any, Any]:
        """The visit, the trouble box, the result and the prompts; on trouble the last three stay as they are."""
        import gradio as gr

        filters = typed(collection, path, kind, since, until)
        settings = SearchSettings(
            candidates=int(candidates),
            top_n=int(top_n),
            scorer=scorer or None,
            fusion=next((one for one in FUSIONS if one == fusion), "zscore"),
            sparse="rank-bm25" if sparse == "rank-bm25" else "qdrant",
            sparse_weight=None if weight_mode == AS_MEASURED else weight,
            blend=None if blend_mode == AS_MEASURED else blend,
            cutoff=cutoff if cut else None,
            collapse=collapse,
            filters=None if filters.empty else filters,
        )
        shown = attempt(lambda: self._show(self._engine.search(query, settings), template, budget))
        if isinstance(shown, Trouble):
            return gr.skip(), view_trouble(shown.sentence), gr.skip(), gr.skip()
        visit, html, prompts = shown
        return visit, "", html, prompts

    def change_top_n(
        self, visit: Visit | None, top_n: float, template: str | None, budget: float
    ) -> tuple[Any, Any, Any]:
        """The visit, result and prompts for another top-n, without a search: the result holds every passage."""
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
            elif hasattr(news, "outcomes"):
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
    search = {
        "fn": handlers.search,
        "inputs": [at.query, *at.settings, at.template, at.budget],
        "outputs": [at.visit, at.trouble, at.result, at.prompts],
        "show_progress_on": at.result,
        **searching,
    }

    # first, so that the name is free: Gradio names the others after their functions
    gr.api(handlers.api_search, api_name="search", concurrency_limit=SEARCHES_AT_ONCE, concurrency_id="search")
    page.load(handlers.open, None, opened, show_progress="hidden", **private)
    page.load(handlers.list_documents, at.wanted, at.documents, show_progress="hidden", **private)
    chosen = [at.filters[0], at.filters[2]]
    page.load(handlers.filter_choices, chosen, chosen, show_progress="hidden", **private)
    gr.on([at.query.submit, at.search.click], **search)
    for text, button in at.examples:
        asked = button.click(lambda text=text: text, None, at.query, show_progress="hidden", queue=False, **private)
        asked.then(**search)

    at.top_n.change(
        handlers.change_top_n,
        [at.visit, at.top_n, at.template, at.budget],
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
        [at.fusion.change, at.weight_mode.change],
        lambda fusion, mode: (
            gr.update(visible=fusion != "rrf"),
            gr.update(visible=fusion != "rrf" and mode != AS_MEASURED),
        ),
        [at.fusion, at.weight_mode],
        [at.weight_mode, at.weight],
        show_progress="hidden",
        **private,
    )
    at.blend_mode.change(
        lambda mode: gr.update(visible=mode != AS_MEASURED), at.blend_mode, at.blend, show_progress="hidden", **private
    )
    at.cut.change(lambda cut: gr.update(visible=cut), at.cut, at.cutoff, show_progress="hidden", **private)
    gr.on(
        [one.change for one in at.filters],
        lambda *values: gr.update(label=filters_label(sum(bool(one and one.strip()) for one in values))),
        list(at.filters),
        at.filter_box,
        show_progress="hidden",
        trigger_mode="always_last",
        **private,
    )
    at.clear.click(lambda: ("",) * len(at.filters), None, list(at.filters), show_progress="hidden", **private)
    gr.on([at.filters[1].submit, at.filters[3].submit, at.filters[4].submit], **search)
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
