"""An error as an HTTP answer, from inside a route or before one is reached."""

from __future__ import annotations

import json
import logging
import traceback
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from app.api.dialect import Dialect, heard, listen
from app.api.errors import OWN_ERRORS, Refusal, refusal

_log = logging.getLogger("secondlook.api")

_SHOWN = 200
"""Characters of an invalid value that are sent back to its sender."""


def request_id(scope: Scope) -> str:
    """The id that this request is known by, in its answer and in the log."""
    state: dict[str, Any] = scope.setdefault("state", {})
    return str(state.get("request_id", ""))


async def refuse(refused: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request that reaches no route."""
    await response(refused, scope)(scope, receive, send)


def response(refused: Refusal, scope: Scope, spoken: Dialect = "jina") -> Response:
    """The refusal as JSON, with the request id in the header too."""
    known = request_id(scope)
    headers = {"X-Request-ID": known, **(refused.headers or {})}
    return JSONResponse(refused.body(known, tei=spoken == "tei"), refused.status, headers=headers)


def log_bug(what: str, error: BaseException) -> None:
    """Log where an error came from: its class and the lines it passed, not its message, which may quote a document."""
    frames = traceback.extract_tb(error.__traceback__)
    way = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    _log.error("%s failed: %s at %s", what, type(error).__name__, way)


def install(app: FastAPI) -> None:
    """Make every error of the application a JSON answer."""

    async def on_own(request: Request, error: Exception) -> Response:
        return response(refusal(error), request.scope, heard(request))

    async def on_invalid(request: Request, error: Exception) -> Response:
        spoken = listen(request, error.body if isinstance(error, RequestValidationError) else None)
        return response(_invalid(error, spoken), request.scope, spoken)

    async def on_http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        detail = error.detail if isinstance(error, HTTPException) else ""
        headers = getattr(error, "headers", None) or {}
        return response(Refusal(status, str(detail), headers=dict(headers)), request.scope)

    async def on_bug(request: Request, error: Exception) -> Response:
        log_bug(f"request {request_id(request.scope)}", error)
        return response(refusal(error), request.scope, heard(request))

    app.add_exception_handler(Refusal, on_own)
    for kind in OWN_ERRORS:
        app.add_exception_handler(kind, on_own)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_bug)


def _invalid(error: Exception, spoken: Dialect) -> Refusal:
    """The refusal of a body or parameter that does not have the shape asked for.

    422, as every vendor says it; but 400 for Infinity's client, which reads a 422 only as a list.
    """
    found = error.errors() if isinstance(error, RequestValidationError) else ()
    fields = tuple(
        {
            "field": ".".join(str(part) for part in one["loc"] if part not in {"body", "tei", "list"}) or "body",
            "message": str(one["msg"]),
            "type": str(one["type"]),
            "input": json.dumps(one.get("input"), default=str)[:_SHOWN],
        }
        for one in found
    )
    more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
    first = fields[0] if fields else {"field": "body", "message": "not valid"}
    message = f"{first['field']}: {first['message']}{more}."
    return Refusal(400 if spoken == "infinity" else 422, message, param=first["field"], fields=fields)
