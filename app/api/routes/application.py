"""The application's own routes: search, documents, state."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.api.errors import Refusal
from app.api.jobs import Task
from app.api.reading import StrictRoute
from app.api.services import Services
from app.api.version import VERSION
from app.api.wire.application import Deleted, DocumentList, SearchRequest, SearchResponse, State
from app.api.wire.base import COSTLY, errors
from rerank.models.running import Cancel
from search.result import Result, to_dict
from search.scorers import NO_SCORER


class EscapedJson(Response):
    """JSON in ASCII: document text may hold lone surrogates, which UTF-8 cannot carry."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:  # noqa: ANN401 - JSON is any of six types
        """The body."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def router(services: Services) -> APIRouter:
    """The routes of `/api/search`, `/api/documents` and `/api/state`."""
    routes = APIRouter(prefix="/api", route_class=StrictRoute, tags=["application"])
    engine = services.engine

    @routes.post("/search", responses={**errors(*COSTLY, 409), 200: {"model": SearchResponse}})
    async def search(request: Request, body: SearchRequest) -> EscapedJson:
        """Search the index; the answer is the whole result, every stage's rank and score in it."""
        settings = body.settings()
        if settings.scorer not in {None, NO_SCORER}:
            settings = replace(settings, scorer=services.scorer(settings.scorer))

        def work(cancel: Cancel) -> Result:
            return engine.search(body.query, settings, cancel=cancel)

        result = await services.answer(request, Task(services.deadline(), work))
        request.state.cost = {"model": result.scorer, "pairs": len(result.ranked)}
        return EscapedJson(await run_in_threadpool(to_dict, result))

    @routes.get("/documents", responses={**errors(429), 200: {"model": DocumentList}})
    async def documents() -> EscapedJson:
        """List the indexed documents, by path."""
        rows = await run_in_threadpool(engine.documents)
        return EscapedJson({"documents": [json.loads(json.dumps(asdict(one), default=str)) for one in rows]})

    @routes.delete("/documents/{path:path}", responses=errors(404, 409, 422))
    async def delete(path: Annotated[str, Path(max_length=4096)]) -> Deleted:
        """Delete a document from every store; the file itself stays where it is."""
        if not await run_in_threadpool(engine.index.delete, path):
            raise Refusal(404, "No document of that path is indexed: see GET /api/documents.")
        return Deleted(path=path, deleted=True)

    @routes.get("/state", responses=errors(503))
    async def state() -> State:
        """Say what is indexed, what it runs on, and what can be chosen."""
        found = await run_in_threadpool(engine.state)
        scorers = await run_in_threadpool(engine.scorers)
        return State.model_validate(
            {
                **asdict(found),
                "version": VERSION,
                "pid": os.getpid(),
                "folders": list(found.folders),
                "notes": list(found.notes),
                "default_scorer": engine.registry.default,
                "scorers": [asdict(one) for one in scorers],
            }
        )

    return routes
