"""One query through both stages, and the index that it runs over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.report import IngestOptions, IngestProgress, IngestReport
from indexer.terms.analyzer import terms
from rerank.models.running import Cancel, Progress
from rerank.scorer import Scorer, Span
from search import second
from search.errors import BadQuery, EmptyIndex
from search.fusion import SPARSE_WEIGHT
from search.hybrid import Stopwatch, candidates
from search.result import Candidate, Ranked, Result
from search.scorers import NO_SCORER, ScorerChoice, Scorers
from search.scripts import Literacy, named
from search.settings import SearchSettings
from search.shares import FOREIGN_WEIGHT, Reading, first_share, read, sparse_share

if TYPE_CHECKING:
    from indexer.embed.contract import Embedder
    from indexer.index import Index

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
_NAMED = 4
"""Languages of a model that a note lists; beyond that it counts them."""
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
        """What both stages did to the query.

        Raises:
            BadQuery: empty, too long, or settings out of range.
            EmptyIndex: nothing is indexed yet.
            RerankError: the second stage cannot be had or failed.
        """
        wanted = settings or SearchSettings()
        _check(query, wanted)
        if self._index.counts()[1] == 0:
            raise EmptyIndex("The index is empty: run `secondlook ingest FOLDER` or use the Ingest tab first.")
        watch = Stopwatch()
        with watch.stage("total"):
            names, left = self._filtered(wanted, watch)
            reading = read(self._literacy, self.embedder, self.embedder.name, query)
            share = sparse_share(wanted.sparse_weight, reading)
            first = candidates(self._index, query, replace(wanted, sparse_weight=share), watch, names)
            found, notes = self._second_stage(query, first, wanted, watch, progress, cancel)
        total = watch.seconds.pop("total")
        reading_notes = _reading_notes(reading, self.embedder.name, wanted, first)
        said = (*self._notes(query, first), *reading_notes, *_filter_notes(left), *notes)
        seconds = {**watch.seconds, "total": total}
        return replace(found, seconds=seconds, sparse_weight=share, documents=left, notes=said)

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

    def delete(self, path: str) -> bool:
        """True if a document of that path was indexed; it is gone from every store then."""
        return self._index.delete(path)

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

    def verify(self) -> list[str]:
        """Every disagreement between catalog and vector store, in words; empty means whole."""
        return self._index.verify()

    def repair(self) -> list[str]:
        """What was done to make the index whole, in words; empty where it was."""
        return self._index.repair()

    def near_duplicates(self) -> list[list[str]]:
        """Groups of documents that say nearly the same, by path."""
        return self._index.near_duplicates()

    def announce(self, url: str) -> None:
        """Tell other processes where this one takes work over HTTP."""
        self._index.set_url(url)

    @property
    def index(self) -> Index:
        """The index under both stages."""
        return self._index

    def close(self) -> None:
        """Release models and index."""
        self._scorers.release()
        self._index.close()

    def _filtered(self, settings: SearchSettings, watch: Stopwatch) -> tuple[list[str] | None, int | None]:
        """The documents to search, None for all; and how many the filters left in, None where there are no filters."""
        filters = settings.filters
        if filters is None or filters.empty:
            return None, None
        return watch.run("filter", lambda: self._index.matching(filters))

    def _second_stage(
        self,
        query: str,
        first: tuple[Candidate, ...],
        settings: SearchSettings,
        watch: Stopwatch,
        progress: Progress | None,
        cancel: Cancel | None,
    ) -> tuple[Result, tuple[str, ...]]:
        empty = Result(query, first, (), {}, settings, NO_SCORER, "no second stage: first-stage order")
        name = settings.scorer or self._scorers.default
        if name == NO_SCORER or not first:
            ranked, below = second.cut(second.first_stage_order(first), settings.cutoff)
            explained = self._explain(replace(empty, ranked=ranked, cut=below), None, watch)
            return explained, ()
        if name not in self._scorers.loaded:
            watch.run("load model", lambda: self._scorers.get(name))
        scorer = self._scorers.get(name)
        unread = self.unread(name, query)
        with watch.stage("rerank"):
            scoring = scorer.score(query, [one.chunk.text for one in first], progress=progress, cancel=cancel)
            blend = first_share(settings.blend, self._scorers.blend(name), unread)
            ranked, below = second.cut(second.order(first, scoring.scored, blend, settings.blend_by), settings.cutoff)
        result = replace(
            empty,
            ranked=ranked,
            cut=below,
            blend=blend,
            scorer=scoring.model,
            runtime=str(scorer.runtime),
            score_range=(scorer.contract.low, scorer.contract.high),
        )
        return self._explain(result, scorer, watch), (*_unread_second(unread, name, settings), *scoring.notes)

    def _explain(self, result: Result, scorer: Scorer | None, watch: Stopwatch) -> Result:
        """The result with sentence scores and BM25 terms filled in for the passages that are shown."""
        if not result.settings.explain:
            return result
        with watch.stage("explain"):
            shown = {one.candidate.chunk.id for one in result.top}
            spans = {
                one.candidate.chunk.id: scorer.spans(result.query, one.candidate.chunk.text) if scorer else ()
                for one in result.top
            }
            visible = shown | {one.chunk.id for one in result.before}
            with_terms = {
                one.chunk.id: replace(one, terms=self._index.explain_terms(result.query, one.chunk))
                for one in result.candidates
                if one.chunk.id in visible
            }
            ranked = tuple(_explained(one, with_terms, spans) for one in result.ranked)
            before = tuple(with_terms.get(one.chunk.id, one) for one in result.candidates)
        return replace(result, candidates=before, ranked=ranked)

    def _warnings(self) -> tuple[str, ...]:
        noted = sum(1 for one in self._index.documents() if one.note)
        if not noted:
            return ()
        said = "1 document has a note on how it was" if noted == 1 else f"{noted} documents have notes on how they were"
        return (f"{said} read: see Documents.",)

    def _notes(self, query: str, first: Sequence[Candidate]) -> tuple[str, ...]:
        notes = []
        if not self._index.has_terms(query):
            why = (
                "No passage holds a word of the query"
                if terms(query)
                else "The query is stop words or punctuation alone"
            )
            notes.append(f"{why}: BM25 took no part.")
        if not first:
            notes.append("Neither stage found a passage.")
        return tuple(notes)


def _check(query: str, settings: SearchSettings) -> None:
    if not query.strip():
        raise BadQuery("The query is empty: type what you are looking for.")
    if len(query) > MAX_QUERY_CHARACTERS:
        raise BadQuery(
            f"The query has {len(query):,} characters and the limit is {MAX_QUERY_CHARACTERS:,}: shorten it."
        )
    settings.check()


def _reading_notes(
    reading: Reading, model: str, settings: SearchSettings, first: Sequence[Candidate]
) -> tuple[str, ...]:
    if not first or not (reading.scripts or reading.language):
        return ()
    does = f"The embedding model {model.partition('@')[0]} {_reads(reading)}"
    if all(one.sparse is None for one in first):
        return (f"{does}, and BM25 found none of its words: these passages are a guess.",)
    if settings.sparse_weight is not None or settings.fusion == "rrf":
        adds = "what dense retrieval adds is less sure" if reading.language else "what dense retrieval adds is chance"
        return (f"{does}: {adds}. Leave the fusion and BM25's share as measured.",)
    if reading.language:
        more = f"BM25 has {FOREIGN_WEIGHT:g} of the first stage in the place of {SPARSE_WEIGHT:g}"
        return (f"{does}: {more}. A multilingual embedding model would find more.",)
    return (f"{does}: the first stage is BM25's order alone. A multilingual embedding model would take part.",)


def _reads(reading: Reading) -> str:
    if not reading.language:
        return f"does not read {named(reading.scripts)}"
    stated = ", ".join(reading.stated) if len(reading.stated) <= _NAMED else f"{len(reading.stated)} other languages"
    return f"was made for text in {stated}, and the query seems to be in {reading.language}"


def _unread_second(unread: Sequence[str], name: str, settings: SearchSettings) -> tuple[str, ...]:
    if not unread:
        return ()
    does = f"{name} does not read {named(unread)}"
    if settings.blend is None:
        return (f"{does}: its scores are shown but move nothing. A multilingual second stage would.",)
    return (f"{does}: its scores say little about this query. Leave the blend as measured.",)


def _filter_notes(left: int | None) -> tuple[str, ...]:
    return ("The filters leave no document in: widen them, or list what there is with Documents.",) if left == 0 else ()


def _explained(one: Ranked, candidates: Mapping[str, Candidate], spans: Mapping[str, tuple[Span, ...]]) -> Ranked:
    identity = one.candidate.chunk.id
    return replace(one, candidate=candidates.get(identity, one.candidate), spans=spans.get(identity, ()))
