"""The page's controls by name: what the layout makes and the events bind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from search.filters import FILTER_OPTIONS, typed
from search.settings import SearchSettings, SettingField, setting_fields

AS_MEASURED = "as measured"
"""The share of BM25, or the blend, that was measured to be best, and that gives way where a model cannot read."""
BY_HAND = "by hand"


@dataclass(frozen=True, slots=True)
class SettingControl:
    """One setting of a search on the page."""

    value: Any
    by_hand: Any = None
    """What says whether the value counts; None for a setting that always has one."""

    def read(self, given: Mapping[Any, Any]) -> Any:  # noqa: ANN401 - whatever the component holds
        """The setting's value among those of all components; None where it is not set by hand."""
        if self.by_hand is not None and given[self.by_hand] in {AS_MEASURED, False}:
            return None
        return given[self.value]

    @property
    def components(self) -> tuple[Any, ...]:
        """The components that `read` looks at."""
        return (self.value,) if self.by_hand is None else (self.by_hand, self.value)


@dataclass(frozen=True, slots=True)
class FilterControls:
    """A control for each field of `Filters`."""

    collection: Any
    path: Any
    kind: Any
    since: Any
    until: Any

    def __iter__(self) -> Iterator[Any]:
        """Each of them, as they are shown."""
        return (getattr(self, one.name) for one in fields(self))


@dataclass(frozen=True, slots=True)
class Controls:
    """Every Gradio component that an event reads or writes."""

    visit: Any
    """gr.State: this visitor's last result."""
    stop: Any
    """gr.State: the flag of this visitor's running ingest."""
    header: Any
    query: Any
    search: Any
    examples: tuple[tuple[str, Any], ...]
    """Each example query with its button."""
    trouble: Any
    result: Any
    settings: Mapping[str, SettingControl]
    """By the field of `SearchSettings`; a field without a control keeps its default."""
    filters: FilterControls
    filter_box: Any
    """The fold that holds them; its label says how many ask for something."""
    clear: Any
    prompts: Any
    template: Any
    budget: Any
    folder: Any
    start: Any
    cancel: Any
    report: Any
    wanted: Any
    documents: Any
    about: Any

    @property
    def asked(self) -> set[Any]:
        """Every component that a search reads."""
        settings = (part for one in self.settings.values() for part in one.components)
        return {self.query, *settings, *self.filters, self.template, self.budget}

    def read(self, given: Mapping[Any, Any]) -> SearchSettings:
        """The settings of a search that the values of all components ask for."""
        values = {name: one.read(given) for name, one in self.settings.items()}
        return settings_of(values, {name: given[getattr(self.filters, name)] for name in FILTER_OPTIONS})


def settings_of(values: Mapping[str, Any], filters: Mapping[str, str | None]) -> SearchSettings:
    """The settings of values as a person's controls hold them, by name: whole numbers may be floats, names empty."""
    fields = setting_fields()
    stated = {name: _plain(fields[name], value) for name, value in values.items()}
    wanted = typed(**filters)
    return SearchSettings(**stated, filters=None if wanted.empty else wanted)


def set_up(name: str, **view: Any) -> Any:  # noqa: ANN401 - a gradio component, and its looks
    """A component for one setting with the label, choices, range and default declared; `view` says how it looks."""
    import gradio as gr

    one = setting_fields()[name]
    option = one.option
    looks = {"label": option.label, **view}
    if one.choices:
        return gr.Radio([(option.choices[value], value) for value in one.choices], value=one.default, **looks)
    if one.kind is bool:
        return gr.Checkbox(value=one.default, **looks)
    start = option.start if one.default is None else one.default
    if option.slider is None:
        return gr.Number(start, **looks)
    low, high, step = option.slider
    return gr.Slider(low, high, start, step=step, **looks)


def _plain(one: SettingField, value: Any) -> Any:  # noqa: ANN401 - whatever the component holds
    if one.kind is int:
        return int(value)
    return None if value == "" else value
