"""Commands about what is in the index: ingest, documents, verify."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from app import handover, show
from app import summary as summed_up
from app.commands import options
from app.compose import open_engine, open_model
from app.progress import bar
from app.settings import Settings
from indexer.report import IngestOptions

if TYPE_CHECKING:
    from collections.abc import Sequence


def add(cli: typer.Typer) -> None:
    """Add the commands to the command line."""
    cli.command()(ingest)
    cli.command()(documents)
    cli.command()(verify)


def ingest(
    folder: Annotated[Path, typer.Argument(help="Folder of documents.")],
    index: options.IndexOption = None,
    embedder: options.EmbedderOption = None,
    device: options.Device = None,
    allow_download: options.Download = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build a new index beside the old one.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done to each file.")] = False,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Remove the documents of a folder that became empty.")
    ] = False,
    collection: Annotated[str | None, typer.Option(help='Collection to put the folder in ("" for none).')] = None,
    report: Annotated[Path | None, typer.Option(help="Write what became of each file, as JSON lines.")] = None,
    summary: Annotated[
        Path | None, typer.Option(help="Write what the run came to, by format and reason, as JSON.")
    ] = None,
) -> None:
    """Index a folder: only what is new or changed is worked on, what is gone is deleted."""
    asked = IngestOptions(rebuild, dry_run, allow_empty, collection)
    settings = options.settings(index, embedder=embedder, device=device, allow_download=allow_download)
    with bar() as update:
        owner = handover.owner(settings)
        if owner is not None:
            if embedder is not None:
                owner.require_model(open_model(settings).name)
            done = owner.ingest(folder, update, asked)
        else:
            engine = open_engine(settings, f"secondlook ingest {folder}", rebuild=rebuild)
            try:
                done = asdict(engine.ingest(folder, update, **asdict(asked)))
            finally:
                engine.close()
    if report is not None:
        _write(report, done["outcomes"])
    if summary is not None:
        summary.write_text(json.dumps(summed_up.summary(done), indent=1) + "\n", encoding="utf-8")
    if dry_run:
        Console().print(show.plan(done["outcomes"]))
        return
    Console().print(show.report(done["outcomes"], done["seconds"], cancelled=done["cancelled"]), soft_wrap=True)


def documents(
    index: options.IndexOption = None,
    near: Annotated[bool, typer.Option("--near", help="Only groups of documents that say nearly the same.")] = False,
) -> None:
    """List the indexed documents."""
    settings = options.settings(index)
    if near:
        _near_duplicates(settings)
        return
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


def verify(
    index: options.IndexOption = None,
    repair: Annotated[bool, typer.Option("--repair", help="Make the index whole, and say what was done.")] = False,
) -> None:
    """Prove that catalog, dense and sparse vectors hold the same chunks; exit 1 if not."""
    engine = open_engine(options.settings(index), "secondlook verify", create=False)
    try:
        done = engine.index.repair() if repair else []
        wrong = engine.index.verify()
        chunks = engine.index.counts()[1]
    finally:
        engine.close()
    for line in (*done, *wrong):
        print(line)
    if wrong:
        raise typer.Exit(1)
    print(f"{chunks} chunks: catalog, dense and sparse agree.")


def _near_duplicates(settings: Settings) -> None:
    engine = open_engine(settings, "secondlook documents", create=False)
    try:
        groups = engine.index.near_duplicates()
    finally:
        engine.close()
    for group in groups:
        print("\t".join(group))
    if not groups:
        print("No two documents say nearly the same.")


def _write(report: Path, outcomes: Sequence[dict[str, Any]]) -> None:
    report.write_text("".join(json.dumps(one) + "\n" for one in outcomes), encoding="utf-8")
