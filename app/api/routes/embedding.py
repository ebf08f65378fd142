"""The embedding routes, in OpenAI's and Jina's shape."""

from __future__ import annotations

from fastapi import APIRouter, Request

from app.api.errors import Refusal
from app.api.jobs import Task
from app.api.reading import StrictRoute
from app.api.services import Services
from app.api.wire.base import COSTLY, Usage, errors
from app.api.wire.openai import (
    MAX_TOTAL_TOKENS,
    EmbeddingItem,
    EmbeddingRequest,
    EmbeddingResponse,
    encode,
)
from indexer.embed.contract import Embedder, Vectors, Windowed
from rerank.models.running import Cancel


def router(services: Services) -> APIRouter:
    """The routes of `/v1/embeddings` and `/embeddings`."""
    routes = APIRouter(route_class=StrictRoute, tags=["embeddings"])

    async def embeddings(request: Request, body: EmbeddingRequest) -> EmbeddingResponse:
        """Turn texts into vectors of length 1."""
        name = services.embedder(body.model)
        embedder = services.engine.embedder
        texts, encoding = body.texts(), body.encoding()
        _check(body, texts, embedder)

        def work(_: Cancel) -> tuple[int, Vectors]:
            tokens = _count(texts, embedder, truncate=body.truncate is True)
            if body.task == "retrieval.query":
                import numpy as np

                return tokens, np.stack([embedder.query(text) for text in texts])
            return tokens, embedder.passages(texts)

        tokens, vectors = await services.answer(request, Task(services.deadline(), work))
        services.metrics.embedded(name, tokens)
        request.state.cost = {"model": name, "inputs": len(texts), "tokens": tokens}
        return EmbeddingResponse(
            data=[EmbeddingItem(index=i, embedding=one) for i, one in enumerate(encode(vectors, encoding))],
            model=name,
            usage=Usage.of(tokens),
        )

    for path in ("/v1/embeddings", "/embeddings"):
        routes.add_api_route(path, embeddings, methods=["POST"], responses=errors(*COSTLY), name=f"embeddings {path}")
    return routes


def _check(body: EmbeddingRequest, texts: list[str], embedder: Embedder) -> None:
    """Refuse what would be answered with something else than was asked for.

    Cutting a vector to fewer `dimensions` is only sound for models trained for it (Matryoshka, Kusupati et al., NeurIPS
    2022); no model here says that it was, so another length than the model's own is refused.
    """
    if body.dimensions is not None and body.dimensions != embedder.dimension:
        raise Refusal(
            400,
            f"{embedder.name} has {embedder.dimension} dimensions and was not trained to be cut to {body.dimensions}: "
            "leave dimensions out.",
            param="dimensions",
        )
    if body.late_chunking:
        raise Refusal(400, "late_chunking is not served here: leave it out.", param="late_chunking")
    for place, text in enumerate(texts):
        if not text.strip():
            raise Refusal(400, f"Input {place} is empty: an empty text has no vector.", param="input")


def _count(texts: list[str], embedder: Embedder, *, truncate: bool) -> int:
    """The tokens that are read."""
    counts = [embedder.count_tokens(text) for text in texts]
    if isinstance(embedder, Windowed):
        limit = embedder.max_tokens
        long = [place for place, count in enumerate(counts) if count > limit]
        if long and not truncate:
            raise Refusal(
                400,
                f"Input {long[0]} has {counts[long[0]]} tokens and {embedder.name} reads {limit} ({len(long)} such "
                'inputs): send shorter texts, or "truncate": true to have only their beginning read.',
                param="input",
            )
        counts = [min(count, limit) for count in counts]
    if sum(counts) > MAX_TOTAL_TOKENS:
        raise Refusal(
            400,
            f"The inputs have {sum(counts):,} tokens and the limit is {MAX_TOTAL_TOKENS:,}: send fewer.",
            param="input",
        )
    return sum(counts)
