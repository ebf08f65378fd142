"""The rerank body of text-embeddings-inference: `texts` in, a bare array out."""

from __future__ import annotations

from pydantic import BaseModel

from app.api.ask import Answer, Ask
from app.api.wire.base import ModelName, Query, TopN, WireModel
from app.api.wire.documents import PlainTexts


class TeiRequest(WireModel):
    """`query` and `texts`, ranked by relevance."""

    query: Query
    texts: PlainTexts
    truncate: bool | None = None
    raw_scores: bool | None = None
    return_text: bool | None = None
    model: ModelName = None
    top_n: TopN = None
    """Not TEI's own, but sent by one of its clients: ignored, as TEI does."""


class TeiRank(BaseModel):
    """One text's place."""

    index: int
    score: float
    text: str | None = None


def to_ask(body: TeiRequest) -> Ask:
    """What the body asks for; without `truncate` a text that would be cut is refused."""
    return Ask(query=body.query, documents=tuple(body.texts), model=body.model, refuse_truncation=not body.truncate)


def to_response(body: TeiRequest, answer: Answer) -> list[TeiRank]:
    """The answer in this shape."""
    return [
        TeiRank(
            index=one.index,
            score=one.logit if body.raw_scores else one.score,
            text=body.texts[one.index] if body.return_text else None,
        )
        for one in answer.places
    ]
