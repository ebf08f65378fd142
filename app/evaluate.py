"""Evaluation of a judged dataset, end to end: index it (or take a candidate list), run every system, report."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.compose import open_engine, open_scorers, stay_offline
from app.settings import Settings
from indexer.chunk import Chunk
from rerank.models.running import Progress
from search.measure import curves as curve
from search.measure import evaluation, judged, metrics, report, tuning
from search.measure.evaluation import Gathered, SecondStage
from search.measure.judged import BadDataset, Judged
from search.measure.report import Report
from search.second import LIST_BLENDS
from search.settings import SearchSettings


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


def evaluate(plan: Trial, settings: Settings, progress: Progress | None = None) -> Report:
    """The report: every system with means and intervals, milliseconds, curves and tuning where asked for.

    Raises:
        BadDataset: the folder or the candidate lists cannot be evaluated.
    """
    stay_offline(settings)
    data = _sampled(judged.load(plan.folder, plan.split), plan.queries)
    if plan.run is None:
        data = _by_file(data)
        gathered = _whole(plan, data, settings, progress)
    else:
        gathered = _rerank_only(plan, plan.run, data, settings, progress)
    qrels, relevant = data.qrels, plan.relevant
    curves = {stage.name: curve.curves(gathered, stage, qrels, relevant) for stage in gathered.stages if plan.curve}
    return Report(
        dataset=data.name,
        split=plan.split,
        first_stage=plan.run.name if plan.run else gathered.base,
        candidates=plan.search.candidates,
        fusion=plan.search.fusion,
        blend_by=plan.search.blend_by,
        queries=len(metrics.answerable(qrels, relevant)),
        systems=report.systems(gathered, qrels, relevant),
        unread=gathered.unread,
        foreign=gathered.foreign,
        milliseconds=gathered.milliseconds,
        curves=curves if plan.curve else None,
        tuning=tuning.tuning(gathered, qrels, relevant) if plan.tune else None,
    )


def _rerank_only(plan: Trial, run: Path, data: Judged, settings: Settings, progress: Progress | None) -> Gathered:
    if data.corpus is None:
        raise BadDataset(f"{plan.folder} has no corpus.jsonl: --run needs the texts of the candidates.")
    lists = {
        query: [(_chunk(one, data.corpus), score) for one, score in documents if one in data.corpus][
            : plan.search.candidates
        ]
        for query, documents in judged.candidates(run).items()
    }
    return evaluation.from_candidates(lists, data.queries, _stages(plan, settings), plan.search.blend_by, progress)


def _whole(plan: Trial, data: Judged, settings: Settings, progress: Progress | None) -> Gathered:
    stages = _stages(plan, settings)
    with tempfile.TemporaryDirectory(prefix="secondlook-eval-") as place, _documents(data, Path(place)) as folder:
        engine = open_engine(replace(settings, index=Path(place) / "index", store_url=None), "secondlook eval")
        try:
            engine.ingest(folder)
            mixes = tuning.MIXES if plan.tune else ()
            with engine.index.snapshot() as now:
                return evaluation.from_index(
                    now, data.queries, stages, plan.search, progress, embedder=engine.embedder, mixes=mixes
                )
        finally:
            engine.close()


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
    """The dataset with documents named as `_documents` names their files."""
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
