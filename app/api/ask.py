"""What a caller wants ranked, and what comes of it, whatever shape it is sent in."""

from __future__ import annotations

from dataclasses import dataclass

from rerank.scorer import ScoreContract, Span


@dataclass(frozen=True, slots=True)
class Ask:
    """What a caller wants ranked."""

    query: str
    documents: tuple[str, ...]
    model: str | None = None
    top_n: int | None = None
    """None and 0 mean all."""
    max_document_tokens: int | None = None
    max_query_tokens: int | None = None
    refuse_truncation: bool = False
    spans: bool = False
    unsupported: tuple[str, ...] = ()
    """Sentences about fields that were asked for and are not served here."""


@dataclass(frozen=True, slots=True)
class Place:
    """One document in the answer's order."""

    index: int
    """Position in the documents as they were sent."""
    score: float
    """Normalised."""
    logit: float
    """Raw."""
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The ranking, best first, cut to `top_n`, and what it cost."""

    model: str
    """What really scored."""
    contract: ScoreContract
    places: tuple[Place, ...]
    tokens: int
    search_units: int
    warnings: tuple[str, ...]


def unit_score(contract: ScoreContract, score: float) -> float:
    """A normalised score on the scale from 0 to 1, for callers that can read no other.

    Probabilities and cosines stay what they are on the page, a negative cosine becomes 0; scores of a scale beyond that
    are mapped linearly from the contract's range.
    """
    if not (contract.low >= -1.0 and contract.high <= 1.0):
        score = (score - contract.low) / (contract.high - contract.low)
    return min(1.0, max(0.0, score))
