"""The one rerank call behind every wire shape."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fastapi import Request

from app.api.errors import Refusal
from app.api.jobs import Part, RerankJob, SpanWish
from app.api.services import Services
from rerank.scorer import MAX_DOCUMENT_TOKENS, MAX_QUERY_TOKENS, Limits, ScoreContract, Scoring, Span
from search.scripts import named

DOCUMENTS_PER_SEARCH_UNIT = 100
"""Cohere's unit of billing: one query with up to 100 documents."""


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


async def rerank(services: Services, request: Request, ask: Ask) -> Answer:
    """Return the ranking that a caller asked for.

    Raises:
        ModelNotFound: nothing here answers to the model's name.
        Refusal: 400 where something was too long and truncation not allowed; 429, 499, 504 as `Services.answer`.
        RerankError: the scorer refused.
    """
    top = ask.top_n or len(ask.documents)
    scorer = services.scorer(ask.model)
    job = RerankJob(
        services.deadline(),
        scorer,
        [Part(ask.query, ask.documents)],
        _limits(ask),
        SpanWish(top) if ask.spans else None,
    )
    scores = await services.answer(request, job)
    (scoring,) = scores.parts
    if ask.refuse_truncation:
        _require_untruncated(scoring)
    tokens = used(scoring)
    services.metrics.scored(scoring)
    request.state.cost = {"model": scoring.model, "pairs": len(scoring.scored), "tokens": tokens}
    order = sorted(range(len(scoring.scored)), key=lambda i: (-scoring.scored[i].score, -scoring.scored[i].logit, i))
    return Answer(
        model=scoring.model,
        contract=scores.scorer.contract,
        places=tuple(
            Place(i, scoring.scored[i].score, scoring.scored[i].logit, scores.spans.get(i, ())) for i in order[:top]
        ),
        tokens=tokens,
        search_units=-(-len(ask.documents) // DOCUMENTS_PER_SEARCH_UNIT),
        warnings=(*await asyncio.to_thread(_unread, services, scorer, ask.query), *scoring.notes, *ask.unsupported),
    )


def _unread(services: Services, scorer: str, query: str) -> tuple[str, ...]:
    scripts = services.engine.unread(scorer, query)
    return (f"{scorer} does not read {named(scripts)}: its scores say little about this query.",) if scripts else ()


def used(scoring: Scoring) -> int:
    """Return the tokens of every pair, the query's counted once per passage; the same whether scores were cached."""
    return sum(one.tokens + scoring.query_tokens for one in scoring.scored)


def unit_score(contract: ScoreContract, score: float) -> float:
    """Return a normalised score on the scale from 0 to 1, for callers that can read no other.

    Probabilities and cosines stay what they are on the page, a negative cosine becomes 0; scores of a scale beyond that
    are mapped linearly from the contract's range.
    """
    if not (contract.low >= -1.0 and contract.high <= 1.0):
        score = (score - contract.low) / (contract.high - contract.low)
    return min(1.0, max(0.0, score))


def _limits(ask: Ask) -> Limits:
    return Limits(
        max_query_tokens=min(ask.max_query_tokens or MAX_QUERY_TOKENS, MAX_QUERY_TOKENS),
        max_document_tokens=min(ask.max_document_tokens or MAX_DOCUMENT_TOKENS, MAX_DOCUMENT_TOKENS),
    )


def _require_untruncated(scoring: Scoring) -> None:
    long = [i for i, one in enumerate(scoring.scored) if one.truncated]
    if scoring.query_truncated:
        raise Refusal(
            400,
            f"The query is {scoring.query_truncated} tokens too long: shorten it, or allow truncation.",
            param="query",
        )
    if long:
        raise Refusal(
            400,
            f"Document {long[0]} is {scoring.scored[long[0]].truncated} tokens too long ({len(long)} such documents): "
            "shorten it, or allow truncation.",
            param="documents",
        )
