"""What is answered before a route is reached: unknown paths, wrong methods, bodies that are too large or not JSON."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.answer import refuse
from app.api.errors import Refusal

API_ROOTS = frozenset({"v1", "v2", "rerank", "infinity", "score", "embeddings", "api", "health", "metrics"})
"""First parts of the paths that are ours; everything else is the page's."""


def is_api(path: str) -> bool:
    """True if the path belongs to the HTTP API rather than to the page."""
    return path.lstrip("/").partition("/")[0] in API_ROOTS


class KnownRoutes:
    """Answers 404 and 405 on the API's own paths, which a page mounted at the root would answer in its own way."""

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._routes = [route for route in routes if isinstance(route, Route)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope["type"] == "http" and is_api(scope["path"]):
            methods: set[str] = set()
            for route in self._routes:
                match, _ = route.matches(scope)
                if match is Match.FULL:
                    scope["secondlook.route"] = route.path
                    break
                if match is Match.PARTIAL:
                    methods |= route.methods or set()
            else:
                await refuse(_unknown(scope, methods), scope, receive, send)
                return
        await self._app(scope, receive, send)


def _unknown(scope: Scope, methods: set[str]) -> Refusal:
    if methods:
        allowed = ", ".join(sorted(methods))
        return Refusal(405, f"{scope['method']} is not possible here: use {allowed}.", headers={"Allow": allowed})
    return Refusal(404, "There is nothing at this path: see /openapi.json for the paths there are.")


class JsonBodies:
    """Hands on JSON bodies of at most `limit` bytes, read whole; answers 415 and 413 for others."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on with its body at hand."""
        if scope["type"] != "http" or not is_api(scope["path"]) or scope["method"] not in {"POST", "PUT", "PATCH"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not _is_json(headers.get("content-type", "")):
            await self._drain(receive)
            refused = Refusal(415, "The body must be JSON: send the header Content-Type: application/json.")
            await refuse(refused, scope, receive, send)
            return
        body, more = await self._read(receive)
        if len(body) > self._limit:
            if more:
                await self._drain(receive)
            refused = Refusal(413, f"The body is larger than {self._limit:,} bytes: send fewer or shorter documents.")
            await refuse(refused, scope, receive, send)
            return
        scope.setdefault("state", {})["bytes_in"] = len(body)
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self._app(scope, replay, send)

    async def _read(self, receive: Receive) -> tuple[bytes, bool]:
        """The body, or its beginning once it is over the limit; and whether more is to come."""
        parts: list[bytes] = []
        size, more = 0, True
        while more and size <= self._limit:
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            more = message["type"] == "http.request" and message.get("more_body", False)
        return b"".join(parts), more

    async def _drain(self, receive: Receive) -> None:
        """Read on for as much again, so that a client that is still sending gets to see the answer."""
        size = 0
        while size <= self._limit:
            message = await receive()
            size += len(message.get("body", b""))
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                return


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
