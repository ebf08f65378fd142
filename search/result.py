"""The one value that page, command line and API all render: what each stage did to a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from indexer.chunk import Chunk, Hit
from rerank.scorer import Span
from search.fusion import SPARSE_WEIGHT
from search.plain import restore
from search.settings import SearchSettings


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
    """Wall seconds by stage, in order: prepare, filter, load, embed, dense, sparse, fuse, fold, rerank, explain, total.

    Total is their sum. Filter, fold, rerank and explain are there where they were asked for; load is next to nothing
    where the models were loaded before.
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
    """How a passage moved, in words: "up 12", "down 3", "same", or "new" if it was not in the first top-n."""
    if ranked.candidate.rank > top_n >= ranked.rank:
        return f"new, up {ranked.moved}"
    if ranked.moved == 0:
        return "same"
    return f"up {ranked.moved}" if ranked.moved > 0 else f"down {-ranked.moved}"


def folding(folded: int, into: int) -> str:
    """How many passages were folded, and into how many better ones, in words; empty where none was."""
    if not folded:
        return ""
    who = "1 passage says" if folded == 1 else f"{folded} passages say"
    better = ("a better one", "it") if into == 1 else (f"{into} better ones", "them")
    return f"{who} the same as {better[0]} and {'is' if folded == 1 else 'are'} folded into {better[1]}."


def to_dict(result: Result) -> dict[str, Any]:
    """The whole result as plain JSON types, with what can be derived of it; `from_dict` takes it back."""
    plain = asdict(result)
    for place, one in zip(plain["ranked"], result.ranked, strict=True):
        place["moved"] = one.moved
        place["movement"] = movement(one, result.settings.top_n)
    plain["folded"] = result.folded
    plain["top"] = [one.candidate.chunk.id for one in result.top]
    plain["seconds"] = dict(result.seconds)
    return plain


def from_dict(plain: Mapping[str, Any]) -> Result:
    """The result that `to_dict` made these plain types of.

    Raises:
        ValueError: they are not of that shape.
    """
    return restore(Result, plain)
