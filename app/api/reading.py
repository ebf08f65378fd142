"""Request bodies as strict JSON: what cannot be sent back as JSON is not let in."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from app.api.answer import log_bug, request_id
from app.api.errors import OWN_ERRORS, Refusal, refusal

_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


def parse(body: bytes) -> Any:  # noqa: ANN401 - JSON is any of six types
    """The JSON value of a body.

    Raises:
        Refusal: 400 if it is not JSON (RFC 8259: no NaN, no infinity), nests too deep, or holds half a surrogate pair.
    """
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_float=_finite)
        if _SURROGATE_ESCAPE.search(body):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError as deep:
        raise _refusal("it nests too deep") from deep
    except UnicodeError as broken:
        raise _refusal("it holds text that is not valid Unicode") from broken
    except ValueError as invalid:
        raise _refusal(str(invalid)[:200]) from invalid
    return value


def _refusal(reason: str) -> Refusal:
    return Refusal(400, f"The body cannot be read as JSON: {reason}.", "INPUT_JSON_INVALID")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


class _StrictRequest(Request):
    async def json(self) -> Any:  # noqa: ANN401 - as above
        return parse(await self.body())


class StrictRoute(APIRoute):
    """A route whose JSON body is read by `parse`, whose bugs are answered with 500 and logged without text."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The usual handler, on a request that reads strictly."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await inner(_StrictRequest(request.scope, request.receive))
            except (HTTPException, RequestValidationError, *OWN_ERRORS):
                raise
            except Exception as bug:  # noqa: BLE001 - the server's boundary: an unhandled error would be logged whole
                log_bug(f"request {request_id(request.scope)}", bug)
                raise refusal(bug) from None

        return handler
