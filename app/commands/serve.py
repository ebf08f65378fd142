"""The command that stays and answers: serve."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app import server
from app.commands import options
from app.compose import open_engine
from app.ports import listen
from app.settings import DEFAULT_PORT, LOOPBACK

if TYPE_CHECKING:
    from app.api.settings import ApiSettings
    from search.engine import SearchEngine

Port = Annotated[int | None, typer.Option(help=f"Port (default: {DEFAULT_PORT}, or the next free one).")]


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
        serve_page(engine, host, port, api)
    finally:
        engine.close()


def serve_page(engine: SearchEngine, host: str, port: int | None, api: ApiSettings) -> None:
    """Listen, announce the address, and answer with page and API until stopped."""
    bound = listen(host, port or DEFAULT_PORT, strict=port is not None)
    url = server.address(bound)
    application = server.build(engine, api, url)
    engine.index.set_url(url)
    state = engine.state()
    print(f"{state.documents} documents, {state.chunks} chunks. Second look: {state.runtime}")
    print(f"Open {url}   (Ctrl-C stops)", flush=True)
    server.serve(application, bound)
