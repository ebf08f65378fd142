"""An engine for the page that keeps the page's protocol over hand-built values: no model, no index."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from indexer.chunk import Chunk, Hit, chunk_id
from indexer.report import FileOutcome, IngestProgress, IngestReport
from rerank.models.running import Cancel
from rerank.scorer import Scored, Span
from search import second
from search.engine import DocumentRow, IndexState
from search.errors import BadQuery
from search.result import Candidate, Result
from search.scorers import ScorerChoice
from search.settings import SearchSettings

FACTS = (
    "The pump runs dry when the intake filter is clogged.",
    "Clean the filter every two weeks and after every storm.",
    "A dry pump overheats within four minutes and trips the breaker.",
    "Reset the breaker only after the housing has cooled down.",
    "Spare filters are kept in the cabinet beside the control room.",
)


def sentence_spans(text: str, scores: Sequence[float]) -> tuple[Span, ...]:
    """Each sentence of a text that ends in full stops, with the score of its place."""
    spans, at = [], 0
    for place, part in enumerate(text.split(". ")):
        end = min(len(text), at + len(part) + 1)
        spans.append(Span(at, end, scores[place % len(scores)]))
        at = end + 1
    return tuple(spans)


def make_candidate(rank: int, text: str = "", document: str = "", title: str = "") -> Candidate:
    """A candidate with its own retriever ranks; every fifth is missed by BM25."""
    words = text or " ".join((*FACTS[rank % 5 :], *FACTS[: rank % 5], f"This is passage {rank}."))
    name = document or f"manuals/part-{rank:03}.md"
    chunk = Chunk(chunk_id(name, rank % 4, words), name, rank % 4, 100, 100 + len(words), words, title)
    sparse = None if rank % 5 == 0 else Hit(chunk.id, rank % 7 + 1, 14.2 - rank / 20)
    terms = (("pump", 4.1), ("filter", 2.3), ("dry", 0.4))
    return Candidate(chunk, rank, 1 / (60 + rank), Hit(chunk.id, rank % 11 + 1, 0.71 - rank / 500), sparse, terms)


def make_result(
    query: str = "why does the pump overheat",
    settings: SearchSettings | None = None,
    first: Sequence[Candidate] | None = None,
    scores: Sequence[float] | None = None,
    notes: tuple[str, ...] = (),
) -> Result:
    """A result whose second stage scores candidate i by `scores[i]`, by default a fixed shuffle."""
    wanted = settings or SearchSettings()
    found = tuple(make_candidate(rank) for rank in range(1, wanted.candidates + 1)) if first is None else tuple(first)
    given = scores or [0.5 * (1 - one.rank / len(found)) + 0.5 * ((one.rank * 37) % 101) / 101 for one in found]
    ranked = second.order(found, [Scored(logit=6 * score - 3, score=score) for score in given], wanted.blend or 0.0)
    ranked, below = second.cut(ranked, wanted.cutoff)
    ranked = tuple(
        replace(one, spans=sentence_spans(one.candidate.chunk.text, (one.score, one.score / 3, 0.1)))
        if one.rank <= wanted.top_n
        else one
        for one in ranked
    )
    seconds = {
        "embed": 0.0042,
        "dense": 0.0021,
        "sparse": 0.0011,
        "fuse": 0.0004,
        "rerank": 0.041,
        "total": 0.063,
    }
    scorer, runtime = "bundled late interaction", "cpu, bfloat16, sdpa: no GPU was found"
    return Result(
        query, found, ranked, seconds, wanted, scorer, runtime, cut=below, blend=wanted.blend or 0.0, notes=notes
    )


def document(
    path: str, title: str = "", kind: str = "markdown", chunks: int = 3, note: str = "", *, collection: str = ""
) -> DocumentRow:
    """A row of the documents table."""
    return DocumentRow(path, title, kind, chunks, note, "data/sample", collection)


@dataclass
class PageEngine:
    """Answers from hand-built values; remembers every search it was asked for."""

    answer: Callable[[str, SearchSettings], Result] = make_result
    examples: tuple[str, ...] = ("why does the pump overheat", "Wie oft wird der Filter gereinigt?")
    rows: list[DocumentRow] = field(
        default_factory=lambda: [
            document("manuals/pump.md", "Pump"),
            document("scan.pdf", "", "pdf", 0, "no text: scanned"),
        ]
    )
    asked: list[tuple[str, SearchSettings]] = field(default_factory=list)
    files: int = 4
    pause: float = 0.0
    notes: tuple[str, ...] = ()
    gate: threading.Event | None = None

    def search(self, query: str, settings: SearchSettings) -> Result:
        """Answer, or refuse an empty query, or fail at "break"."""
        self.asked.append((query, settings))
        if not query.strip():
            raise BadQuery("The query is empty: type what you are looking for.")
        if query == "break":
            raise ZeroDivisionError("secret detail")
        return self.answer(query, settings)

    def scorers(self) -> tuple[ScorerChoice, ...]:
        """One that can run, one that cannot, and none."""
        return (
            ScorerChoice("bundled", "bundled late interaction", available=True, reason="bundled", licence="Apache-2.0"),
            ScorerChoice(
                "big", "big-model", available=False, reason="not on this machine: <b>get it</b>", licence="CC-BY-NC-4.0"
            ),
            ScorerChoice("none", "No second look", available=True, reason="first-stage order", licence=""),
        )

    def state(self) -> IndexState:
        """A state that names every part."""
        return IndexState(
            86,
            1204,
            ("data/sample",),
            "all-MiniLM-L6-v2 (cpu, float32)",
            "embedded Qdrant Edge shard",
            "bundled on cpu, bfloat16, sdpa: no GPU was found",
            self.notes,
        )

    def documents(self) -> list[DocumentRow]:
        """The rows."""
        return self.rows

    def ingest(self, folder: str, *, progress: Callable[[IngestProgress], None], cancel: Cancel) -> IngestReport:
        """Go through the files with a pause at each; the third one fails."""
        outcomes: list[FileOutcome] = []
        for done in range(1, self.files + 1):
            if cancel:
                return IngestReport(folder, tuple(outcomes), 1.0, cancelled=True)
            time.sleep(self.pause)
            name = f"file <{done}>.md"
            progress(IngestProgress("index", done, self.files, done * 3, 41.5, 2.0, name, done // 3))
            outcomes.append(
                FileOutcome(name, "failed", "It is <i>broken</i>.")
                if done == 3
                else FileOutcome(name, "added", "", 3, 90, 0.02)
            )
        return IngestReport(folder, tuple(outcomes), 1.5)
