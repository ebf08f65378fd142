"""The one value that page, command line and API all render: what each stage did to a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from indexer.catalog.filters import Filters
    from indexer.chunk import Chunk, Hit
    from rerank.scorer import Span

Fusion = Literal["zscore", "weighted", "rrf"]
"""Standardised scores, scores scaled to 0..1, or reciprocal ranks: `search.fusion`."""
FUSIONS: tuple[Fusion, ...] = get_args(Fusion)
BlendBy = Literal["scores", "ranks"]
BLENDS_BY: tuple[BlendBy, ...] = get_args(BlendBy)
SparseEngine = Literal["qdrant", "rank-bm25"]

MIN_CANDIDATES, DEFAULT_CANDIDATES, MAX_CANDIDATES = 50, 100, 200
DEFAULT_TOP_N = 10
SPARSE_WEIGHT = 0.3
"""Share of BM25 in the fusion, measured on dev queries (DECISIONS.md)."""
RRF_K = 60
"""Reciprocal rank fusion's constant, from Cormack, Clarke and Büttcher, SIGIR 2009: 1 / (k + rank), rank from 1."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """Everything a query's outcome depends on besides the index."""

    candidates: int = DEFAULT_CANDIDATES
    top_n: int = DEFAULT_TOP_N
    scorer: str | None = None
    """A scorer's name; None is the default one, "none" leaves the first stage's order."""
    fusion: Fusion = "zscore"
    sparse: SparseEngine = "qdrant"
    sparse_weight: float | None = None
    """Share of BM25 in every fusion but reciprocal ranks, 0 to 1; None is `SPARSE_WEIGHT`, more for a query in a
    language that the embedding model was not made for, and 1 in a script that it does not read (`search.shares`)."""
    blend: float | None = None
    """Share of the first stage in the final order, 0 to 1; None is the scorer's own measured default, or 1 for a query
    in a script that it does not read."""
    cutoff: float | None = None
    """Passages whose second-stage score is below this are cut last and counted; None keeps all."""
    explain: bool = True
    """Whether the shown passages get per-sentence scores and BM25 term contributions."""
    filters: Filters | None = None
    """Which documents are searched; None searches all."""
    collapse: bool = True
    """Whether passages that say the same as a better one are folded into it (`Candidate.twins`).

    Never where a figure differs: two editions of a rule are told apart by the second stage, not here.
    """
    blend_by: BlendBy = "scores"
    """What is blended: standardised scores of both stages, or their ranks."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A passage that was folded into a better one because it says the same: alike, with the same figures."""

    chunk_id: str
    document: str
    ordinal: int
    """Position among the document's chunks, from 0."""
    resemblance: float
    """Jaccard index of both texts' sets of three successive words, 0.8 to 1."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk as the first stage ranked it."""

    chunk: Chunk
    rank: int
    """From 1, in the fused order."""
    fused: float
    dense: Hit | None
    sparse: Hit | None
    terms: tuple[tuple[str, float], ...] = ()
    """BM25's contribution of each query term, largest first."""
    twins: tuple[Twin, ...] = ()
    """Passages that say the same and stood lower: they are represented by this one."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate after the second look."""

    candidate: Candidate
    rank: int
    """From 1, in the final order."""
    logit: float
    """The second stage's raw output."""
    score: float
    """The second stage's normalised score."""
    rerank_rank: int
    """Rank by the second stage alone; differs from `rank` only where stages are blended."""
    final: float
    """What the final order sorts by: the score itself, or the blend."""
    window: Span | None = None
    spans: tuple[Span, ...] = ()
    """Per-sentence scores, filled for the passages that are shown."""
    truncated: int = 0
    cached: bool = False

    @property
    def moved(self) -> int:
        """Places gained: first-stage rank minus final rank (12 is up 12, -3 is down 3)."""
        return self.candidate.rank - self.rank


@dataclass(frozen=True, slots=True)
class Result:
    """What a query gave: every candidate, every ranked passage, what it cost, and what a person should know."""

    query: str
    candidates: tuple[Candidate, ...]
    """First-stage order, all of them."""
    ranked: tuple[Ranked, ...]
    """Final order, all of them; `top` is what is shown and handed to an LLM."""
    seconds: Mapping[str, float]
    """Wall seconds by stage, in order: embed, dense, sparse, fuse, fold, rerank, explain, and their sum, total.

    Between them stands what took 5 ms or more: open, filter, load embedder, read (which language), load model,
    close.
    """
    settings: SearchSettings
    scorer: str
    """What really scored."""
    runtime: str
    """Device, dtype, kernel and reason of the second stage, one line."""
    score_range: tuple[float, float] = (0.0, 1.0)
    blend: float = 0.0
    """The blend that was applied."""
    sparse_weight: float = SPARSE_WEIGHT
    """The share of BM25 that was applied; without meaning for reciprocal ranks."""
    cut: int = 0
    """Passages cut by the threshold."""
    notes: tuple[str, ...] = field(default=())
    """Sentences a person should see: truncations, a query without a BM25 term, a fallback."""

    documents: int | None = None
    """How many documents the filters left in; None without filters."""

    @property
    def top(self) -> tuple[Ranked, ...]:
        """The passages that survive top-n and cut-off."""
        kept = self.ranked[: len(self.ranked) - self.cut]
        return kept[: self.settings.top_n]

    @property
    def folded(self) -> int:
        """How many passages are represented by a candidate that says the same."""
        return sum(len(one.twins) for one in self.candidates)

    @property
    def before(self) -> tuple[Candidate, ...]:
        """The first stage's own top-n: what would have been shown without a second look."""
        return self.candidates[: self.settings.top_n]


def movement(ranked: Ranked, top_n: int) -> str:
    """Return how a passage moved, in words: "up 12", "down 3", "same", or "new" if it was not in the first top-n."""
    if ranked.candidate.rank > top_n >= ranked.rank:
        return f"new, up {ranked.moved}"
    if ranked.moved == 0:
        return "same"
    return f"up {ranked.moved}" if ranked.moved > 0 else f"down {-ranked.moved}"


def folding(folded: int, into: int) -> str:
    """Return in words how many passages were folded, into how many better ones; empty where none was."""
    if not folded:
        return ""
    who = "1 passage says" if folded == 1 else f"{folded} passages say"
    better = ("a better one", "it") if into == 1 else (f"{into} better ones", "them")
    return f"{who} the same as {better[0]} and {'is' if folded == 1 else 'are'} folded into {better[1]}."


def to_dict(result: Result) -> dict[str, Any]:
    """Return the whole result as plain JSON types."""
    plain = asdict(result)
    for place, one in zip(plain["ranked"], result.ranked, strict=True):
        place["moved"] = one.moved
        place["movement"] = movement(one, result.settings.top_n)
    plain["folded"] = result.folded
    plain["top"] = [one.candidate.chunk.id for one in result.top]
    plain["seconds"] = dict(result.seconds)
    return plain
