"""The Gradio page: its layout over a search engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from search import prompt
from search.filters import FILTER_OPTIONS
from search.scorers import NO_SCORER
from search.settings import setting_fields
from ui.controls import AS_MEASURED, BY_HAND, Controls, FilterControls, SettingControl, set_up
from ui.events import ALL, Handlers, bind, filters_label
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
    settings: dict[str, SettingControl] = {}
    with gr.Row(elem_id="sl-settings", equal_height=True):
        settings["scorer"] = SettingControl(_scorer(scorers))
        settings["candidates"] = SettingControl(set_up("candidates", scale=2, min_width=180))
        settings["top_n"] = SettingControl(set_up("top_n", elem_id="sl-top-n", scale=2, min_width=180))
    with gr.Accordion("More settings", open=False, elem_id="sl-more-settings"):
        with gr.Row():
            with gr.Column(min_width=220):
                settings["fusion"] = SettingControl(set_up("fusion"))
                settings["sparse_weight"] = _measured("sparse_weight", "Share of BM25")
            settings["sparse"] = SettingControl(set_up("sparse", min_width=220))
            with gr.Column(min_width=220):
                settings["blend"] = _measured("blend", "Blend with the first stage")
            with gr.Column(min_width=220):
                cut = gr.Checkbox(value=False, label="Cut below a score")
                settings["cutoff"] = SettingControl(set_up("cutoff", step=0.05, visible=False), cut)
                settings["collapse"] = SettingControl(set_up("collapse"))
        _html(view_scorers(scorers))
    parts["settings"] = settings
    parts |= _lay_out_filters()
    parts["trouble"] = _html(elem_id="sl-trouble")
    parts["result"] = _html(view_welcome(), elem_id="sl-result")
    return parts


def _scorer(scorers: Sequence[ScorerChoice]) -> Any:  # noqa: ANN401 - gr.Dropdown
    """The choice of a second stage, among those that can run here."""
    import gradio as gr

    choices = [
        (f"{one.label} ({one.licence})" if one.licence else one.label, one.name) for one in scorers if one.available
    ]
    if all(name != NO_SCORER for _, name in choices):
        choices.append(("No second look", NO_SCORER))
    label = setting_fields()["scorer"].option.label
    return gr.Dropdown(
        choices,
        value=choices[0][1],
        label=label,
        filterable=False,
        scale=2,
        min_width=220,
    )


def _measured(name: str, label: str) -> SettingControl:
    """A setting that is as measured until a person sets it by hand."""
    import gradio as gr

    mode = gr.Radio([("As measured", AS_MEASURED), ("Set by hand", BY_HAND)], value=AS_MEASURED, label=label)
    return SettingControl(set_up(name, visible=False), mode)


def _lay_out_filters() -> dict[str, Any]:
    import gradio as gr

    def text(name: str, **view: Any) -> Any:  # noqa: ANN401 - gr.Textbox, and its looks
        option = FILTER_OPTIONS[name]
        return gr.Textbox("", label=option.label, placeholder=option.example, max_lines=1, **view)

    def choice(name: str, **view: Any) -> Any:  # noqa: ANN401 - gr.Dropdown, and its looks
        return gr.Dropdown([ALL], value="", label=FILTER_OPTIONS[name].label, filterable=False, min_width=200, **view)

    with gr.Accordion(filters_label(0), open=False, elem_id="sl-filters") as box, gr.Row(equal_height=False):
        filters = FilterControls(
            collection=choice("collection", visible=False),
            path=text("path", min_width=200, elem_id="sl-path"),
            kind=choice("kind", elem_id="sl-kind"),
            since=text("since", min_width=130),
            until=text("until", min_width=130),
        )
        clear = gr.Button("Clear", min_width=90, scale=0, elem_id="sl-clear")
    return {"filters": filters, "filter_box": box, "clear": clear}


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
