"""Evaluation of a judged dataset, end to end: index it (or take a candidate list), run every system, report."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.compose import open_engine, open_scorers, stay_offline
from app.settings import Settings
from indexer.chunk import Chunk
from search.measure import evaluation, judged
from search.measure.evaluation import Pass, SecondStage
from search.measure.judged import BadDataset, Judged
from search.result import SearchSettings
from search.second import LIST_BLENDS

Telling = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """What to evaluate."""

    folder: Path
    split: str = "test"
    run: Path | None = None
    """A TREC run file to rerank instead of an index of the corpus."""
    scorers: tuple[str, ...] = ()
    blends: tuple[float, ...] | None = None
    """Shares of the first stage; None is 0 and each scorer's measured default."""
    search: SearchSettings = field(default_factory=SearchSettings)
    queries: int | None = None
    """Only so many queries, every n-th in file order."""
    relevant: int = 1
    curve: bool = False
    tune: bool = False
    """Whether every fusion and blend is compared."""


def evaluate(plan: Trial, settings: Settings, progress: Telling | None = None) -> dict[str, Any]:
    """Return the report: dataset, queries, systems with means and intervals, milliseconds, curves if asked for."""
    stay_offline(settings)
    data = judged.load(plan.folder, plan.split)
    data = _sampled(data, plan.queries)
    if plan.run is None:
        data = _by_file(data)
    if plan.run is not None:
        gathered, stages, first = _rerank_only(plan, data, settings, progress)
    else:
        gathered, stages, first = _whole(plan, data, settings, progress)
    report: dict[str, Any] = {
        "dataset": data.name,
        "split": plan.split,
        "first_stage": str(plan.run.name) if plan.run else "hybrid",
        "candidates": plan.search.candidates,
        "fusion": plan.search.fusion,
        "blend_by": plan.search.blend_by,
        **evaluation.summary(gathered, data.qrels, first, plan.relevant),
    }
    if plan.curve:
        report["curves"] = {stage.name: _curves(gathered, stage, data, plan.relevant) for stage in stages}
    if plan.tune:
        report["tuning"] = evaluation.tuning(gathered, stages, data.qrels, plan.relevant)
    return report


def _curves(gathered: Pass, stage: SecondStage, data: Judged, relevant: int) -> dict[str, Any]:
    blend = max(stage.blends)
    return {
        "blend": blend,
        "candidates": evaluation.candidate_curve(gathered, stage, blend, data.qrels, relevant),
        "cutoff": evaluation.cutoff_curve(gathered, stage.name, data.qrels, relevant),
    }


def _rerank_only(
    plan: Trial, data: Judged, settings: Settings, progress: Telling | None
) -> tuple[Pass, tuple[SecondStage, ...], str]:
    if data.corpus is None or plan.run is None:
        raise BadDataset(f"{plan.folder} has no corpus.jsonl: --run needs the texts of the candidates.")
    lists = {
        query: [(_chunk(one, data.corpus), score) for one, score in documents if one in data.corpus][
            : plan.search.candidates
        ]
        for query, documents in judged.candidates(plan.run).items()
    }
    stages = _stages(plan, settings)
    return evaluation.from_candidates(lists, data.queries, stages, plan.search.blend_by, progress), stages, "first"


def _whole(
    plan: Trial, data: Judged, settings: Settings, progress: Telling | None
) -> tuple[Pass, tuple[SecondStage, ...], str]:
    stages = _stages(plan, settings)
    with tempfile.TemporaryDirectory(prefix="secondlook-eval-") as place, _documents(data, Path(place)) as folder:
        engine = open_engine(replace(settings, index=Path(place) / "index", store_url=None), "secondlook eval")
        try:
            engine.ingest(folder)
            with engine.index.snapshot() as now:
                gathered = evaluation.from_index(
                    now, data.queries, stages, plan.search, progress, embedder=engine.embedder, tune=plan.tune
                )
        finally:
            engine.close()
    return gathered, stages, "hybrid"


def _stages(plan: Trial, settings: Settings) -> tuple[SecondStage, ...]:
    scorers = open_scorers(settings)
    names = plan.scorers or (scorers.default,)

    def stage(name: str) -> SecondStage:
        measured = scorers.blend(name) if plan.run is None else LIST_BLENDS.get(name, 0.0)
        if plan.blends:
            return SecondStage(name, scorers.get(name), plan.blends)
        return SecondStage(name, scorers.get(name), tuple(sorted({0.0, measured})), measured)

    return tuple(map(stage, names))


def _sampled(data: Judged, count: int | None) -> Judged:
    if count is None or count >= len(data.queries):
        return data
    step = len(data.queries) / count
    kept = [list(data.queries)[int(step * i)] for i in range(count)]
    return replace(data, queries={one: data.queries[one] for one in kept}, qrels={one: data.qrels[one] for one in kept})


@contextmanager
def _documents(data: Judged, place: Path) -> Iterator[Path]:
    """Yield a folder with one text file for each document of a BEIR corpus, or the dataset's own folder of files."""
    if data.corpus is None:
        yield data.folder
        return
    folder = place / "documents"
    folder.mkdir()
    for number, (title, text) in enumerate(data.corpus.values()):
        (folder / _file(number)).write_text(_joined(title, text), encoding="utf-8", errors="replace")
    yield folder


def _file(number: int) -> str:
    return f"{number:08d}.txt"


def _by_file(data: Judged) -> Judged:
    """Return the dataset with documents named as `_documents` names their files."""
    if data.corpus is None:
        return data
    file = {identity: _file(number) for number, identity in enumerate(data.corpus)}
    qrels = {query: {file.get(one, one): grade for one, grade in row.items()} for query, row in data.qrels.items()}
    return replace(data, qrels=qrels)


def _chunk(identity: str, corpus: Mapping[str, tuple[str, str]]) -> Chunk:
    text = _joined(*corpus[identity])
    return Chunk(identity, identity, 0, 0, len(text), text)


def _joined(title: str, text: str) -> str:
    return f"{title}\n\n{text}" if title else text
