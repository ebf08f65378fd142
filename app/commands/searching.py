"""Commands that ask: search, models."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console

from app import handover, show
from app.commands import options
from app.compose import open_engine, stay_offline
from indexer.catalog.filters import Filters
from search.languages import prepare
from search.result import BLENDS_BY, DEFAULT_CANDIDATES, DEFAULT_TOP_N, FUSIONS, SearchSettings, to_dict


def add(cli: typer.Typer) -> None:
    """Add the commands to the command line."""
    cli.command()(search)
    cli.command()(models)


def search(
    query: Annotated[str, typer.Argument(help="What you are looking for.")],
    index: options.IndexOption = None,
    embedder: options.EmbedderOption = None,
    scorer: options.ScorerOption = None,
    device: options.Device = None,
    allow_download: options.Download = False,
    trust_remote_code: options.RemoteCode = False,
    candidates: Annotated[int, typer.Option(help="Passages that get a second look, 1 to 200.")] = DEFAULT_CANDIDATES,
    top_n: Annotated[int, typer.Option(help="Passages shown.")] = DEFAULT_TOP_N,
    fusion: Annotated[str, typer.Option(help="zscore, weighted or rrf.")] = "zscore",
    sparse_weight: Annotated[float | None, typer.Option(help="Share of BM25, 0 to 1; else as measured.")] = None,
    sparse: Annotated[str, typer.Option(help="qdrant or rank-bm25.")] = "qdrant",
    blend: Annotated[float | None, typer.Option(help="Share of the first stage in the final order, 0 to 1.")] = None,
    blend_by: Annotated[str, typer.Option(help="What is blended: scores (standardised) or ranks.")] = "scores",
    cutoff: Annotated[float | None, typer.Option(help="Cut passages that score below this.")] = None,
    collection: Annotated[str | None, typer.Option(help='Only folders in this collection ("": in none).')] = None,
    path: Annotated[str | None, typer.Option(help="Only paths like this glob: *.pdf, notes/, notes/**/*.md.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Only this type: pdf, markdown, md, ...")] = None,
    since: Annotated[str | None, typer.Option(help="Only files changed at this date or later: 2026-01-31.")] = None,
    until: Annotated[str | None, typer.Option(help="Only files changed at this date or earlier.")] = None,
    collapse: Annotated[
        bool,
        typer.Option(
            "--collapse/--no-collapse", help="Fold passages that say the same, figures included, into the best one."
        ),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")] = False,
) -> None:
    """Search the index and show the ranking before and after the second look."""
    settings = options.settings(
        index,
        embedder=embedder,
        scorer=scorer,
        device=device,
        allow_download=allow_download,
        trust_remote_code=trust_remote_code,
    )
    if fusion not in FUSIONS:
        raise typer.BadParameter(f"--fusion is zscore, weighted or rrf, not {fusion}.")
    if blend_by not in BLENDS_BY:
        raise typer.BadParameter(f"--blend-by is scores or ranks, not {blend_by}.")
    if sparse not in {"qdrant", "rank-bm25"}:
        raise typer.BadParameter(f"--sparse is qdrant or rank-bm25, not {sparse}.")
    filters = Filters(collection, path, kind, since, until)
    wanted = SearchSettings(
        candidates=candidates,
        top_n=top_n,
        scorer=scorer,
        fusion=fusion,
        sparse=sparse,  # type: ignore[arg-type]
        sparse_weight=sparse_weight,
        blend=blend,
        blend_by=blend_by,
        cutoff=cutoff,
        filters=None if filters.empty else filters,
        collapse=collapse,
    )
    owner = handover.owner(settings)
    if owner is not None:
        found: dict[str, Any] = owner.search(query, wanted)
    else:
        prepare()
        engine = open_engine(settings, "secondlook search", create=False)
        try:
            found = to_dict(engine.search(query, wanted))
        finally:
            engine.close()
    if as_json:
        json.dump(found, sys.stdout, ensure_ascii=False, indent=2)
        print()
    else:
        Console().print(show.result(found))


def models() -> None:
    """List the named second stages: size, licence, what a score means, whether they are here, how to get them."""
    from rerank.profiles import available, list_profiles

    stay_offline(options.settings())
    Console().print(show.models((profile, *available(profile)) for profile in list_profiles()))
