"""Cohere v2's rerank body, with the spans that made each document relevant."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from app.api.ask import Answer, Ask, unit_score
from app.api.wire.base import ModelName, Natural, Query, TopN, Usage, WireModel
from app.api.wire.documents import DocumentTexts, texts
from app.api.wire.meta import Meta, meta
from rerank.scorer import ScoreContract, Span

DEFAULT_TOKENS = 4096
"""`max_tokens_per_doc` where it is not given, from Cohere's reference."""


class RelevantSpansWish(WireModel):
    """Which sentences to point out."""

    mode: Literal["enabled", "disabled"] = "enabled"
    threshold: Annotated[float | None, Field(ge=0, le=1)] = 0.1
    max_spans: Natural | None = None


class RerankV2Request(WireModel):
    """`query` and `documents`, ranked by relevance."""

    query: Query
    documents: DocumentTexts
    model: ModelName = None
    top_n: TopN = None
    max_tokens_per_doc: Natural | None = None
    relevant_spans: RelevantSpansWish | None = None
    return_documents: bool | None = None
    rank_fields: list[str] | None = None

    @property
    def spans(self) -> RelevantSpansWish | None:
        """The wish for spans, where there is one."""
        wish = self.relevant_spans
        return wish if wish is not None and wish.mode == "enabled" else None


class RelevantSpan(BaseModel):
    """A sentence, as code-point offsets [start, end) into the document, with a score from 0 to 1."""

    start: int
    end: int
    score: float


class ResultV2Item(BaseModel):
    """One document's place."""

    index: int
    relevance_score: float
    document: dict[str, Any] | None = None
    relevant_spans: list[RelevantSpan] | None = None


class RerankV2Response(BaseModel):
    """The documents by descending score, cut to `top_n`."""

    id: str
    model: str
    results: list[ResultV2Item]
    usage: Usage
    meta: Meta


def to_ask(body: RerankV2Request) -> Ask:
    """What the body asks for.

    Raises:
        Refusal: 400 for a document without text.
    """
    return Ask(
        query=body.query,
        documents=texts(body.documents, body.rank_fields),
        model=body.model,
        top_n=body.top_n,
        max_document_tokens=body.max_tokens_per_doc or DEFAULT_TOKENS,
        spans=body.spans is not None,
    )


def to_response(body: RerankV2Request, ask: Ask, answer: Answer) -> RerankV2Response:
    """The answer in this shape."""
    wish = body.spans
    return RerankV2Response(
        id=uuid.uuid4().hex,
        model=answer.model,
        results=[
            ResultV2Item(
                index=one.index,
                relevance_score=one.score,
                document={"text": ask.documents[one.index]} if body.return_documents else None,
                relevant_spans=relevant(one.spans, wish, answer.contract) if wish else None,
            )
            for one in answer.places
        ],
        usage=Usage.of(answer.tokens),
        meta=meta(answer),
    )


def relevant(spans: tuple[Span, ...], wish: RelevantSpansWish, contract: ScoreContract) -> list[RelevantSpan]:
    """The sentences at or above the threshold, the best `max_spans` of them, in text order."""
    threshold = 0.1 if wish.threshold is None else wish.threshold
    scored = [RelevantSpan(start=one.start, end=one.end, score=unit_score(contract, one.score)) for one in spans]
    best = sorted((one for one in scored if one.score >= threshold), key=lambda one: (-one.score, one.start))
    return sorted(best[: wish.max_spans or None], key=lambda one: one.start)
