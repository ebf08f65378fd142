"""The command that asks: search."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Annotated

import typer
from rich.console import Console

from app import handover, show
from app.commands import options
from app.compose import open_engine
from search.languages import prepare
from search.result import to_dict
from search.settings import SearchSettings, setting_fields

LEFT_OUT = frozenset({"scorer", "explain"})
"""Settings without an option of their own: --scorer is a name, a path or a server, as in every command that opens an
index; explanations are always made."""


@options.searching(*(name for name in setting_fields() if name not in LEFT_OUT))
def search(
    query: Annotated[str, typer.Argument(help="What you are looking for.")],
    index: options.IndexOption = None,
    embedder: options.EmbedderOption = None,
    scorer: options.ScorerOption = None,
    device: options.Device = None,
    allow_download: options.Download = False,
    trust_remote_code: options.RemoteCode = False,
    *,
    asked: SearchSettings,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")] = False,
) -> None:
    """Search the index and show the ranking before and after the second look."""
    settings = options.settings(
        index,
        embedder=embedder,
        scorer=scorer,
        device=device,
        allow_download=allow_download,
        trust_remote_code=trust_remote_code,
    )
    wanted = replace(asked, scorer=scorer)
    wanted.check()
    owner = handover.owner(settings)
    if owner is not None:
        found = owner.search(query, wanted)
    else:
        prepare()
        engine = open_engine(settings, "secondlook search", create=False)
        try:
            found = engine.search(query, wanted)
        finally:
            engine.close()
    if as_json:
        json.dump(to_dict(found), sys.stdout, ensure_ascii=False, indent=2)
        print()
    else:
        Console().print(show.result(found))
