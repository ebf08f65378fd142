"""Commands that stay: demo, serve; and doctor, which looks at what they would run on."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from app import demo as demonstration
from app import doctor as examination
from app import handover, server, show
from app.commands import options
from app.compose import open_engine
from app.ports import listen
from app.progress import bar
from app.settings import DEFAULT_PORT, LOOPBACK, Settings

if TYPE_CHECKING:
    from search.engine import SearchEngine

Port = Annotated[int | None, typer.Option(help=f"Port (default: {DEFAULT_PORT}, or the next free one).")]


def add(cli: typer.Typer) -> None:
    """Add the commands to the command line."""
    cli.command()(demo)
    cli.command()(serve)
    cli.command()(doctor)


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
                _serve(engine, LOOPBACK, port, ApiSettings())
        finally:
            engine.close()


def serve(
    index: options.IndexOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on; other than loopback needs a key.")] = LOOPBACK,
    port: Port = None,
    embedder: options.EmbedderOption = None,
    scorer: options.ScorerOption = None,
    device: options.Device = None,
    allow_download: options.Download = False,
    trust_remote_code: options.RemoteCode = False,
    alias: Annotated[
        list[str] | None, typer.Option(help='Let a name answer for another: NAME=TARGET, for example "*=bundled".')
    ] = None,
    keys_file: Annotated[Path | None, typer.Option(help="File of API keys, one per line.")] = None,
) -> None:
    """Serve the page and the HTTP API (Jina, Cohere, TEI and OpenAI shapes) over an index."""
    from app.api import access_log
    from app.api.settings import from_environment as api_settings

    settings = options.settings(
        index,
        embedder=embedder,
        scorer=scorer,
        device=device,
        allow_download=allow_download,
        trust_remote_code=trust_remote_code,
    )
    api = api_settings(host, alias or [], keys_file)
    access_log.write_to(sys.stderr)
    engine = open_engine(settings, "secondlook serve")
    try:
        _serve(engine, host, port, api)
    finally:
        engine.close()


def doctor(
    index: options.IndexOption = None, scorer: options.ScorerOption = None, device: options.Device = None
) -> None:
    """Say what is installed, what runs where, and whether the index is whole."""
    Console().print(show.checks(examination.examine(options.settings(index, scorer=scorer, device=device))))


def _already_served(settings: Settings) -> bool:
    """Return True, and say where, if another process already shows this index."""
    owner = handover.owner(settings)
    if owner is None:
        return False
    print(f"This folder is already being served: {owner.url}")
    return True


def _index(engine: SearchEngine, folder: Path) -> None:
    with bar() as update:
        done = asdict(engine.ingest(folder, update))
    Console().print(show.report(done["outcomes"], done["seconds"], cancelled=done["cancelled"]))


def _serve(engine: SearchEngine, host: str, port: int | None, api: object) -> None:
    bound = listen(host, port or DEFAULT_PORT, strict=port is not None)
    url = server.address(bound)
    application = server.build(engine, api, url)  # type: ignore[arg-type]
    engine.index.set_url(url)
    state = engine.state()
    print(f"{state.documents} documents, {state.chunks} chunks. Second look: {state.runtime}")
    print(f"Open {url}   (Ctrl-C stops)", flush=True)
    server.serve(application, bound)
