"""One declaration, every surface: what `search.settings` says is what command line, API and page show."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, get_args

import pytest
import typer
from page_engine import PageEngine

from app.api.wire.application import FiltersBody, SearchRequest, SettingsBody
from app.cli import cli
from app.commands.search import LEFT_OUT as NO_OPTION
from search.filters import FILTER_OPTIONS
from search.settings import Option, SettingField, setting_fields

LEFT_OUT: Mapping[str, frozenset[str]] = {
    "search": NO_OPTION | {"filters"},
    "eval": frozenset({"top_n", "scorer", "sparse", "blend", "cutoff", "filters", "collapse", "explain"}),
    "api": frozenset(),
    "page": frozenset({"blend_by", "filters", "explain"}),
}
"""Settings that a surface does not take as declared: `eval` takes many scorers and blends, the page every sensible
choice; filters are five fields, compared by themselves."""
OTHER_WORDS = {("eval", "candidates")}
"""Settings whose range a surface does not keep, so that its line says none."""
FLAGS = {"kind": "--type"}


@cache
def options(command: str) -> dict[str, Any]:
    """The options of a command by the name of their field."""
    found: Any = typer.main.get_command(cli)
    return {one.name: one for one in found.commands[command].params if one.param_type_name == "option"}


@cache
def kinds(command: str) -> dict[str, Any]:
    """The types of a command's options, by the name of their field."""
    (run,) = (
        one.callback for one in cli.registered_commands if one.callback and command in {one.name, one.callback.__name__}
    )
    return {
        name: get_args(one.annotation)[0]
        for name, one in inspect.signature(run).parameters.items()
        if get_args(one.annotation)
    }


@cache
def components() -> dict[str, Any]:
    """The page's components with a label by that label; of two the one with the value, which comes last."""
    from ui.page import build

    page = build(PageEngine())  # type: ignore[arg-type]
    return {one.label: one for one in page.blocks.values() if getattr(one, "label", None)}


def on_the_command_line(one: SettingField, command: str) -> list[object]:
    """What a command says about a setting, beside what was declared."""
    option = options(command)[one.name]
    said = one.option.help if (command, one.name) in OTHER_WORDS else option.help
    return [said, option.default, kinds(command)[one.name], f"--{one.name.replace('_', '-')}" in option.opts]


def in_the_schema(one: SettingField, body: type[Any]) -> list[object]:
    """What a body's schema says about a setting."""
    stated = body.model_json_schema()["properties"][one.name]
    inner = {**stated, **next((part for part in stated.get("anyOf", ()) if part != {"type": "null"}), {})}
    limits = (inner.get("minimum"), inner.get("maximum"))
    return [stated["description"], stated["default"], tuple(inner.get("enum", ())), limits]


def on_the_page(one: SettingField) -> list[object]:
    """What a control offers for a setting."""
    found = components()[one.option.label]
    choices = tuple((value, label) for label, value in getattr(found, "choices", None) or ())
    slider = (found.minimum, found.maximum, found.step) if one.option.slider else None
    return [found.value, choices if one.choices else (), slider]


def gaps(surface: str, stated: Iterable[SettingField]) -> list[str]:
    """The settings that a surface lacks, or says something else about."""
    found = []
    for one in stated:
        if one.name in LEFT_OUT[surface]:
            continue
        option = one.option
        start = option.start if one.default is None else one.default
        expected: dict[str, list[object]] = {
            "command": [option.help, one.default, one.kind, True],
            "api": [option.help, one.default, one.choices, (option.low, option.high)],
            "page": [start, tuple(option.choices.items()), option.slider],
        }
        try:
            if surface == "api":
                same = all(in_the_schema(one, body) == expected["api"] for body in (SearchRequest, SettingsBody))
            elif surface == "page":
                shown = on_the_page(one)
                same = shown[1:] == expected["page"][1:] and (one.name == "scorer" or shown[0] == start)
            else:
                same = on_the_command_line(one, surface) == expected["command"]
        except KeyError:
            same = False
        if not same:
            found.append(one.name)
    return found


@pytest.mark.parametrize("surface", LEFT_OUT)
def test_a_surface_shows_every_setting_as_it_was_declared(surface: str) -> None:
    assert gaps(surface, setting_fields().values()) == []
    assert LEFT_OUT[surface] <= setting_fields().keys()


@pytest.mark.parametrize("surface", LEFT_OUT)
@pytest.mark.parametrize(
    "change",
    [
        lambda one: replace(one, name="depth", option=replace(one.option, label="Depth")),
        lambda one: replace(one, default=99),
        lambda one: replace(one, option=replace(one.option, slider=(2, 3, 1), high=150, help="Other words.")),
    ],
    ids=["a new setting", "another default", "another range"],
)
def test_a_surface_that_lags_behind_is_found(surface: str, change: Callable[[SettingField], SettingField]) -> None:
    lagging = change(setting_fields()["sparse_weight"])
    assert gaps(surface, [lagging]) == [lagging.name]


@pytest.mark.parametrize("name", FILTER_OPTIONS)
def test_each_filter_is_called_the_same_everywhere(name: str) -> None:
    declared: Option = FILTER_OPTIONS[name]
    option = options("search")[name]
    assert (option.help, option.default) == (declared.help, None)
    assert option.opts == [FLAGS.get(name, f"--{name}")]
    assert FiltersBody.model_json_schema()["properties"][name]["description"] == declared.help
    assert components()[declared.label].value == ""
    assert set(FiltersBody.model_fields) == set(FILTER_OPTIONS)
