"""Whose client speaks: told here alone, from the path and the body, since several vendors share a path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from fastapi import Request

Dialect = Literal["jina", "infinity", "tei"]
"""The clients that are answered in their own way; "jina" stands for all others."""


def dialect(path: str, body: object) -> Dialect:
    """Whose client sent a rerank body, which may be as it came or as read into its shape.

    A body that has both `texts` and `documents` is read as the richer of the two shapes, that of `documents`.
    """
    if path.startswith("/infinity"):
        return "infinity"
    if _has(body, "texts") and not _has(body, "documents"):
        return "tei"
    return "infinity" if _get(body, "raw_scores") is not None else "jina"


def listen(request: Request, body: object) -> Dialect:
    """The same for a request, kept so that an error of this call is answered in that dialect too (`heard`)."""
    spoken = dialect(request.url.path, body)
    request.state.dialect = spoken
    return spoken


def heard(request: Request) -> Dialect:
    """The dialect of a request as far as it was listened to."""
    spoken: Dialect = getattr(request.state, "dialect", "jina")
    return spoken


def _has(body: object, field: str) -> bool:
    return field in body if isinstance(body, Mapping) else hasattr(body, field)


def _get(body: object, field: str) -> object:
    return body.get(field) if isinstance(body, Mapping) else getattr(body, field, None)
