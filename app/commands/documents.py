"""The command that lists what is indexed: documents."""

from __future__ import annotations

from typing import Annotated

import typer

from app import handover
from app.commands import options
from app.compose import open_engine
from app.settings import Settings


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
            rows = engine.documents()
        finally:
            engine.close()
    for row in rows:
        print(f"{row.path}\t{row.chunks} chunks\t{row.note}".rstrip())


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
