"""Jina's, Cohere v1's, vLLM's and Infinity's rerank bodies: one request model, since their fields do not collide."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel

from app.api.errors import Refusal
from app.api.rerank_call import Answer, Ask
from app.api.wire.base import DocumentTexts, ModelName, Natural, Query, TopN, Usage, WireModel

API_VERSION = "2"


class RerankRequest(WireModel):
    """`query` and `documents`, ranked by relevance."""

    query: Query
    documents: DocumentTexts
    model: ModelName = None
    top_n: TopN = None
    return_documents: bool | None = None
    rank_fields: list[str] | None = None
    """Cohere v1: the keys of dictionary documents that are read."""
    truncation: bool | None = None
    """Jina: false refuses documents that would be cut."""
    max_doc_length: Natural | None = None
    """Jina v3: tokens read of each document; 0 means the server's own limit, here and below."""
    max_tokens_per_doc: Natural | None = None
    """Cohere, vLLM: the same."""
    max_tokens_per_query: Natural | None = None
    """vLLM: tokens read of the query."""
    return_embeddings: bool | None = None
    raw_scores: bool | None = None
    """Infinity: true answers with the model's raw output."""
    use_activation: bool | None = None
    """vLLM: false does the same."""


class ResultItem(BaseModel):
    """One document's place."""

    index: int
    relevance_score: float
    document: dict[str, Any] | str | None = None


class ApiVersion(BaseModel):
    """The wire version."""

    version: str = API_VERSION


class BilledUnits(BaseModel):
    """Cohere's units."""

    search_units: int
    input_tokens: int


class Meta(BaseModel):
    """Cohere's envelope."""

    api_version: ApiVersion
    billed_units: BilledUnits
    warnings: list[str] | None = None


class RerankResponse(BaseModel):
    """The documents by descending score, cut to `top_n`."""

    id: str
    object: Literal["rerank"] | None = None
    model: str
    results: list[ResultItem]
    usage: Usage
    meta: Meta


def to_ask(body: RerankRequest) -> Ask:
    """Return what the body asks for.

    Raises:
        Refusal: 400 for a document without text.
    """
    return Ask(
        query=body.query,
        documents=texts(body.documents, body.rank_fields),
        model=body.model,
        top_n=body.top_n,
        max_document_tokens=body.max_doc_length or body.max_tokens_per_doc,
        max_query_tokens=body.max_tokens_per_query,
        refuse_truncation=body.truncation is False,
        unsupported=("return_embeddings is not served here: no embeddings are returned.",)
        if body.return_embeddings
        else (),
    )


def to_response(
    body: RerankRequest, answer: Answer, *, documents: bool, plain: bool = False, named: bool = False
) -> RerankResponse:
    """Return the answer in this shape.

    Args:
        body: the request.
        answer: the ranking.
        documents: whether documents come back where the request does not say.
        plain: documents come back as text, for Infinity's clients, instead of as objects.
        named: say `object: rerank`, as Infinity does.
    """
    wanted = documents if body.return_documents is None else body.return_documents
    raw = body.raw_scores is True or body.use_activation is False
    return RerankResponse(
        id=uuid.uuid4().hex,
        object="rerank" if named else None,
        model=answer.model,
        results=[
            ResultItem(
                index=one.index,
                relevance_score=one.logit if raw else one.score,
                document=_shown(body.documents[one.index], body.rank_fields, plain=plain) if wanted else None,
            )
            for one in answer.places
        ],
        usage=Usage(prompt_tokens=answer.tokens, total_tokens=answer.tokens),
        meta=meta(answer),
    )


def meta(answer: Answer) -> Meta:
    """Return Cohere's envelope for an answer."""
    return Meta(
        api_version=ApiVersion(),
        billed_units=BilledUnits(search_units=answer.search_units, input_tokens=answer.tokens),
        warnings=list(answer.warnings) or None,
    )


def texts(documents: Sequence[str | dict[str, Any]], rank_fields: Sequence[str] | None) -> tuple[str, ...]:
    """Return what is read of each document.

    Raises:
        Refusal: 400 for a document without text.
    """
    return tuple(_text(document, rank_fields, place) for place, document in enumerate(documents))


def _text(document: str | dict[str, Any], rank_fields: Sequence[str] | None, place: int) -> str:
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


def _shown(document: str | dict[str, Any], rank_fields: Sequence[str] | None, *, plain: bool) -> dict[str, Any] | str:
    if plain:
        return _text(document, rank_fields, 0)
    if isinstance(document, str):
        return {"text": document}
    if isinstance(document.get("text"), str):
        return document
    return {**document, "text": _text(document, rank_fields, 0)}
