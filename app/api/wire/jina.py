"""Jina's, Cohere v1's, vLLM's and Infinity's rerank bodies: one request model, since their fields do not collide."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from pydantic import BaseModel

from app.api.ask import Answer, Ask
from app.api.wire.base import ModelName, Natural, Query, TopN, Usage, WireModel
from app.api.wire.documents import DocumentTexts, shown, texts
from app.api.wire.meta import Meta, meta


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


class RerankResponse(BaseModel):
    """The documents by descending score, cut to `top_n`."""

    id: str
    object: Literal["rerank"] | None = None
    model: str
    results: list[ResultItem]
    usage: Usage
    meta: Meta


def to_ask(body: RerankRequest) -> Ask:
    """What the body asks for.

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
    """The answer in this shape.

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
                document=shown(body.documents[one.index], body.rank_fields, plain=plain) if wanted else None,
            )
            for one in answer.places
        ],
        usage=Usage.of(answer.tokens),
        meta=meta(answer),
    )
