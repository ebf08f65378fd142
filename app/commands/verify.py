"""The command that proves the index whole, or makes it so: verify."""

from __future__ import annotations

from typing import Annotated

import typer

from app.commands import options
from app.compose import open_engine


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
