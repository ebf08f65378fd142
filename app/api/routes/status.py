"""What runs here: health, models, counters."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.api.errors import Refusal
from app.api.reading import StrictRoute
from app.api.services import Services
from app.api.version import VERSION
from app.api.wire.application import Health, LoadedModel
from app.api.wire.base import errors
from app.api.wire.openai import Model, ModelList
from search.scorers import NO_SCORER


def router(services: Services) -> APIRouter:
    """The routes of `/health`, `/v1/models` and `/metrics`."""
    routes = APIRouter(route_class=StrictRoute, tags=["status"])

    @routes.get("/health", responses=errors())
    async def health() -> Health:
        """Say that the server is up, and which models are in memory and what they run on; loads none."""
        return await run_in_threadpool(_health, services)

    @routes.get("/v1/models", responses=errors(), response_model_exclude_none=True)
    async def models() -> ModelList:
        """List every model name that callers can use."""
        return ModelList(data=await run_in_threadpool(_models, services))

    @routes.get("/v1/models/{name:path}", responses=errors(404), response_model_exclude_none=True)
    async def model(name: str) -> Model:
        """Describe one model name."""
        found = [one for one in await run_in_threadpool(_models, services) if one.id == name]
        if not found:
            raise Refusal(404, "No model of that name answers here: see /v1/models.", "INPUT_MODEL_NOT_FOUND")
        return found[0]

    @routes.get(
        "/metrics",
        response_class=Response,
        responses={
            **errors(),
            200: {
                "content": {"text/plain": {"schema": {"type": "string"}}},
                "description": "Prometheus's text format.",
            },
        },
    )
    async def metrics() -> Response:
        """Count requests, seconds, pairs and tokens."""
        return Response(services.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return routes


def _health(services: Services) -> Health:
    engine = services.engine
    loaded = []
    for name in engine.registry.loaded:
        runtime = engine.registry.get(name).runtime
        loaded.append(
            LoadedModel(
                name=name, device=runtime.device, dtype=runtime.dtype, kernel=runtime.kernel, reason=runtime.reason
            )
        )
    return Health(
        status="ok",
        version=VERSION,
        default=engine.registry.default,
        loaded=loaded,
        embedder=engine.embedder.name,
        embedder_runtime=engine.embedder.runtime,
        queue=services.batcher.depth,
        queue_size=services.settings.queue_size,
    )


def _models(services: Services) -> list[Model]:
    scorers = [
        Model(id=one.name, kind="rerank", licence=one.licence)
        for one in services.engine.scorers()
        if one.available and one.name != NO_SCORER
    ]
    aliases = [Model(id=name, kind="alias", answers_for=target) for name, target in services.settings.aliases.items()]
    return [*scorers, Model(id=services.engine.embedder.name, kind="embedding"), *aliases]
