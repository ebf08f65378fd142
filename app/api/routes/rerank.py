"""The rerank routes: one handler per wire shape, all over `rerank_call`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Request
from pydantic import Discriminator, Tag

from app.api.dialect import dialect, listen
from app.api.reading import StrictRoute
from app.api.rerank_call import rerank, score
from app.api.services import Services
from app.api.wire import cohere, jina, tei
from app.api.wire import score as score_wire
from app.api.wire.base import COSTLY, ErrorBody, TeiErrorBody, errors


def _shape(body: object) -> str:
    """Which of the two shapes on /rerank a body has."""
    return "tei" if dialect("/rerank", body) == "tei" else "list"


EitherRequest = Annotated[
    Annotated[jina.RerankRequest, Tag("list")] | Annotated[tei.TeiRequest, Tag("tei")],
    Discriminator(_shape),
]
EitherResponse = jina.RerankResponse | list[tei.TeiRank]


def router(services: Services) -> APIRouter:
    """The routes of `/v1/rerank`, `/v2/rerank`, `/rerank`, `/infinity/rerank`, `/score` and `/v1/score`."""
    routes = APIRouter(route_class=StrictRoute, tags=["rerank"])

    @routes.post("/v1/rerank", responses=errors(*COSTLY), response_model_exclude_none=True)
    async def rerank_v1(request: Request, body: jina.RerankRequest) -> jina.RerankResponse:
        """Rank documents: Jina's and Cohere v1's shape."""
        infinity = listen(request, body) == "infinity"
        answer = await rerank(services, request, jina.to_ask(body))
        return jina.to_response(body, answer, documents=True, plain=infinity)

    @routes.post("/v2/rerank", responses=errors(*COSTLY), response_model_exclude_none=True)
    async def rerank_v2(request: Request, body: cohere.RerankV2Request) -> cohere.RerankV2Response:
        """Rank documents: Cohere v2's shape, with `relevant_spans` where asked for."""
        ask = cohere.to_ask(body)
        return cohere.to_response(body, ask, await rerank(services, request, ask))

    @routes.post("/rerank", responses=errors(*COSTLY, body=ErrorBody | TeiErrorBody), response_model_exclude_none=True)
    async def rerank_bare(request: Request, body: Annotated[EitherRequest, Body()]) -> EitherResponse:
        """Rank documents: vLLM's and Infinity's shape with `documents`, TEI's with `texts`."""
        if isinstance(body, jina.RerankRequest):
            return await _listed(services, request, body)
        listen(request, body)
        return tei.to_response(body, await rerank(services, request, tei.to_ask(body)))

    @routes.post("/infinity/rerank", responses=errors(*COSTLY), response_model_exclude_none=True)
    async def rerank_infinity(request: Request, body: jina.RerankRequest) -> jina.RerankResponse:
        """Rank documents: Infinity's shape, documents as plain text and only where asked for."""
        return await _listed(services, request, body)

    async def score_pairs(request: Request, body: score_wire.ScoreRequest) -> score_wire.ScoreResponse:
        """Score pairs in input order: vLLM's shape."""
        model, scored, tokens = await score(services, request, body.model, score_wire.pairs(body))
        return score_wire.to_response(body, model, scored, tokens)

    for path in ("/score", "/v1/score"):
        routes.add_api_route(path, score_pairs, methods=["POST"], responses=errors(*COSTLY), name=f"score {path}")
    return routes


async def _listed(services: Services, request: Request, body: jina.RerankRequest) -> jina.RerankResponse:
    """The answer that says what it is; to Infinity's clients documents are plain text, and only where asked for."""
    infinity = listen(request, body) == "infinity"
    answer = await rerank(services, request, jina.to_ask(body))
    return jina.to_response(body, answer, documents=not infinity, plain=infinity, named=True)
