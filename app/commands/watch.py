"""The command that stays beside a folder: watch."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app import handover
from app.commands import options
from app.compose import open_engine, open_model
from app.settings import Settings
from indexer.errors import EmbedderError, FingerprintMismatch, IndexerError, StoreLocked
from indexer.report import IngestOptions, IngestReport
from rerank.models.running import Cancel
from search.errors import SearchError

if TYPE_CHECKING:
    from indexer.embed.contract import Embedder


RETRY_SECONDS = 2.0
"""Pause before a held index is tried again."""


_PASSING = (IndexerError, SearchError, handover.OwnerError)
"""A folder that is away, an owner that is busy: said, and tried again."""


_DONE = ("added", "changed", "renamed", "removed", "failed")


def watch(
    folder: Annotated[Path, typer.Argument(help="Folder of documents.")],
    index: options.IndexOption = None,
    embedder: options.EmbedderOption = None,
    device: options.Device = None,
    allow_download: options.Download = False,
    collection: Annotated[str | None, typer.Option(help='Collection to put the folder in ("" for none).')] = None,
) -> None:
    """Index a folder now and after every change, until stopped; the index is only held while there is work."""
    from indexer.ingest.watch import bursts

    settings = options.settings(index, embedder=embedder, device=device, allow_download=allow_download)
    asked = IngestOptions(collection=collection)
    with _stopping() as (stop, cancel):
        model = open_model(settings)
        _ingest(folder, settings, asked, model, cancel)
        print(f"Watching {folder}   (Ctrl-C stops)", flush=True)
        behind, said = True, ""  # what changed between the first run and the start of watching is looked for
        for changed in bursts(folder, stop, settings.index):
            if not changed and not behind:
                continue
            try:
                _ingest(folder, settings, asked, model, cancel)
                behind, said = False, ""
            except (EmbedderError, FingerprintMismatch):
                raise
            except _PASSING as reason:
                behind = True
                if str(reason) != said:
                    said = str(reason)
                    print(f"Not indexed yet: {said}", flush=True)
    print("Stopped.")


@contextmanager
def _stopping() -> Iterator[tuple[threading.Event, Cancel]]:
    """Set the event and the flag on SIGINT and SIGTERM, so that a run ends with a whole index; a second one kills."""
    stop, cancel = threading.Event(), Cancel()
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def end(*_: object) -> None:
        stop.set()
        cancel.request()
        for number, handler in kept.items():
            signal.signal(number, handler)

    for number in kept:
        signal.signal(number, end)
    try:
        yield stop, cancel
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _ingest(folder: Path, settings: Settings, asked: IngestOptions, model: Embedder, cancel: Cancel) -> None:
    """Bring the folder into the index, here or in the process that owns it, and print what changed."""
    while not cancel:
        owner = handover.owner(settings)
        try:
            if owner is not None:
                if settings.embedder is not None:
                    owner.require_model(model.name)
                done = owner.ingest(folder, asked, cancel=cancel)
            else:
                engine = open_engine(settings, f"secondlook watch {folder}", embedder=model)
                try:
                    done = engine.ingest(folder, asked, cancel=cancel)
                finally:
                    engine.close()
        except StoreLocked:
            time.sleep(RETRY_SECONDS)
            continue
        _say(done)
        return


def _say(done: IngestReport) -> None:
    counts = done.counts
    said = ", ".join(f"{counts[kind]} {kind}" for kind in _DONE if counts[kind])
    if said:
        print(f"{time.strftime('%H:%M:%S')} {said} in {done.seconds:.1f} s", flush=True)
