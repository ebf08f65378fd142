"""The command that indexes a folder: ingest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app import handover, show
from app import summary as summed_up
from app.commands import options
from app.compose import open_engine, open_model
from app.progress import bar
from indexer.report import FileOutcome, IngestOptions


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
            done = owner.ingest(folder, asked, progress=update)
        else:
            engine = open_engine(settings, f"secondlook ingest {folder}", rebuild=rebuild)
            try:
                done = engine.ingest(folder, asked, progress=update)
            finally:
                engine.close()
    if report is not None:
        _write(report, done.outcomes)
    if summary is not None:
        summary.write_text(json.dumps(asdict(summed_up.summary(done)), indent=1) + "\n", encoding="utf-8")
    if dry_run:
        Console().print(show.plan(done))
        return
    Console().print(show.report(done), soft_wrap=True)


def _write(report: Path, outcomes: Sequence[FileOutcome]) -> None:
    report.write_text("".join(json.dumps(asdict(one)) + "\n" for one in outcomes), encoding="utf-8")
