"""Commands about what is in the index: ingest, documents, verify."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from app import handover, show
from app.commands import options
from app.compose import open_engine
from app.progress import bar

if TYPE_CHECKING:
    from collections.abc import Sequence


def add(cli: typer.Typer) -> None:
    """Add the commands to the command line."""
    cli.command()(ingest)
    cli.command()(documents)
    cli.command()(verify)


def ingest(
    folder: Annotated[Path, typer.Argument(help="Folder of documents.")],
    index: options.Index = None,
    embedder: options.Embedder = None,
    device: options.Device = None,
    allow_download: options.Download = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Drop the index and build it again.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write what became of each file, as JSON lines.")] = None,
) -> None:
    """Index a folder: only what is new or changed is worked on, what is gone is deleted."""
    settings = options.settings(index, embedder=embedder, device=device, allow_download=allow_download)
    with bar() as update:
        owner = handover.owner(settings)
        if owner is not None:
            done = owner.ingest(folder, update, rebuild=rebuild)
        else:
            engine = open_engine(settings, f"secondlook ingest {folder}", rebuild=rebuild)
            try:
                done = asdict(engine.ingest(folder, update, rebuild=rebuild))
            finally:
                engine.close()
    if report is not None:
        _write(report, done["outcomes"])
    Console().print(show.report(done["outcomes"], done["seconds"], cancelled=done["cancelled"]))


def documents(index: options.Index = None) -> None:
    """List the indexed documents."""
    settings = options.settings(index)
    owner = handover.owner(settings)
    if owner is not None:
        rows = owner.documents()
    else:
        engine = open_engine(settings, "secondlook documents", create=False)
        try:
            rows = [asdict(one) for one in engine.documents()]
        finally:
            engine.close()
    for row in rows:
        print(f"{row['path']}\t{row['chunks']} chunks\t{row['note']}".rstrip())


def verify(index: options.Index = None) -> None:
    """Prove that catalog, dense and sparse vectors hold the same chunks; exit 1 if not."""
    engine = open_engine(options.settings(index), "secondlook verify", create=False)
    try:
        wrong = engine.verify()
        chunks = engine.state().chunks
    finally:
        engine.close()
    for line in wrong:
        print(line)
    if wrong:
        raise typer.Exit(1)
    print(f"{chunks} chunks: catalog, dense and sparse agree.")


def _write(report: Path, outcomes: Sequence[dict[str, Any]]) -> None:
    report.write_text("".join(json.dumps(one) + "\n" for one in outcomes), encoding="utf-8")
