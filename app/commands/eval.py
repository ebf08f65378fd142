"""The command that measures quality on judged queries: eval."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from app.commands import options
from search.settings import MAX_CANDIDATES, SearchSettings


@options.searching(
    "candidates",
    "blend_by",
    "fusion",
    "sparse_weight",
    helps={"candidates": "Passages that get a second look."},  # of a run's list as many as it has
)
def evaluate(
    dataset: Annotated[Path, typer.Argument(help="BEIR-layout folder, or a folder of documents with qrels.tsv.")],
    split: Annotated[str, typer.Option(help="qrels/<split>.tsv.")] = "test",
    run: Annotated[Path | None, typer.Option(help="TREC run file: rerank its candidates, index nothing.")] = None,
    scorers: Annotated[str | None, typer.Option(help="Second stages, separated by commas.")] = None,
    *,
    asked: SearchSettings,
    blend: Annotated[str | None, typer.Option(help="First-stage shares, separated by commas.")] = None,
    relevant: Annotated[int, typer.Option(help="Smallest grade that counts as relevant (TREC DL: 2).")] = 1,
    queries: Annotated[int | None, typer.Option(help="Only so many queries, evenly spread.")] = None,
    curve: Annotated[bool, typer.Option("--curve", help="Candidate count and cut-off against quality.")] = False,
    tune: Annotated[
        bool, typer.Option("--tune", help="Compare every fusion and blend: on queries that you report nothing on.")
    ] = False,
    minimum: Annotated[
        list[str] | None, typer.Option("--min", help="Exit 1 if the last system misses it: ndcg@10=0.33")
    ] = None,
    as_json: Annotated[Path | None, typer.Option("--json", help="Write the report to this file.")] = None,
    embedder: options.EmbedderOption = None,
    device: options.Device = None,
    allow_download: options.Download = False,
) -> None:
    """Measure BM25, dense, hybrid and each second stage on judged queries, with intervals and paired tests."""
    from app import evaluate as evaluation
    from app import show_eval
    from search.measure.report import missed, to_dict

    replace(asked, candidates=min(asked.candidates, MAX_CANDIDATES)).check()  # of a judged list as many as are wanted
    if tune and run is not None:
        raise typer.BadParameter("--tune compares fusions of an index: it does not go with --run.")
    floors = _floors(minimum or [])
    names = tuple(one.strip() for one in scorers.split(",")) if scorers else ()
    plan = evaluation.Trial(
        folder=dataset,
        split=split,
        run=run,
        scorers=names,
        blends=tuple(float(one) for one in blend.split(",")) if blend else None,
        search=replace(asked, explain=False),
        queries=queries,
        relevant=relevant,
        curve=curve,
        tune=tune,
    )
    settings = options.settings(embedder=embedder, device=device, allow_download=allow_download)
    with Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("queries", total=None)
        report = evaluation.evaluate(
            plan, settings, lambda done, total: shown.update(task, completed=done, total=total)
        )
    Console().print(show_eval.report(report))
    if as_json is not None:
        as_json.parent.mkdir(parents=True, exist_ok=True)
        as_json.write_text(json.dumps(to_dict(report), indent=1) + "\n", encoding="utf-8")
    sentences = missed(report.systems[-1], floors)
    for sentence in sentences:
        print(sentence)
    if sentences:
        raise typer.Exit(1)


def _floors(stated: list[str]) -> dict[str, float]:
    from search.measure.metrics import NAMES

    floors = {}
    for one in stated:
        name, _, value = one.partition("=")
        try:
            floors[name] = float(value)
        except ValueError as wrong:
            raise typer.BadParameter(f"--min is METRIC=NUMBER, not {one}.") from wrong
        if name not in NAMES:
            raise typer.BadParameter(f"--min knows {', '.join(NAMES)}, not {name}.")
    return floors
