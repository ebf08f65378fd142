"""The Gradio page: its layout over a search engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from search import prompt
from search.result import DEFAULT_CANDIDATES, DEFAULT_TOP_N, MAX_CANDIDATES, MIN_CANDIDATES, SPARSE_WEIGHT
from ui.controls import Controls
from ui.events import ALL, AS_MEASURED, Handlers, bind, filters_label
from ui.look import mount_options
from ui.trouble import Trouble, attempt
from ui.views import view_ingest, view_no_prompt, view_opening, view_scorers, view_welcome

if TYPE_CHECKING:
    from search.engine import SearchEngine
    from search.scorers import ScorerChoice

__all__ = ["build", "mount_options"]

MOST_WAITING = 64
"""Events in the queue before a visitor is told that the page is busy."""


KEPT_SECONDS = 3600
"""How long a visitor's last result is kept for another top-n or prompt; results are up to megabytes."""


def build(engine: SearchEngine, snippets: tuple[tuple[str, str, str], ...] = ()) -> Any:  # noqa: ANN401 - gr.Blocks
    """The page as `gr.Blocks`, ready to be mounted or launched with the arguments of `mount_options()`.

    `snippets` are (title, language, code) shown under "Use from code".
    """
    import gradio as gr

    found = attempt(engine.scorers)
    scorers = () if isinstance(found, Trouble) else tuple(found)
    with gr.Blocks(title="Second Look", analytics_enabled=False, fill_width=True) as page:
        parts: dict[str, Any] = {
            "visit": gr.State(time_to_live=KEPT_SECONDS),
            "stop": gr.State(),
            "header": _html(view_opening()),
        }
        with gr.Tabs(elem_id="sl-tabs"):
            with gr.Tab("Search", id="search"):
                parts |= _lay_out_search(engine.examples, scorers)
            with gr.Tab("Prompt", id="prompt"):
                parts |= _lay_out_prompt()
            with gr.Tab("Ingest", id="ingest"):
                parts |= _lay_out_ingest()
            with gr.Tab("Documents", id="documents"):
                parts["wanted"] = gr.Textbox(
                    "", label="Filter documents", placeholder="Words in path, title, kind or note", elem_id="sl-wanted"
                )
                parts["documents"] = _html()
            with gr.Tab("About", id="about"):
                parts["about"] = _html()
        bind(page, Controls(**parts), Handlers(engine, snippets))
    page.queue(max_size=MOST_WAITING)
    return page


