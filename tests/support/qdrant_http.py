"""A thin Qdrant over real HTTP: the REST paths that `ServerStore` uses, answered by the client's in-memory engine.

It speaks the published REST shapes (request models are the client's own), so the store's requests, its parsing and
its errors are exercised through sockets where no Qdrant server can be installed.
"""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from pydantic import BaseModel, ValidationError
from qdrant_client import QdrantClient, models
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

Answer = Callable[[QdrantClient, str, Any], Any]

_DONE = {"operation_id": 0, "status": "completed"}


def _create(engine: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    asked = models.CreateCollection.model_validate(body)
    return engine.create_collection(name, vectors_config=asked.vectors, sparse_vectors_config=asked.sparse_vectors)


def _upsert(engine: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    engine.upsert(name, models.PointsList.model_validate(body).points)
    return _DONE


def _update(engine: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    engine.update_vectors(name, models.UpdateVectors.model_validate(body).points)
    return _DONE


def _forget(engine: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    asked = models.DeleteVectors.model_validate(body)
    engine.delete_vectors(name, asked.vector, models.PointIdsList(points=asked.points or []))
    return _DONE


def _delete(engine: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    engine.delete(name, models.PointIdsList.model_validate(body))
    return _DONE


def _retrieve(engine: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    asked = models.PointRequest.model_validate(body)
    return engine.retrieve(name, asked.ids, asked.with_payload or False, asked.with_vector or False)


def _query(engine: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    asked = models.QueryRequest.model_validate(body)
    query = asked.query.nearest if isinstance(asked.query, models.NearestQuery) else asked.query
    return engine.query_points(name, query, using=asked.using, query_filter=asked.filter, limit=asked.limit or 10)


def _scroll(engine: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    asked = models.ScrollRequest.model_validate(body)
    points, after = engine.scroll(name, limit=asked.limit or 10, offset=asked.offset, with_payload=False)
    return {"points": [point.model_dump(mode="json") for point in points], "next_page_offset": after}


PATHS: dict[tuple[str, str], Answer] = {
    ("GET", ""): lambda engine, name, _: engine.get_collection(name),
    ("PUT", ""): _create,
    ("GET", "/exists"): lambda engine, name, _: {"exists": engine.collection_exists(name)},
    ("PUT", "/index"): lambda _engine, _name, _body: _DONE,
    ("PUT", "/points"): _upsert,
    ("POST", "/points"): _retrieve,
    ("PUT", "/points/vectors"): _update,
    ("POST", "/points/vectors/delete"): _forget,
    ("POST", "/points/delete"): _delete,
    ("POST", "/points/query"): _query,
    ("POST", "/points/scroll"): _scroll,
    ("POST", "/points/count"): lambda engine, name, _: engine.count(name),
}


def application(engine: QdrantClient) -> Starlette:
    """Return the ASGI application over this engine; one request at a time, as the engine is not thread-safe."""
    turn = threading.Lock()

    def route(method: str, path: str, answer: Answer) -> Route:
        async def respond(request: Request) -> JSONResponse:
            body = await request.json() if await request.body() else {}

            def work() -> Any:
                with turn:
                    return answer(engine, request.path_params["name"], body)

            try:
                result = await run_in_threadpool(work)
            except (ValueError, ValidationError) as error:
                status = 404 if "not found" in str(error) else 400
                return JSONResponse({"status": {"error": str(error)}, "time": 0.0}, status)
            return JSONResponse({"result": _plain(result), "status": "ok", "time": 0.0})

        return Route(f"/collections/{{name}}{path}", respond, methods=[method])

    return Starlette(routes=[route(method, path, answer) for (method, path), answer in PATHS.items()])


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return [_plain(item) for item in value] if isinstance(value, list) else value


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Yield the address of the application on a free port of 127.0.0.1, and stop it afterwards."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def memory_engine() -> QdrantClient:
    """Return the client's in-memory engine; its word that it keeps no payload index is not news here."""
    warnings.filterwarnings("ignore", message="Payload indexes have no effect in the local Qdrant")
    return QdrantClient(":memory:")
