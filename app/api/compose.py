"""How the API is put together: settings and an engine in, an application out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from app.api import answer
from app.api.access_log import AccessLog
from app.api.auth import BearerKeys, LocalHosts
from app.api.batcher import Batcher
from app.api.ingests import Ingests
from app.api.limits import JsonBodies, KnownRoutes
from app.api.metrics import Metrics
from app.api.routes import application, embedding, ingest, rerank, status
from app.api.services import Services
from app.api.settings import ApiSettings
from app.api.version import VERSION
from search.engine import SearchEngine


def compose(engine: SearchEngine, settings: ApiSettings) -> FastAPI:
    """The application, its worker running; at the server's end both worker and ingest runs have ended.

    The engine stays open: whoever opened it closes it.
    """
    metrics = Metrics()
    batcher = Batcher(engine.registry.get, settings.queue_size, settings.batch_tokens, settings.batch_window_seconds)
    metrics.watch(lambda: batcher.depth, lambda: engine.registry.loaded)
    services = Services(engine, settings, batcher, metrics)
    ingests = Ingests(engine.ingest, settings.ingest_roots)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(batcher.close)
        await run_in_threadpool(ingests.close)

    app = FastAPI(
        title="Second Look",
        version=VERSION,
        description="Two-stage search, and reranking in the shapes of Jina, Cohere, TEI, vLLM, Infinity and OpenAI.",
        lifespan=lifespan,
        redirect_slashes=False,
    )
    routers = (
        rerank.router(services),
        embedding.router(services),
        status.router(services),
        application.router(services),
        ingest.router(ingests),
    )
    for router in routers:
        app.include_router(router)
    answer.install(app)
    _guard(app, settings, metrics, [route for router in routers for route in router.routes])
    return app


def _guard(app: FastAPI, settings: ApiSettings, metrics: Metrics, routes: Sequence[BaseRoute]) -> None:
    """Put the checks in front of the routes; the last one added is the first one asked."""
    app.add_middleware(JsonBodies, limit=settings.max_body_bytes)
    app.add_middleware(KnownRoutes, routes=routes)
    if settings.keys:
        app.add_middleware(BearerKeys, keys=settings.keys)
    else:
        app.add_middleware(LocalHosts, allowed=settings.allowed_hosts)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After"],
        )
    app.add_middleware(AccessLog, metrics=metrics)
