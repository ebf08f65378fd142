"""The application's own bodies: searching, documents, ingest runs, state."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.api.wire.base import Positive, WireModel, whole
from indexer.catalog.filters import Filters
from indexer.report import LONGEST_NAME, IngestOptions
from search.engine import MAX_QUERY_CHARACTERS
from search.result import DEFAULT_CANDIDATES, DEFAULT_TOP_N, MAX_CANDIDATES, BlendBy, Fusion, SearchSettings

Share = Annotated[float, Field(ge=0, le=1)]


class FiltersBody(WireModel):
    """What a document must have to be searched; all that is stated has to hold."""

    collection: Annotated[
        str | None, Field(max_length=LONGEST_NAME, description="Empty: only documents in no collection.")
    ] = None
    path: Annotated[str | None, Field(min_length=1, max_length=1024)] = None
    """Glob as in .gitignore: *.pdf, notes/, notes/**/*.md."""
    kind: Annotated[str | None, Field(min_length=1, max_length=64)] = None
    """What it was read as, or the ending of its name: pdf, markdown, md."""
    since: Annotated[str | None, Field(max_length=40)] = None
    """ISO 8601 date or time of the last change, at the earliest."""
    until: Annotated[str | None, Field(max_length=40)] = None
    """The same, at the latest; a date includes its day."""


class SearchRequest(WireModel):
    """A query and everything its outcome depends on besides the index."""

    query: Annotated[str, Field(min_length=1, max_length=MAX_QUERY_CHARACTERS, pattern=r"\S")]
    candidates: Annotated[int, Field(ge=1, le=MAX_CANDIDATES), BeforeValidator(whole)] = DEFAULT_CANDIDATES
    top_n: Positive = DEFAULT_TOP_N
    scorer: Annotated[str | None, Field(max_length=512)] = None
    fusion: Fusion = "zscore"
    sparse: Literal["qdrant", "rank-bm25"] = "qdrant"
    sparse_weight: Share | None = None
    """Share of BM25 in the fusion; none is the measured one, or 1 where the embedding model does not read the query."""
    blend: Share | None = None
    blend_by: BlendBy = "scores"
    """What is blended with the first stage: standardised scores or ranks."""
    cutoff: float | None = None
    explain: bool = True
    filters: FiltersBody | None = None
    collapse: Annotated[
        bool,
        Field(
            description="Fold passages that say the same as a better one, with the same figures, into it: they are "
            "listed as its twins. False ranks each of them."
        ),
    ] = True

    def settings(self, scorer: str | None) -> SearchSettings:
        """The settings, with the scorer that answers for the name that was sent."""
        filters = Filters(**self.filters.model_dump()) if self.filters else None
        stated = self.model_dump(exclude={"query", "filters"})
        return SearchSettings(**{**stated, "scorer": scorer, "filters": filters})


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
    twins: list[TwinBody] = []


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


class SearchResponse(Open):
    """What each stage did to the query."""

    query: str
    candidates: list[CandidateBody]
    ranked: list[RankedBody]
    seconds: dict[str, float]
    settings: dict[str, Any]
    scorer: str
    runtime: str
    score_range: tuple[float, float]
    blend: float
    cut: int
    folded: Annotated[int, Field(description="Passages that are listed as twins of a candidate.")]
    documents: int | None = None
    notes: list[str]
    top: list[str]


class DocumentBody(Open):
    """An indexed document."""

    path: str
    chunks: int


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


class IngestState(BaseModel):
    """How far a run is; `report` once it has ended."""

    id: str
    folder: str
    status: Literal["running", "done", "cancelled", "failed"]
    version: int
    started: float
    progress: dict[str, Any] | None
    report: dict[str, Any] | None
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
