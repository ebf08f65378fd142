"""One JSON line per request: what was called and what it cost, never a key and never a text."""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from typing import TextIO

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.metrics import Metrics

_log = logging.getLogger("secondlook.access")
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"})


def write_to(stream: TextIO) -> None:
    """Have the lines written to a stream, such as standard error, each as it stands; a second call changes nothing."""
    for name in ("secondlook.access", "secondlook.api"):
        logger = logging.getLogger(name)
        if not logger.handlers:
            handler = logging.StreamHandler(stream)
            handler.setFormatter(logging.Formatter("%(message)s"))
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)


class AccessLog:
    """Gives every request an id, counts it, and writes it to the logger `secondlook.access`.

    The id is the caller's `X-Request-ID` where that is harmless, otherwise a new one; the answer carries it. The log
    names the route, not the path: paths hold document names.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and write its line."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = Headers(scope=scope).get("x-request-id", "")
        known = sent if _ID.fullmatch(sent) else uuid.uuid4().hex
        state = scope.setdefault("state", {})
        state["request_id"] = known
        started, status, size = time.perf_counter(), 500, 0

        async def watched(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = known
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            seconds = time.perf_counter() - started
            route = scope.get("secondlook.route", "other")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.answered(route, method, status, seconds)
            line = {
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "request_id": known,
                "client": (scope.get("client") or ("",))[0],
                "method": method,
                "route": route,
                "status": status,
                "seconds": round(seconds, 4),
                "bytes_in": state.get("bytes_in", 0),
                "bytes_out": size,
                **state.get("cost", {}),
            }
            _log.info("%s", json.dumps(line))
