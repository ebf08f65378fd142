"""Who may call: bearer keys where there are any, this machine's own names where there are none."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.answer import refuse
from app.api.errors import Refusal
from app.api.settings import is_loopback

OPEN_PATHS = frozenset({"/health", "/live", "/ready"})
"""Answered without a key, for whatever watches the server."""


class BearerKeys:
    """Lets through only requests that carry one of the keys, as `Authorization: Bearer KEY`.

    A browser may send it as the password of HTTP Basic, so that the page can be opened too.
    """

    def __init__(self, app: ASGIApp, keys: Iterable[str]) -> None:
        self._app = app
        self._digests = tuple(hashlib.sha256(key.encode()).digest() for key in keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, or pass the request on."""
        if scope["type"] == "http" and scope["method"] != "OPTIONS" and scope["path"] not in OPEN_PATHS:
            refused = self._check(Headers(scope=scope).get("authorization", ""))
            if refused is not None:
                await refuse(refused, scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, header: str) -> Refusal | None:
        scheme, _, value = header.partition(" ")
        if not header:
            return _unauthorized("AUTH_MISSING_API_KEY", "An API key is needed: send Authorization: Bearer KEY.")
        if scheme.lower() == "basic":
            value = _password(value)
        elif scheme.lower() != "bearer":
            return _unauthorized("AUTH_INVALID_FORMAT", "Authorization must be: Bearer KEY.")
        sent = hashlib.sha256(value.strip().encode("latin-1", "replace")).digest()
        # every key is compared, whichever matches: the time says nothing
        matches = [hmac.compare_digest(sent, digest) for digest in self._digests]
        if any(matches):
            return None
        return _unauthorized("AUTH_INVALID_API_KEY", "This API key is not valid here: ask the operator for one.")


class LocalHosts:
    """Lets through only requests that name this machine, so that a foreign page cannot rebind its name to us."""

    def __init__(self, app: ASGIApp, allowed: Iterable[str]) -> None:
        self._app = app
        self._allowed = frozenset(name.lower() for name in allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 421, or pass the request on."""
        if scope["type"] == "http":
            host = Headers(scope=scope).get("host", "")
            name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
            if name.lower() not in self._allowed and not is_loopback(name):
                refused = Refusal(
                    421,
                    "Without an API key this server answers to local names only: use 127.0.0.1, or set a key.",
                )
                await refuse(refused, scope, receive, send)
                return
        await self._app(scope, receive, send)


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode("latin-1").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _unauthorized(code: str, message: str) -> Refusal:
    challenge = 'Basic realm="Second Look", Bearer' if code == "AUTH_MISSING_API_KEY" else "Bearer"
    return Refusal(401, message, code, headers={"WWW-Authenticate": challenge})
