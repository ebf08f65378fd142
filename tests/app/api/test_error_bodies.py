from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from serving import CAPITALS, QUERY, FailingScorer, Served

from app.api.errors import refusal
from app.api.settings import ApiSettings
from indexer import errors as indexing
from rerank import errors as reranking
from search import errors as searching

BODY: dict[str, Any] = {"query": QUERY, "documents": CAPITALS}


def check(answer: httpx.Response, status: int, code: str, *words: str) -> dict[str, Any]:
    """The body's promises: text in `detail` and `message`, OpenAI's `error`, the request id in body and header."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert isinstance(body["detail"], str)
    assert body["detail"] == body["message"]
    assert body["code"] == code
    assert body["request_id"] == answer.headers["x-request-id"]
    for word in words:
        assert word in body["detail"]
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["message"] == body["detail"]
    assert body["error"]["code"] == code
    return body


def test_unknown_models_are_never_answered_by_another_one(served: Served) -> None:
    for path in ("/v1/rerank", "/v2/rerank", "/rerank", "/infinity/rerank"):
        answer = served.post(path, {**BODY, "model": "gpt-rank"})
        check(answer, 400, "INPUT_MODEL_NOT_FOUND", "'gpt-rank'", "exact-bm25", "bge-reranker-v2-m3")
    answer = served.post("/v1/embeddings", {"input": "x", "model": "e5-large-v2"})
    check(answer, 400, "INPUT_MODEL_NOT_FOUND", "'e5-large-v2'", "hashed-words@1")
    answer = served.post("/score", {"queries": "a", "documents": "b", "model": "gpt-rank"})
    check(answer, 400, "INPUT_MODEL_NOT_FOUND")


def test_a_known_model_that_is_not_here_says_why(served: Served) -> None:
    answer = served.post("/v1/rerank", {**BODY, "model": "jina-reranker"})
    check(answer, 400, "INPUT_MODEL_NOT_FOUND", "'jina-reranker'", "Not here. Available: exact-bm25")


def test_unknown_paths_and_methods_are_json(served: Served) -> None:
    for path in ("/v1/nothing", "/v2/", "/api/unknown", "/rerank/x"):
        check(served.get(path), 404, "RESOURCE_NOT_FOUND")
    answer = served.get("/v1/rerank")
    check(answer, 405, "METHOD_NOT_ALLOWED", "use POST")
    assert answer.headers["allow"] == "POST"
    check(served.get("/nothing"), 404, "RESOURCE_NOT_FOUND")


def test_bodies_that_are_not_json_are_refused(served: Served) -> None:
    for kind in (None, "text/plain", "application/x-www-form-urlencoded"):
        headers = {"content-type": kind} if kind else {}
        answer = httpx.post(served.url + "/v1/rerank", content=json.dumps(BODY), headers=headers)
        check(answer, 415, "INPUT_MEDIA_TYPE", "Content-Type: application/json")
    assert served.post("/v1/rerank", BODY, headers={"content-type": "application/json; charset=utf-8"}).is_success


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "Expecting"),
        (b"\xff\xfe", "Unicode"),
        (b'{"query": "a", "documents": [NaN]}', "NaN"),
        (b'{"query": "a", "documents": [{"text": "a", "year": 1e999}]}', "too large"),
        (b'{"query": "a", "documents": [{"text": "\\ud800"}]}', "Unicode"),
        (b"[" * 100_000, "deep"),
        (b'{"top_n": ' + b"9" * 5000 + b"}", "limit"),
    ],
)
def test_what_is_not_strict_json_is_refused_with_the_reason(served: Served, content: bytes, reason: str) -> None:
    answer = httpx.post(served.url + "/v1/rerank", content=content, headers={"content-type": "application/json"})
    check(answer, 400, "INPUT_JSON_INVALID", reason)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"query": None}, "query"),
        ({"query": ""}, "query"),
        ({"query": "  \n"}, "query"),
        ({"query": 3}, "query"),
        ({"documents": []}, "documents"),
        ({"documents": "one text"}, "documents"),
        ({"documents": ["x"] * 2049}, "documents"),
        ({"top_n": -1}, "top_n"),
        ({"max_tokens_per_doc": -1}, "max_tokens_per_doc"),
        ({"top_n": "3"}, "top_n"),
        ({"top_n": 1.5}, "top_n"),
        ({"return_documents": "yes"}, "return_documents"),
    ],
)
def test_fields_of_another_shape_are_named(served: Served, change: dict[str, Any], field: str) -> None:
    for path in ("/v1/rerank", "/v2/rerank", "/rerank"):
        body = check(served.post(path, {**BODY, **change}), 422, "INPUT_VALIDATION_FAILED", field)
        assert body["errors"][0]["field"].startswith(field)
        assert set(body["errors"][0]) == {"field", "message", "type", "input"}
        assert all(len(one["input"]) <= 200 for one in body["errors"])


def test_infinitys_client_never_sees_a_422_that_it_cannot_read(served: Served) -> None:
    check(served.post("/infinity/rerank", {**BODY, "documents": []}), 400, "INPUT_INVALID", "documents")
    check(served.post("/rerank", {**BODY, "documents": [], "raw_scores": False}), 400, "INPUT_INVALID", "documents")


def test_tei_errors_are_text_with_a_type(served: Served) -> None:
    for body, status in (
        ({"query": QUERY, "texts": []}, 422),
        ({"query": QUERY, "texts": CAPITALS, "model": "gpt-rank"}, 400),
        ({"query": QUERY, "texts": ["word " * 8200]}, 400),
    ):
        answer = served.post("/rerank", body)
        assert answer.status_code == status
        found = answer.json()
        assert found["error"] == found["detail"] == found["message"]
        assert found["error_type"] == "Validation"


def test_documents_without_text_are_named(served: Served) -> None:
    for document, reason in (({}, "has no text"), ({"image": "https://example.org/a.png"}, "is an image")):
        answer = served.post("/v1/rerank", {**BODY, "documents": ["x", document]})
        check(answer, 400, "INPUT_INVALID", f"Document 1 {reason}")


def test_a_body_over_the_limit_is_413_also_when_it_comes_in_pieces(serve: Callable[..., Served]) -> None:
    served = serve(ApiSettings(max_body_bytes=1000))
    check(served.post("/v1/rerank", {**BODY, "documents": ["x" * 1000]}), 413, "INPUT_TOO_LARGE", "1,000 bytes")
    pieces = (b" " * 100 for _ in range(15))
    answer = httpx.post(served.url + "/v1/rerank", content=pieces, headers={"content-type": "application/json"})
    check(answer, 413, "INPUT_TOO_LARGE")
    assert served.post("/v1/rerank", {"query": "a", "documents": ["b"]}).is_success


@pytest.mark.parametrize(
    ("error", "status", "code", "words"),
    [
        (reranking.BadInput("The query is too odd."), 400, "INPUT_INVALID", "too odd"),
        (reranking.RemoteError("http://far does not answer."), 503, "SERVICE_UNAVAILABLE", "http://far"),
        (reranking.BadCheckpoint("Weights are damaged."), 503, "SERVICE_UNAVAILABLE", "damaged"),
        (reranking.OutOfMemory("One pair does not fit."), 413, "INPUT_TOO_LARGE", "does not fit"),
        (RuntimeError("secret text of a document"), 500, "INTERNAL_ERROR", "under this request id"),
    ],
)
def test_what_a_scorer_raises_is_answered_in_json(
    serve: Callable[..., Served],
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
    code: str,
    words: str,
) -> None:
    served = serve(scorer=FailingScorer("exact-bm25", error))
    body = check(served.post("/v1/rerank", BODY), status, code, words)
    assert "secret" not in json.dumps(body) + caplog.text
    assert served.get("/health").is_success
    tei = served.post("/rerank", {"query": QUERY, "texts": CAPITALS}).json()
    assert isinstance(tei["error"], str)
    assert tei["error_type"] == {503: "Unhealthy", 500: "Backend"}.get(status, "Validation")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (searching.EmptyIndex("x"), 409),
        (searching.BadQuery("x"), 400),
        (indexing.FolderError("x"), 400),
        (indexing.FingerprintMismatch("x"), 409),
        (indexing.StoreLocked("x"), 409),
        (indexing.StoreError("x"), 503),
        (indexing.EmbedderError("x"), 503),
        (reranking.ModelNotFound("x"), 400),
        (reranking.Cancelled("x"), 504),
        (KeyError("x"), 500),
    ],
)
def test_every_error_of_our_trees_has_its_status(error: Exception, status: int) -> None:
    assert refusal(error).status == status
