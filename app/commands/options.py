"""Options that several commands share, and the settings that they make."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import wraps
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from app.settings import Settings, from_environment
from indexer.catalog.filters import Filters
from search.filters import FILTER_OPTIONS
from search.settings import SearchSettings, setting_fields

IndexOption = Annotated[Path | None, typer.Option("--index", help="Folder of the index (default: one place per user).")]
EmbedderOption = Annotated[
    str | None, typer.Option(help="Embedding model: name, path or URL (default: packaged MiniLM).")
]
ScorerOption = Annotated[
    str | None, typer.Option(help="Second stage: a name from `secondlook models`, a path, or a server.")
]
Device = Annotated[str | None, typer.Option(help="cuda, cpu, ... (default: the fastest there is).")]
Download = Annotated[bool, typer.Option("--allow-download", help="Fetch a missing model from the hub.")]
RemoteCode = Annotated[bool, typer.Option("--trust-remote-code", help="Run Python code that a checkpoint brings.")]

ASKED = "asked"
"""The parameter of a command that `searching` turns into options."""
_FLAGS = {"kind": ("--type",)}
"""Options that are not called as their field."""
_AS_DECLARED: Mapping[str, str] = MappingProxyType({})


def settings(
    index: Path | None = None,
    *,
    embedder: str | None = None,
    scorer: str | None = None,
    device: str | None = None,
    allow_download: bool = False,
    trust_remote_code: bool = False,
) -> Settings:
    """The environment's settings with the stated options put over them."""
    base = from_environment()
    return replace(
        base,
        index=index.expanduser() if index else base.index,
        embedder=embedder or base.embedder,
        scorer=scorer or base.scorer,
        device=device or base.device,
        allow_download=allow_download or base.allow_download,
        trust_remote_code=trust_remote_code or base.trust_remote_code,
    )


def searching(
    *names: str, helps: Mapping[str, str] = _AS_DECLARED
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A decorator that turns the parameter `asked: SearchSettings` of a command into one option for each named setting.

    Type, default and help are those of the declaration (`search.settings`). "filters" becomes an option for each.

    Args:
        names: fields of `SearchSettings`, in the order in which they are shown; others keep their defaults.
        helps: lines in the place of those declared, by name.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)
        shown = tuple(_shown(names, helps))

        @wraps(command)
        def run(**given: Any) -> None:  # noqa: ANN401 - whatever a command takes
            values = {one.name: given.pop(one.name) for one in shown}
            if "filters" in names:
                filters = Filters(**{name: values.pop(name) for name in FILTER_OPTIONS})
                values["filters"] = None if filters.empty else filters
            command(**given, **{ASKED: SearchSettings(**values)})

        parameters = (
            one
            for parameter in signature.parameters.values()
            for one in (shown if parameter.name == ASKED else (parameter,))
        )
        run.__dict__["__signature__"] = signature.replace(parameters=tuple(parameters))
        return run

    return decorate


def _shown(names: tuple[str, ...], helps: Mapping[str, str]) -> Iterator[inspect.Parameter]:
    """The parameters of a command that ask for those settings."""
    fields = setting_fields()
    for name in names:
        if name == "filters":
            for filtered, option in FILTER_OPTIONS.items():
                yield _option(filtered, str | None, None, option.help)
        else:
            one = fields[name]
            yield _option(name, one.kind, one.default, helps.get(name, one.option.help))


def _option(name: str, kind: Any, default: object, said: str) -> inspect.Parameter:  # noqa: ANN401 - a type or union
    annotation = Annotated[kind, typer.Option(*_FLAGS.get(name, ()), help=said)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
