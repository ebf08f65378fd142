"""Ingest runs over HTTP: start, follow, stop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from app.api.ingests import IngestRun, Ingests, RunState
from app.api.reading import StrictRoute
from app.api.wire.application import IngestRequest, IngestState
from app.api.wire.base import errors

_POLL_SECONDS = 0.1
_SILENCE = 150
"""Polls without news after which a comment is sent, so that a caller that left is noticed: 15 seconds."""

Identity = Annotated[str, Path(min_length=1, max_length=64, description="The id that POST /api/ingest gave.")]


def router(ingests: Ingests) -> APIRouter:
    """The routes below `/api/ingest`."""
    routes = APIRouter(prefix="/api/ingest", route_class=StrictRoute, tags=["application"])

    @routes.post("", status_code=202, responses=errors(400, 409, 413, 415, 422))
    async def ingest(body: IngestRequest) -> IngestState:
        """Start to index a folder; only what is new or changed is worked on, what is gone is deleted."""
        run = await run_in_threadpool(ingests.start, body.folder, body.options())
        return _shown(run.state)

    @routes.get("/{identity}", responses=errors(404, 422))
    async def progress(identity: Identity) -> IngestState:
        """Say how far a run is."""
        return _shown(ingests.get(identity).state)

    @routes.delete("/{identity}", status_code=202, responses=errors(404, 422))
    async def cancel(identity: Identity) -> IngestState:
        """Ask a run to stop; what it has indexed stays."""
        run = ingests.get(identity)
        run.cancel()
        return _shown(run.state)

    @routes.get(
        "/{identity}/events",
        response_class=StreamingResponse,
        responses={
            **errors(404, 422),
            200: {
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
                "description": "One event a change.",
            },
        },
    )
    async def events(identity: Identity) -> StreamingResponse:
        """Follow a run as server-sent events named `progress`, then `done`, `cancelled` or `failed`."""
        run = ingests.get(identity)
        return StreamingResponse(_events(run), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    return routes


def _shown(state: RunState) -> IngestState:
    return IngestState.model_validate(asdict(state))


async def _events(run: IngestRun) -> AsyncIterator[str]:
    """Each change of a run as an event; changes between two polls are seen as one."""
    seen, silent = -1, 0
    while True:
        state = run.state
        if state.version != seen:
            seen, silent = state.version, 0
            name = "progress" if state.status == "running" else state.status
            yield f"id: {state.version}\nevent: {name}\ndata: {json.dumps(asdict(state))}\n\n"
            if state.status != "running":
                return
        else:
            silent += 1
            if silent % _SILENCE == 0:
                yield ": still running\n\n"
        await asyncio.sleep(_POLL_SECONDS)
