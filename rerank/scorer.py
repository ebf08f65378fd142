"""The contract every second stage keeps: what goes in, what comes out, and what a score means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from rerank.models.running import Cancel, Progress, Runtime

Kind = Literal["pointwise", "late-interaction", "listwise", "remote", "cascade"]
LongDocuments = Literal["max", "mean2"]
"""How window scores become a document score: the best window, or the mean of the best two."""

PLAIN, STRETCHED = "mean of token maxima", "mean of token maxima, half of it within the best 64 tokens"
"""How late interaction's score comes about: `rerank.late.maxsim.sums`."""

MAX_DOCUMENTS = 2048
"""Most documents in one call."""
MAX_QUERY_TOKENS = 512
MAX_DOCUMENT_TOKENS = 8192


@dataclass(frozen=True, slots=True)
class ScoreContract:
    """What a scorer's numbers mean."""

    kind: Kind
    low: float
    """Smallest normalised score."""
    high: float
    """Largest normalised score."""
    normalisation: str
    """How `score` comes from `logit`: "sigmoid", "cosine", "mean of token maxima", "as the server sent it"."""
    native_window: int
    """Tokens that the model reads at once, query and specials included; 0 where only the server knows."""
    long_documents: str
    """What happens to a passage beyond the window, in words."""
    cutoff: float | None
    """Suggested score below which a passage is not worth keeping; None where no threshold means anything."""
    licence: str
    list_relative: bool = False
    """True if a score depends on the other passages of the call."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a query and of a passage is read."""

    max_query_tokens: int = MAX_QUERY_TOKENS
    max_document_tokens: int = MAX_DOCUMENT_TOKENS
    max_length: int | None = None
    """Tokens per window, query and specials included; None means the model's native window (at most 1024)."""
    overlap_tokens: int = 80
    long_documents: LongDocuments = "max"


NO_LIMITS = Limits()
"""Those of the contract and no others."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a passage and how relevant it is by itself."""

    start: int
    end: int
    """Code-point offsets into the passage, [start, end)."""
    score: float
    """On the scorer's normalised scale."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What one passage got."""

    logit: float
    """The model's raw output, untouched."""
    score: float
    """The logit normalised once, on the scale that the contract states."""
    window: Span | None = None
    """The winning window of a passage that needed more than one."""
    tokens: int = 0
    """Tokens of the passage that were read."""
    truncated: int = 0
    """Tokens of the passage beyond the limit, not read."""
    cached: bool = False
    """True if nothing was computed for this passage."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """One call's outcome: as many `scored` as passages, in input order."""

    scored: tuple[Scored, ...]
    seconds: float
    model: str
    """What really scored: name and, where there is one, revision."""
    query_tokens: int = 0
    query_truncated: int = 0
    notes: tuple[str, ...] = ()
    """Sentences a person should see: truncation, a halved batch, a fallback."""
    stages: tuple[tuple[str, float], ...] = ()
    """Seconds by step, in order: ("tokenise", 0.01), ("score", 0.4)."""

    @property
    def tokens(self) -> int:
        """Tokens read, query counted once per passage that was computed."""
        return sum(one.tokens + self.query_tokens for one in self.scored if not one.cached)


@dataclass(frozen=True, slots=True)
class RankedDocument:
    """One element of `rerank()`'s answer, in the shape published with jina-reranker-v2."""

    index: int
    """Position in the documents as they were passed in."""
    relevance_score: float
    document: str


@dataclass(frozen=True, slots=True)
class Aligned:
    """One query token, the passage token that answers it best, and how well (late interaction only)."""

    query_token: str
    passage_token: str
    start: int
    end: int
    """Code-point offsets of the passage token in the passage."""
    similarity: float


@runtime_checkable
class Scorer(Protocol):
    """A second stage: any model, server or combination that scores passages for a query.

    What follows from the scores alone is in `rerank.ranking`.
    """

    @property
    def name(self) -> str:
        """The profile name or path it was loaded by."""
        ...

    @property
    def contract(self) -> ScoreContract:
        """What its scores mean."""
        ...

    @property
    def runtime(self) -> Runtime:
        """Where and how it runs."""
        ...

    def score(
        self,
        query: str,
        passages: Sequence[str],
        *,
        limits: Limits = ...,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Scoring:
        """One `Scored` per passage, in input order.

        Raises:
            BadInput: no passages, more than `MAX_DOCUMENTS`, an empty query.
            RerankError: whatever else `rerank.errors` lists.
        """
        ...

    def spans(self, query: str, passages: Sequence[str]) -> tuple[tuple[Span, ...], ...]:
        """For each passage its sentences with their own scores, in text order; together they cover every sentence.

        No passages give an empty tuple, a blank passage has no sentences.
        """
        ...

    def release(self) -> None:
        """Give the memory back; the next call loads the model again."""
        ...


@dataclass(frozen=True, slots=True)
class Profile:
    """A named model: what it is, under which licence, and how to get it."""

    name: str
    source: str
    """Repository name on the hub, "bundled" or "bundled:MODEL", or the address shape of a server."""
    contract: ScoreContract
    parameters: int
    """0 where unknown."""
    note: str = ""
    aliases: tuple[str, ...] = field(default=())
