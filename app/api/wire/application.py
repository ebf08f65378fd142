"""The application's own bodies: searching, documents, ingest runs, state."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.wire.base import WireModel
from app.api.wire.settings import with_settings
from indexer.catalog.filters import Filters
from indexer.report import LONGEST_NAME, IngestOptions, OutcomeKind
from search.engine import MAX_QUERY_CHARACTERS
from search.filters import FILTER_OPTIONS
from search.settings import SearchSettings


class FiltersBody(WireModel):
    """What a document must have to be searched; all that is stated has to hold."""

    collection: Annotated[str | None, Field(max_length=LONGEST_NAME, description=FILTER_OPTIONS["collection"].help)] = (
        None
    )
    path: Annotated[str | None, Field(min_length=1, max_length=1024, description=FILTER_OPTIONS["path"].help)] = None
    """Glob as in .gitignore."""
    kind: Annotated[str | None, Field(min_length=1, max_length=64, description=FILTER_OPTIONS["kind"].help)] = None
    """What it was read as, or the ending of its name."""
    since: Annotated[str | None, Field(max_length=40, description=FILTER_OPTIONS["since"].help)] = None
    """ISO 8601 date or time of the last change."""
    until: Annotated[str | None, Field(max_length=40, description=FILTER_OPTIONS["until"].help)] = None
    """The same; a date includes its day."""


@with_settings(filters=FiltersBody)
class SearchRequest(WireModel):
    """A query and everything its outcome depends on besides the index: each field of `SearchSettings`."""

    query: Annotated[str, Field(min_length=1, max_length=MAX_QUERY_CHARACTERS, pattern=r"\S")]

    def settings(self) -> SearchSettings:
        """The settings as they were sent; the scorer still has the name that the caller gave it."""
        sent = self.model_dump(exclude={"query"})
        filters = sent.pop("filters")
        return SearchSettings(**sent, filters=Filters(**filters) if filters else None)


class Open(BaseModel):
    """Part of an answer; may hold fields besides those stated."""

    model_config = ConfigDict(extra="allow")


class ChunkBody(Open):
    """A stored passage."""

    id: str
    document: str
    ordinal: int
    start: int
    end: int
    text: str
    title: str
    context: Annotated[str, Field(description="The headings that it stands under, outermost first, in one line.")]
    page: Annotated[int | None, Field(description="The page of the file, from 1, on which it begins.")]
    line: Annotated[int | None, Field(description="The line of the file, from 1, on which it begins.")]


class HitBody(Open):
    """One retriever's rank and score."""

    chunk_id: str
    rank: int
    score: float


class SpanBody(Open):
    """A sentence or window, as code-point offsets."""

    start: int
    end: int
    score: float


class TwinBody(Open):
    """A passage folded into a better one that says the same, with the same figures."""

    chunk_id: str
    document: str
    ordinal: int
    resemblance: float


class CandidateBody(Open):
    """A chunk as the first stage ranked it."""

    chunk: ChunkBody
    rank: int
    fused: float
    dense: HitBody | None
    sparse: HitBody | None
    terms: list[tuple[str, float]]
    twins: list[TwinBody]


class RankedBody(Open):
    """A candidate after the second look."""

    candidate: CandidateBody
    rank: int
    logit: float
    score: float
    rerank_rank: int
    final: float
    window: SpanBody | None
    spans: list[SpanBody]
    truncated: int
    cached: bool
    moved: int
    movement: str


@with_settings(filters=FiltersBody)
class SettingsBody(Open):
    """The settings that a search ran with."""


class SearchResponse(Open):
    """What each stage did to the query."""

    query: str
    candidates: list[CandidateBody]
    ranked: list[RankedBody]
    seconds: dict[str, float]
    settings: SettingsBody
    scorer: str
    runtime: str
    score_range: tuple[float, float]
    blend: Annotated[float, Field(description="The share of the first stage that was applied.")]
    sparse_weight: Annotated[
        float, Field(description="The share of BM25 that was applied; without meaning for reciprocal ranks.")
    ]
    cut: int
    folded: Annotated[int, Field(description="Passages that are listed as twins of a candidate.")]
    documents: int | None
    notes: list[str]
    top: list[str]


class DocumentBody(Open):
    """An indexed document."""

    path: str
    title: str
    kind: str
    chunks: int
    note: str
    folder: str
    collection: str


class DocumentList(BaseModel):
    """Every indexed document, by path."""

    documents: list[DocumentBody]


class Deleted(BaseModel):
    """A document that is gone from every store."""

    path: str
    deleted: bool


class IngestRequest(WireModel):
    """A folder on the server's own disk."""

    folder: Annotated[str, Field(min_length=1, max_length=4096)]
    rebuild: bool = False
    """Build a new index beside the old one, which answers until the new one is whole."""
    dry_run: bool = False
    """Only report what would be done."""
    allow_empty: bool = False
    """Take a folder without a readable file as meant: its documents are removed."""
    collection: Annotated[str | None, Field(max_length=LONGEST_NAME)] = None
    """Collection that the folder belongs to from now on; empty for none."""

    def options(self) -> IngestOptions:
        """All but the folder."""
        return IngestOptions(**self.model_dump(exclude={"folder"}))


class ProgressBody(Open):
    """How far a run has come."""

    phase: Literal["scan", "index", "settle", "done"]
    files_done: int
    files_total: int
    chunks_done: int
    chunks_per_second: float
    seconds_left: Annotated[float | None, Field(description="None until there is a rate to extrapolate from.")]
    current: str
    failures: int


class FileOutcomeBody(Open):
    """What happened to one file."""

    file: str
    outcome: OutcomeKind
    reason: Annotated[str, Field(description="Why a file is empty, skipped or failed; empty otherwise.")]
    chunks: int
    tokens: int
    seconds: float


class ReportBody(Open):
    """Every file exactly once, in path order, and the whole run's cost."""

    folder: str
    outcomes: list[FileOutcomeBody]
    seconds: float
    cancelled: bool
    stages: Annotated[dict[str, float], Field(description="Seconds of work by stage; they overlap.")]
    counts: Annotated[dict[OutcomeKind, int], Field(description="How many files had each outcome.")]


class IngestState(BaseModel):
    """How far a run is; `report` once it has ended."""

    id: str
    folder: str
    status: Literal["running", "done", "cancelled", "failed"]
    version: int
    started: float
    progress: ProgressBody | None
    report: ReportBody | None
    error: str | None


class ScorerBody(BaseModel):
    """A second stage that can be chosen."""

    name: str
    label: str
    available: bool
    reason: str
    licence: str


class State(Open):
    """What is indexed, what it runs on, and what can be chosen."""

    version: str
    pid: int
    documents: int
    chunks: int
    folders: list[str]
    embedder: str
    store: str
    runtime: str
    notes: list[str]
    default_scorer: str
    scorers: list[ScorerBody]


class LoadedModel(BaseModel):
    """A model in memory, and where it runs."""

    name: str
    device: str
    dtype: str
    kernel: str
    reason: str


class Health(BaseModel):
    """Whether the server is up, and what its models run on."""

    status: Literal["ok"]
    version: str
    default: str
    loaded: list[LoadedModel]
    embedder: str
    embedder_runtime: str
    queue: int
    queue_size: int
