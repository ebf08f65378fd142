"""The command that shows how one file would be read and cut: chunks."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.commands import options

if TYPE_CHECKING:
    from indexer.chunk import Chunk
    from indexer.embed.contract import Embedder
    from indexer.read.text import Text


HEAD = 70
"""Characters of a chunk's text that are shown."""


def chunks(
    file: Annotated[Path, typer.Argument(help="A document.")],
    size: Annotated[int | None, typer.Option(help="Tokens in a chunk.", min=8)] = None,
    overlap: Annotated[int | None, typer.Option(help="Tokens repeated from the chunk before.", min=0)] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object per chunk, the whole text included.")
    ] = False,
    embedder: options.EmbedderOption = None,
    device: options.Device = None,
    allow_download: options.Download = False,
) -> None:
    """Show how a file would be read and cut: offsets, tokens, page or line, headings above, and how the text begins."""
    from app.compose import open_model
    from indexer.read.by_name import load
    from indexer.read.worker import Worker
    from indexer.split.split import DEFAULT_OVERLAP, DEFAULT_SIZE, split

    size = size or DEFAULT_SIZE
    overlap = min(DEFAULT_OVERLAP, size // 5) if overlap is None else overlap
    if overlap >= size:
        raise typer.BadParameter(f"--overlap is less than --size ({size}), not {overlap}.")
    with Worker() as worker:
        text = worker.read(load(file).raw, file.suffix.lower())
    model = open_model(options.settings(embedder=embedder, device=device, allow_download=allow_download))
    found = split(text, file.name, model, size=size, overlap=overlap)
    if as_json:
        for one in found:
            print(json.dumps({**asdict(one), "tokens": model.count_tokens(one.text)}, ensure_ascii=True))
    else:
        Console().print(_table(file, text, found, model))
        for note in text.notes:
            print(f"note: {note}")


def _table(file: Path, text: Text, found: list[Chunk], model: Embedder) -> Table:
    from indexer.ingest.scan import shown

    called = f"{shown(file)}: {text.kind}, {len(text.text):,} characters, {len(found)} chunks"
    table = Table(title=escape(called), title_justify="left", header_style="bold")
    for name in ("#", "offsets", "tokens", "place"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("under", overflow="fold")
    table.add_column("text", overflow="fold")
    for one in found:
        place = f"page {one.page}" if one.page else f"line {one.line}" if one.line else ""
        head = " ".join(one.text.split())[:HEAD]
        table.add_row(
            str(one.ordinal),
            f"{one.start}-{one.end}",
            str(model.count_tokens(one.text)),
            place,
            escape(one.context),
            escape(head),
        )
    return table
