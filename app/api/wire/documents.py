"""The documents of a rerank body: a string each, or an object of which a part is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from app.api.errors import Refusal
from rerank.scorer import MAX_DOCUMENTS

Document = str | dict[str, Any]
DocumentTexts = Annotated[list[Document], Field(min_length=1, max_length=MAX_DOCUMENTS)]
PlainTexts = Annotated[list[str], Field(min_length=1, max_length=MAX_DOCUMENTS)]


def texts(documents: Sequence[Document], rank_fields: Sequence[str] | None) -> tuple[str, ...]:
    """What is read of each document.

    Raises:
        Refusal: 400 for a document without text.
    """
    return tuple(_text(document, rank_fields, place) for place, document in enumerate(documents))


def shown(document: Document, rank_fields: Sequence[str] | None, *, plain: bool) -> Document:
    """A document as it is sent back: as `plain` text, or as an object with the text that was read."""
    if plain:
        return _text(document, rank_fields, 0)
    if isinstance(document, str):
        return {"text": document}
    if isinstance(document.get("text"), str):
        return document
    return {**document, "text": _text(document, rank_fields, 0)}


def _text(document: Document, rank_fields: Sequence[str] | None, place: int) -> str:
    """A string as it is; of a dictionary its `rank_fields`, or its `text`, or every field as `name: value` lines."""
    if isinstance(document, str):
        return document
    if not rank_fields and isinstance(document.get("text"), str):
        return str(document["text"])
    fields = [name for name in rank_fields or document if document.get(name) is not None]
    if not fields or (fields == ["image"] and not rank_fields):
        reason = "is an image, and models here read text" if "image" in document else "has no text"
        raise Refusal(400, f"Document {place} {reason}: send a string, or an object with text.", param="documents")
    if len(fields) == 1:
        return _plain(document[fields[0]])
    return "\n".join(f"{name}: {_plain(document[name])}" for name in fields)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