def _lay_out_search(examples: Sequence[str], scorers: Sequence[ScorerChoice]) -> dict[str, Any]:
    import gradio as gr

    parts: dict[str, Any] = {}
    with gr.Row(elem_id="sl-ask"):
        parts["query"] = gr.Textbox(
            "",
            label="Query",
            show_label=False,
            placeholder="Ask the documents",
            lines=1,
            max_lines=1,
            autofocus=True,
            elem_id="sl-query",
            scale=8,
        )
        parts["search"] = gr.Button("Search", variant="primary", elem_id="sl-search", scale=1, min_width=110)
    with gr.Row(elem_id="sl-examples"):
        parts["examples"] = tuple((text, gr.Button(text, size="sm", min_width=0)) for text in examples)
    available = [one for one in scorers if one.available]
    choices = [(f"{one.label} ({one.licence})" if one.licence else one.label, one.name) for one in available]
    if all(name != "none" for _, name in choices):
        choices.append(("No second look", "none"))
    with gr.Row(elem_id="sl-settings", equal_height=True):
        parts["scorer"] = gr.Dropdown(
            choices, value=choices[0][1], label="Second stage", filterable=False, scale=2, min_width=220
        )
        parts["candidates"] = gr.Slider(
            MIN_CANDIDATES, MAX_CANDIDATES, DEFAULT_CANDIDATES, step=10, label="Candidates", scale=2, min_width=180
        )
        parts["top_n"] = gr.Slider(
            1, 50, DEFAULT_TOP_N, step=1, label="Shown (top-n)", elem_id="sl-top-n", scale=2, min_width=180
        )
    with gr.Accordion("More settings", open=False, elem_id="sl-more-settings"):
        with gr.Row():
            with gr.Column(min_width=220):
                parts["fusion"] = gr.Radio(
                    [("Standardised scores", "zscore"), ("Scaled scores", "weighted"), ("Reciprocal ranks", "rrf")],
                    value="zscore",
                    label="Fusion",
                )
                parts["weight_mode"] = gr.Radio(
                    [("As measured", AS_MEASURED), ("Set by hand", "by hand")],
                    value=AS_MEASURED,
                    label="Share of BM25",
                )
                parts["weight"] = gr.Slider(0, 1, SPARSE_WEIGHT, step=0.05, label="Share of BM25", visible=False)
            parts["sparse"] = gr.Radio(
                [("Qdrant sparse vectors", "qdrant"), ("rank-bm25, exact", "rank-bm25")],
                value="qdrant",
                label="BM25 by",
                min_width=220,
            )
            with gr.Column(min_width=220):
                parts["blend_mode"] = gr.Radio(
                    [("As measured", AS_MEASURED), ("Set by hand", "by hand")],
                    value=AS_MEASURED,
                    label="Blend with the first stage",
                )
                parts["blend"] = gr.Slider(0, 1, 0, step=0.05, label="Share of the first stage", visible=False)
            with gr.Column(min_width=220):
                parts["cut"] = gr.Checkbox(value=False, label="Cut below a score")
                parts["cutoff"] = gr.Number(0.5, label="Lowest score to keep", step=0.05, visible=False)
                parts["collapse"] = gr.Checkbox(value=True, label="Fold passages that say the same")
        _html(view_scorers(scorers))
    parts |= _lay_out_filters()
    parts["trouble"] = _html(elem_id="sl-trouble")
    parts["result"] = _html(view_welcome(), elem_id="sl-result")
    return parts


def _lay_out_filters() -> dict[str, Any]:
    import gradio as gr

    with gr.Accordion(filters_label(0), open=False, elem_id="sl-filters") as box, gr.Row(equal_height=False):
        collection = gr.Dropdown([ALL], value="", label="Collection", filterable=False, min_width=200, visible=False)
        path = gr.Textbox(
            "", label="Path", placeholder="*.pdf or notes/", max_lines=1, min_width=200, elem_id="sl-path"
        )
        kind = gr.Dropdown([ALL], value="", label="Type", filterable=False, min_width=200, elem_id="sl-kind")
        since = gr.Textbox("", label="Changed since", placeholder="2026-01-31", max_lines=1, min_width=130)
        until = gr.Textbox("", label="Changed until", placeholder="2026-12-31", max_lines=1, min_width=130)
        clear = gr.Button("Clear", min_width=90, scale=0, elem_id="sl-clear")
    return {"filters": (collection, path, kind, since, until), "filter_box": box, "clear": clear}


def _lay_out_prompt() -> dict[str, Any]:
    import gradio as gr

    with gr.Row():
        template = gr.Dropdown(list(prompt.templates()), value=prompt.RANKED, label="Template of the ranked prompt")
        budget = gr.Slider(256, 32768, prompt.DEFAULT_BUDGET, step=256, label="Token budget")
    return {"template": template, "budget": budget, "prompts": _html(view_no_prompt())}


def _lay_out_ingest() -> dict[str, Any]:
    import gradio as gr

    _html(view_ingest())
    with gr.Row(elem_id="sl-ingest", equal_height=True):
        folder = gr.Textbox(
            "",
            label="Folder on this computer",
            placeholder="~/papers",
            lines=1,
            max_lines=1,
            scale=6,
            elem_id="sl-folder",
        )
        start = gr.Button("Start", variant="primary", scale=1, min_width=110, elem_id="sl-start")
        cancel = gr.Button("Cancel", interactive=False, scale=1, min_width=110, elem_id="sl-cancel")
    return {"folder": folder, "start": start, "cancel": cancel, "report": _html(elem_id="sl-report")}


def _html(value: str = "", elem_id: str | None = None) -> Any:  # noqa: ANN401 - gr.HTML
    """An HTML part with our styles only, and without a script of its own."""
    import gradio as gr

    return gr.HTML(value, elem_id=elem_id, apply_default_css=False, js_on_load=None)
