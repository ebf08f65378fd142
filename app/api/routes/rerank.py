"""The rerank routes: one handler per wire shape, all over `rerank_call.rerank`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import Discriminator, Tag

from app.api.jobs import Part, RerankJob
from app.api.reading import StrictRoute
from app.api.rerank_call import rerank, used
from app.api.services import Services
from app.api.wire import cohere, jina, tei
from app.api.wire import score as wire_score
from app.api.wire.base import COSTLY, ErrorBody, TeiErrorBody, errors
from rerank.scorer import Limits


def _shape(body: object) -> str:
    """Which of the two shapes on /rerank a body has; one that has both names is read as the richer one."""
    if isinstance(body, tei.TeiRequest):
        return "tei"
    return "tei" if isinstance(body, dict) and "texts" in body and "documents" not in body else "list"


EitherRequest = Annotated[
    Annotated[jina.RerankRequest, Tag("list")] | Annotated[tei.TeiRequest, Tag("tei")],
    Discriminator(_shape),
]
EitherResponse = jina.RerankResponse | list[tei.TeiRank]


def router(services: Services) -> APIRouter:
    """Return the routes of `/v1/rerank`, `/v2/rerank`, `/rerank`, `/infinity/rerank`, `/score` and `/v1/score`."""
    routes = APIRouter(route_class=StrictRoute, tags=["rerank"])

    @routes.post("/v1/rerank", responses=errors(*COSTLY), response_model_exclude_none=True)
    async def rerank_v1(request: Request, body: jina.RerankRequest) -> jina.RerankResponse:
        """Rank documents: Jina's and Cohere v1's shape."""
        answer = await rerank(services, request, jina.to_ask(body))
        return jina.to_response(body, answer, documents=True, plain=body.raw_scores is not None)

    @routes.post("/v2/rerank", responses=errors(*COSTLY), response_model_exclude_none=True)
    async def rerank_v2(request: Request, body: cohere.RerankV2Request) -> cohere.RerankV2Response:
        """Rank documents: Cohere v2's shape, with `relevant_spans` where asked for."""
        ask = cohere.to_ask(body)
        return cohere.to_response(body, ask, await rerank(services, request, ask))

    @routes.post("/rerank", responses=errors(*COSTLY, body=ErrorBody | TeiErrorBody), response_model_exclude_none=True)
    async def rerank_bare(request: Request, body: Annotated[EitherRequest, Body()]) -> EitherResponse:
        """Rank documents: vLLM's and Infinity's shape with `documents`, TEI's with `texts`."""
        if isinstance(body, tei.TeiRequest):
            request.state.tei = True
            return tei.to_response(body, await rerank(services, request, tei.to_ask(body)))
        infinity = body.raw_scores is not None
        answer = await rerank(services, request, jina.to_ask(body))
        return jina.to_response(body, answer, documents=not infinity, plain=infinity, named=True)

    @routes.post("/infinity/rerank", responses=errors(*COSTLY), response_model_exclude_none=True)
    async def rerank_infinity(request: Request, body: jina.RerankRequest) -> jina.RerankResponse:
        """Rank documents: Infinity's shape, documents as plain text and only where asked for."""
        answer = await rerank(services, request, jina.to_ask(body))
        return jina.to_response(body, answer, documents=False, plain=True, named=True)

    async def score(request: Request, body: wire_score.ScoreRequest) -> wire_score.ScoreResponse:
        """Score pairs in input order: vLLM's shape."""
        return await _score(services, request, body)

    for path in ("/score", "/v1/score"):
        routes.add_api_route(
            path, score, methods=["POST"], responses=errors(*COSTLY), name=f"score {path}", response_model=_SCORES
        )
    return routes


_SCORES: Any = wire_score.ScoreResponse


async def _score(services: Services, request: Request, body: wire_score.ScoreRequest) -> wire_score.ScoreResponse:
    """Scores of pairs: those that share a query go together, as one list."""
    wanted = wire_score.pairs(body)
    places: dict[str, list[int]] = {}
    for place, (query, _) in enumerate(wanted):
        places.setdefault(query, []).append(place)
    parts = [Part(query, tuple(wanted[i][1] for i in found)) for query, found in places.items()]
    job = RerankJob(services.deadline(), services.scorer(body.model), parts, Limits())
    scores = await services.answer(request, job)
    values = [0.0] * len(wanted)
    for found, scoring in zip(places.values(), scores.parts, strict=True):
        services.metrics.scored(scoring)
        for place, one in zip(found, scoring.scored, strict=True):
            values[place] = one.logit if body.use_activation is False else one.score
    tokens = sum(used(scoring) for scoring in scores.parts)
    request.state.cost = {"model": scores.parts[0].model, "pairs": len(wanted), "tokens": tokens}
    return wire_score.to_response(scores.parts[0].model, values, tokens)
