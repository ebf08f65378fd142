"""Whose client speaks, told from the path and the body."""

from __future__ import annotations

import pytest

from app.api.dialect import Dialect, dialect
from app.api.wire.jina import RerankRequest
from app.api.wire.tei import TeiRequest

LISTED = {"query": "q", "documents": ["d"]}
TEXTS = {"query": "q", "texts": ["d"]}


@pytest.mark.parametrize(
    ("path", "body", "spoken"),
    [
        ("/rerank", LISTED, "jina"),
        ("/rerank", TEXTS, "tei"),
        ("/rerank", {**TEXTS, "raw_scores": True}, "tei"),
        ("/rerank", {**TEXTS, **LISTED}, "jina"),
        ("/rerank", {**LISTED, "raw_scores": False}, "infinity"),
        ("/rerank", {**LISTED, "raw_scores": None}, "jina"),
        ("/v1/rerank", {**LISTED, "raw_scores": True}, "infinity"),
        ("/infinity/rerank", LISTED, "infinity"),
        ("/infinity/rerank", TEXTS, "infinity"),
        ("/rerank", ["not", "an", "object"], "jina"),
        ("/rerank", None, "jina"),
    ],
)
def test_path_and_fields_tell_whose_client_speaks(path: str, body: object, spoken: Dialect) -> None:
    assert dialect(path, body) == spoken


@pytest.mark.parametrize("path", ["/rerank", "/v1/rerank", "/infinity/rerank"])
def test_a_body_says_the_same_before_and_after_it_is_read(path: str) -> None:
    for body in (LISTED, {**LISTED, "raw_scores": True}, {**LISTED, "raw_scores": None}):
        assert dialect(path, RerankRequest.model_validate(body)) == dialect(path, body)
    for body in (TEXTS, {**TEXTS, "raw_scores": True}):
        assert dialect(path, TeiRequest.model_validate(body)) == dialect(path, body)
