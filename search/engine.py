"""One query through both stages, and the index that it runs over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.report import IngestOptions, IngestProgress, IngestReport
from rerank.models.running import Cancel, Progress
from rerank.scorer import Scorer
from search import notes, second
from search.errors import BadQuery, EmptyIndex
from search.hybrid import candidates
from search.result import Candidate, Result
from search.scorers import NO_SCORER, ScorerChoice, Scorers
from search.scripts import Literacy
from search.settings import SearchSettings
from search.shares import first_share, read, sparse_share
from search.stopwatch import Stopwatch

if TYPE_CHECKING:
    from indexer.embed.contract import Embedder
    from indexer.index import Index
    from indexer.snapshot import Snapshot

__all__ = [
    "MAX_QUERY_CHARACTERS",
    "Cancel",
    "IndexState",
    "IngestOptions",
    "IngestProgress",
    "IngestReport",
    "SearchEngine",
]

MAX_QUERY_CHARACTERS = 10_000
"""Longer queries are refused: no model here reads more than 512 query tokens."""


@dataclass(frozen=True, slots=True)
class IndexState:
    """What is indexed and what it runs on, for a header line."""

    documents: int
    chunks: int
    folders: tuple[str, ...]
    embedder: str
    store: str
    runtime: str
    """Device line of the default second stage."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """One indexed document, for a list."""

    path: str
    title: str
    kind: str
    chunks: int
    note: str
    """What a person should know about how it was read; empty where all is well."""
    folder: str
    collection: str = ""
    """The collection that the folder belongs to; empty for none."""


class SearchEngine:
    """Two-stage search over one index; safe to call from several threads."""

    def __init__(self, index: Index, scorers: Scorers, examples: Sequence[str] = ()) -> None:
        """Take over the index: `close` closes it."""
        self._index = index
        self._scorers = scorers
        self._literacy = Literacy()
        self.examples = tuple(examples)

    @property
    def embedder(self) -> Embedder:
        """The embedding model of the index."""
        return self._index.embedder

    @property
    def registry(self) -> Scorers:
        """The second stages that can be chosen."""
        return self._scorers

    def scorers(self) -> tuple[ScorerChoice, ...]:
        """Every second stage that can be chosen."""
        return self._scorers.choices()

    def search(
        self,
        query: str,
        settings: SearchSettings | None = None,
        *,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Result:
        """What both stages did to the query, read from one snapshot of the index; its seconds are all in named stages.

        Raises:
            BadQuery: empty, too long, or settings out of range.
            EmptyIndex: nothing is indexed yet.
            RerankError: the second stage cannot be had or failed.
        """
        watch = Stopwatch()
        wanted = settings or SearchSettings()
        _check(query, wanted)
        with self._index.snapshot() as now:
            if now.empty:
                raise EmptyIndex("The index is empty: run `secondlook ingest FOLDER` or use the Ingest tab first.")
            watch.lap("prepare")
            filters = None if wanted.filters is None or wanted.filters.empty else wanted.filters
            if filters is not None:
                now.matching(filters)  # remembered by the snapshot
                watch.lap("filter")
            _ = self.embedder.runtime  # loads the model where it is not loaded yet
            watch.lap("load")
            reading = read(self._literacy, self.embedder, self.embedder.name, query)
            watch.lap("prepare")
            share = sparse_share(wanted.sparse_weight, reading)
            first = candidates(now, query, replace(wanted, sparse_weight=share), watch)
            left = None if filters is None else now.matching(filters)[1]
            found, scorer, said = self._second_stage(query, first, wanted, watch, progress, cancel)
            said = (
                *notes.on_words(query, known=now.has_terms(query)),
                *notes.on_candidates(first),
                *notes.on_reading(reading, self.embedder.name, wanted, first),
                *notes.on_filters(left),
                *said,
            )
            found = replace(found, sparse_weight=share, documents=left, notes=said)
            if wanted.explain:
                found = _explained(found, now, scorer)
                watch.lap("explain")
        watch.lap("prepare")
        return replace(found, seconds=watch.seconds())

    def unread(self, scorer: str, query: str) -> tuple[str, ...]:
        """The scripts of the query that a second stage does not read; loads it. See `search.scripts`."""
        return self._literacy.unread(self._scorers.get(scorer), scorer, query)

    def state(self) -> IndexState:
        """What is indexed and what it runs on; loads the default second stage."""
        documents, chunks = self._index.counts()
        read(self._literacy, self.embedder, self.embedder.name, "any")  # no search waits for what tells languages
        return IndexState(
            documents=documents,
            chunks=chunks,
            folders=tuple(self._index.roots()),
            embedder=f"{self.embedder.name} ({self.embedder.runtime})",
            store=self._index.description,
            runtime=f"{self._scorers.default} on {self._scorers.get().runtime}",
            notes=self._warnings(),
        )

    def documents(self) -> list[DocumentRow]:
        """Every indexed document, by path."""
        return [
            DocumentRow(one.document, one.title, one.kind, one.chunks, one.note, one.root, one.collection)
            for one in self._index.documents()
        ]

    def ingest(
        self,
        folder: str | Path,
        options: IngestOptions | None = None,
        *,
        progress: Callable[[IngestProgress], None] | None = None,
        cancel: Cancel | None = None,
    ) -> IngestReport:
        """What became of every file of the folder, or with `dry_run` what would; see `Index.sync`."""
        return self._index.sync(Path(folder).expanduser(), options, progress=progress, cancel=cancel)

    @property
    def index(self) -> Index:
        """The index under both stages."""
        return self._index

    def close(self) -> None:
        """Release models and index."""
        self._scorers.release()
        self._index.close()

    def _second_stage(
        self,
        query: str,
        first: tuple[Candidate, ...],
        settings: SearchSettings,
        watch: Stopwatch,
        progress: Progress | None,
        cancel: Cancel | None,
    ) -> tuple[Result, Scorer | None, tuple[str, ...]]:
        """The result so far, the scorer that ranked it, if one did, and what it had to say."""
        empty = Result(query, first, (), {}, settings, NO_SCORER, "no second stage: first-stage order")
        name = settings.scorer or self._scorers.default
        if name == NO_SCORER or not first:
            ranked, below = second.cut(second.first_stage_order(first), settings.cutoff)
            return replace(empty, ranked=ranked, cut=below), None, ()
        scorer = self._scorers.get(name)
        watch.lap("load")
        unread = self._literacy.unread(scorer, name, query)
        scoring = scorer.score(query, [one.chunk.text for one in first], progress=progress, cancel=cancel)
        blend = first_share(settings.blend, self._scorers.blend(name), unread)
        ranked, below = second.cut(second.order(first, scoring.scored, blend, settings.blend_by), settings.cutoff)
        watch.lap("rerank")
        result = replace(
            empty,
            ranked=ranked,
            cut=below,
            blend=blend,
            scorer=scoring.model,
            runtime=str(scorer.runtime),
            score_range=(scorer.contract.low, scorer.contract.high),
        )
        return result, scorer, (*notes.on_second_stage(unread, name, settings), *scoring.notes)

    def _warnings(self) -> tuple[str, ...]:
        noted = sum(1 for one in self._index.documents() if one.note)
        if not noted:
            return ()
        said = "1 document has a note on how it was" if noted == 1 else f"{noted} documents have notes on how they were"
        return (f"{said} read: see Documents.",)


def _check(query: str, settings: SearchSettings) -> None:
    if not query.strip():
        raise BadQuery("The query is empty: type what you are looking for.")
    if len(query) > MAX_QUERY_CHARACTERS:
        raise BadQuery(
            f"The query has {len(query):,} characters and the limit is {MAX_QUERY_CHARACTERS:,}: shorten it."
        )
    settings.check()


def _explained(result: Result, now: Snapshot, scorer: Scorer | None) -> Result:
    """The result with sentence scores and BM25 terms for the passages that are shown, before or after."""
    shown = result.top
    spans = scorer.spans(result.query, [one.candidate.chunk.text for one in shown]) if scorer else ((),) * len(shown)
    sentences = {one.candidate.chunk.id: own for one, own in zip(shown, spans, strict=True)}
    visible = {one.chunk.id: one for one in (*(one.candidate for one in shown), *result.before)}
    terms = now.explain_terms(result.query, [one.chunk for one in visible.values()])
    told = {one.chunk.id: replace(one, terms=own) for one, own in zip(visible.values(), terms, strict=True)}
    return replace(
        result,
        candidates=tuple(told.get(one.chunk.id, one) for one in result.candidates),
        ranked=tuple(
            replace(one, candidate=told[place], spans=sentences.get(place, ())) if place in told else one
            for one in result.ranked
            for place in [one.candidate.chunk.id]
        ),
    )
