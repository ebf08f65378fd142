"""vLLM's score body: pairs under four pairs of names, answered in input order."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.errors import Refusal
from app.api.wire.base import ModelName, Usage, WireModel
from rerank.scorer import MAX_DOCUMENTS, Scored

NAMES = (("queries", "documents"), ("queries", "items"), ("data_1", "data_2"), ("text_1", "text_2"))
"""The pairs of fields that vLLM knows."""
OneOrMore = Annotated[str | Annotated[list[str], Field(min_length=1, max_length=MAX_DOCUMENTS)] | None, Field()]


class ScoreRequest(WireModel):
    """One text against many, or two lists of the same length, pair by pair."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": list(pair)} for pair in NAMES]})

    model: ModelName = None
    queries: OneOrMore = None
    documents: OneOrMore = None
    items: OneOrMore = None
    data_1: OneOrMore = None
    data_2: OneOrMore = None
    text_1: OneOrMore = None
    text_2: OneOrMore = None
    use_activation: bool | None = None
    """False answers with the model's raw output."""


class ScoreItem(BaseModel):
    """One pair's score."""

    index: int
    object: Literal["score"] = "score"
    score: float


class ScoreResponse(BaseModel):
    """The scores in input order."""

    id: str
    object: Literal["list"] = "list"
    created: int
    model: str
    data: list[ScoreItem]
    usage: Usage


def pairs(body: ScoreRequest) -> list[tuple[str, str]]:
    """The (query, document) pairs that the body means.

    Raises:
        Refusal: 400 if no pair of fields is complete, the lengths do not fit, or a query is empty.
    """
    for names in NAMES:
        left, right = (getattr(body, name) for name in names)
        if left is None or right is None:
            continue
        queries = [left] if isinstance(left, str) else left
        documents = [right] if isinstance(right, str) else right
        if len(queries) == 1:
            queries = queries * len(documents)
        if len(queries) != len(documents):
            raise Refusal(
                400, f"{len(queries)} queries and {len(documents)} documents: send one query, or as many as documents."
            )
        if not all(query.strip() for query in queries):
            raise Refusal(400, "A query is empty: every pair needs one.")
        return list(zip(queries, documents, strict=True))
    raise Refusal(400, "Send queries and documents (or queries and items, data_1 and data_2, text_1 and text_2).")


def to_response(body: ScoreRequest, model: str, scored: Sequence[Scored], tokens: int) -> ScoreResponse:
    """The scores in this shape."""
    raw = body.use_activation is False
    return ScoreResponse(
        id=f"score-{uuid.uuid4().hex}",
        created=int(time.time()),
        model=model,
        data=[ScoreItem(index=i, score=one.logit if raw else one.score) for i, one in enumerate(scored)],
        usage=Usage.of(tokens),
    )
