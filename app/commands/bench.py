"""Commands that measure speed on this machine; the last line of each is one JSON object."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands import options
from app.compose import open_engine, stay_offline
from app.demo import sample

BENCH = typer.Typer(help="Measure speed on this machine; the last line is JSON.", no_args_is_help=True)


Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file, too.")]


@BENCH.command()
def rerank(
    device: options.Device = None,
    shape: Annotated[
        list[str] | None, typer.Option(help="minilm, xlmr-base, xlmr-large, qwen3 (default: all).")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Passages of mixed length only: within a minute.")] = False,
    corpus: Annotated[Path | None, typer.Option(help="Folder of texts (default: the sample).")] = None,
    budget: Annotated[float | None, typer.Option(help="Begin no cell that would end after so many seconds.")] = None,
    as_json: Json = None,
    resume: Annotated[bool, typer.Option("--resume", help="Measure only what the --json file lacks.")] = False,
) -> None:
    """Rerank 100 passages against CrossEncoder.predict on the same pairs and weights, and this machine's ceiling."""
    from app.bench.rerank import run, table
    from app.bench.shapes import SHAPES

    stay_offline(options.settings())
    unknown = [one for one in shape or () if one not in SHAPES]
    if unknown:
        raise typer.BadParameter(f"--shape knows {', '.join(SHAPES)}, not {unknown[0]}.")
    if resume and as_json is None:
        raise typer.BadParameter("--resume goes on with a file: name it with --json.")
    found = run(
        device,
        shape,
        quick=quick,
        resume=resume,
        corpus=corpus,
        json_path=as_json,
        budget_seconds=budget,
        say=lambda line: print(line, flush=True),
    )
    print(table(found))
    print(json.dumps(found))


@BENCH.command()
def serve(
    callers: Annotated[int, typer.Option(help="How many call at once.")] = 32,
    seconds: Annotated[float, typer.Option(help="For how long.")] = 60.0,
    queue: Annotated[int, typer.Option(help="The server's bound on waiting calls.")] = 64,
    scorer: options.ScorerOption = None,
    device: options.Device = None,
    as_json: Json = None,
) -> None:
    """Call the server from many sides at once and compare with the bare engine on the same pairs."""
    from app.bench.serve import Load, run, small_caches

    settings = options.settings(scorer=scorer, device=device)
    with tempfile.TemporaryDirectory(prefix="secondlook-bench-") as place:
        caches = small_caches(Path(place))
        engine = open_engine(replace(settings, index=Path(place) / "index"), "secondlook bench serve", caches=caches)
        try:
            engine.ingest(sample())
            texts = tuple(chunk.text for chunk in engine.index.all_chunks())
            queries = tuple(_queries())
            found = run(engine, callers, seconds, load=Load(queries, texts), queue_size=queue, caches=caches)
        finally:
            engine.close()
    _tell(found, as_json)


@BENCH.command()
def ingest(
    folder: Annotated[Path | None, typer.Argument(help="Folder of documents (default: the sample).")] = None,
    limit: Annotated[int | None, typer.Option(help="Only so many files, evenly spread.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often both are measured, taking turns.")] = 3,
    many: Annotated[int, typer.Option(min=0, help="Files of the folder for memory and re-run; 0: none.")] = 5000,
    as_json: Json = None,
) -> None:
    """Ingest a folder, by our encoder and by sentence-transformers, and compare with its encode on the same chunks."""
    from app.bench.ingest import run

    stay_offline(options.settings())
    found = run(folder or sample(), limit=limit, rounds=rounds, many=many, say=lambda line: print(line, flush=True))
    _tell(found, as_json)


@BENCH.command()
def search(
    queries: Annotated[int | None, typer.Option(min=1, help="Only so many, evenly spread (default: all).")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is asked with kept token vectors.")] = 3,
    cold: Annotated[int, typer.Option(min=1, help="How many are also asked without token vectors.")] = 15,
    scorer: options.ScorerOption = None,
    device: options.Device = None,
    as_json: Json = None,
) -> None:
    """Ask the sample's judged queries and say where the time of each went, to the last millisecond."""
    from app.bench.search import run, table

    settings = options.settings(scorer=scorer, device=device)
    with tempfile.TemporaryDirectory(prefix="secondlook-bench-") as place:
        found = run(
            settings,
            Path(place),
            as_json,
            queries=queries,
            rounds=rounds,
            cold=cold,
            say=lambda line: print(line, flush=True),
        )
    print(table(found))
    print(json.dumps(found))


def _queries() -> list[str]:
    lines = (sample() / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines if line.strip()]


def _tell(found: dict[str, Any], file: Path | None) -> None:
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for name, value in found.items():
        print(f"{name}: {value}")
    print(json.dumps(found))
