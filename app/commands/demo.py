"""The main job in one command: demo."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from app import demo as demonstration
from app import handover, show
from app.commands import options
from app.commands.serve import Port, serve_page
from app.compose import open_engine
from app.progress import bar
from app.settings import LOOPBACK, Settings

if TYPE_CHECKING:
    from search.engine import SearchEngine


def demo(
    folder: Annotated[Path | None, typer.Argument(help="Folder to index (default: the shipped sample).")] = None,
    port: Port = None,
    scorer: options.ScorerOption = None,
    device: options.Device = None,
    check: Annotated[bool, typer.Option("--check", help="Run three queries through the page and exit.")] = False,
) -> None:
    """Index a folder and open the page on it: the main job in one command."""
    from app.api.settings import ApiSettings

    place = (folder or demonstration.sample()).expanduser()
    examples = demonstration.examples(place)
    settings = options.settings(scorer=scorer, device=device)
    with tempfile.TemporaryDirectory(prefix="secondlook-") as temporary:
        index = Path(temporary) / "index" if check else demonstration.index_of(place)
        settings = replace(settings, index=index)
        if not check and _already_served(settings):
            return
        engine = open_engine(settings, "secondlook demo", examples)
        try:
            _index(engine, place)
            if check:
                queries = examples[: demonstration.CHECKED_QUERIES] or ("what is this about",)
                if not demonstration.check(engine, ApiSettings(), queries, print):
                    raise typer.Exit(1)
                print(f"{len(queries)} queries answered through the page's own endpoint.")
            else:
                serve_page(engine, LOOPBACK, port, ApiSettings())
        finally:
            engine.close()


def _already_served(settings: Settings) -> bool:
    """True, and it is said where, if another process already shows this index."""
    owner = handover.owner(settings)
    if owner is None:
        return False
    print(f"This folder is already being served: {owner.url}")
    return True


def _index(engine: SearchEngine, folder: Path) -> None:
    with bar() as update:
        done = engine.ingest(folder, progress=update)
    Console().print(show.report(done))
