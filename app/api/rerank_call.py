"""The one rerank call behind every wire shape."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fastapi import Request

from app.api.ask import Answer, Ask, Place
from app.api.errors import Refusal
from app.api.jobs import Part, RerankJob, SpanWish
from app.api.services import Services
from rerank.scorer import MAX_DOCUMENT_TOKENS, MAX_QUERY_TOKENS, Limits, Scored, Scorer, Scoring
from search.scripts import named

DOCUMENTS_PER_SEARCH_UNIT = 100
"""Cohere's unit of billing: one query with up to 100 documents."""


async def rerank(services: Services, request: Request, ask: Ask) -> Answer:
    """The ranking that a caller asked for.

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
    tokens = _count(services, request, scores.parts)
    order = sorted(range(len(scoring.scored)), key=lambda i: (-scoring.scored[i].score, -scoring.scored[i].logit, i))
    return Answer(
        model=scoring.model,
        contract=scores.scorer.contract,
        places=tuple(
            Place(i, scoring.scored[i].score, scoring.scored[i].logit, scores.spans.get(i, ())) for i in order[:top]
        ),
        tokens=tokens,
        search_units=-(-len(ask.documents) // DOCUMENTS_PER_SEARCH_UNIT),
        warnings=(*await _unread(services, scores.scorer, scorer, ask.query), *scoring.notes, *ask.unsupported),
    )


async def score(
    services: Services, request: Request, model: str | None, pairs: Sequence[tuple[str, str]]
) -> tuple[str, list[Scored], int]:
    """What really scored, the score of each (query, document) pair in order, and the tokens that were read.

    Pairs that share a query go together, as one list.

    Raises:
        ModelNotFound: nothing here answers to the model's name.
        Refusal: 429, 499, 504 as `Services.answer`.
        RerankError: the scorer refused.
    """
    places: dict[str, list[int]] = {}
    for place, (query, _) in enumerate(pairs):
        places.setdefault(query, []).append(place)
    parts = [Part(query, tuple(pairs[i][1] for i in found)) for query, found in places.items()]
    job = RerankJob(services.deadline(), services.scorer(model), parts, Limits())
    scorings = (await services.answer(request, job)).parts
    by_place = {
        place: one
        for found, scoring in zip(places.values(), scorings, strict=True)
        for place, one in zip(found, scoring.scored, strict=True)
    }
    tokens = _count(services, request, scorings)
    return scorings[0].model, [by_place[place] for place in range(len(pairs))], tokens


def _count(services: Services, request: Request, scorings: Sequence[Scoring]) -> int:
    """The tokens of every pair, the query's counted once per passage; the same whether scores were cached.

    Metrics and the access log get to know what the call cost.
    """
    for scoring in scorings:
        services.metrics.scored(scoring)
    tokens = sum(one.tokens + scoring.query_tokens for scoring in scorings for one in scoring.scored)
    pairs = sum(len(scoring.scored) for scoring in scorings)
    request.state.cost = {"model": scorings[0].model, "pairs": pairs, "tokens": tokens}
    return tokens


async def _unread(services: Services, scorer: Scorer, name: str, query: str) -> tuple[str, ...]:
    """A sentence on what the scorer does not read; asked of the one that scored, since only the worker loads any."""
    scripts = await asyncio.to_thread(services.literacy.unread, scorer, name, query)
    return (f"{name} does not read {named(scripts)}: its scores say little about this query.",) if scripts else ()


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
