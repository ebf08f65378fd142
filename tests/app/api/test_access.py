from __future__ import annotations

import base64
import io
import json
import logging
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from serving import CAPITALS, QUERY, Served

from app.api.access_log import write_to
from app.api.settings import ApiSettings

BODY = {"query": QUERY, "documents": CAPITALS}
KEY = "sk-secret-0123"


@pytest.fixture(scope="module")
def locked(serve: Callable[..., Served]) -> Served:
    return serve(ApiSettings(keys=frozenset({KEY, "another-key"})))


def test_without_keys_any_token_and_none_are_accepted(served: Served) -> None:
    assert served.post("/v1/rerank", BODY).is_success
    assert served.post("/v1/rerank", BODY, headers={"Authorization": "Bearer whatever"}).is_success
    assert served.post("/v1/rerank", BODY, headers={"Authorization": "nonsense"}).is_success


def test_each_key_opens_every_route(locked: Served) -> None:
    for key in (KEY, "another-key"):
        headers = {"Authorization": f"Bearer {key}"}
        assert locked.post("/v1/rerank", BODY, headers=headers).is_success
        assert locked.get("/metrics", headers=headers).is_success


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "AUTH_MISSING_API_KEY"),
        ("Bearer wrong", "AUTH_INVALID_API_KEY"),
        ("Bearer", "AUTH_INVALID_API_KEY"),
        (f"Bearer {KEY[:-1]}", "AUTH_INVALID_API_KEY"),
        (f"Bearer {KEY}x", "AUTH_INVALID_API_KEY"),
        ("Token " + KEY, "AUTH_INVALID_FORMAT"),
        (KEY, "AUTH_INVALID_FORMAT"),
        ("Basic not-base64", "AUTH_INVALID_API_KEY"),
        ("Bearer s\u00e9cret", "AUTH_INVALID_API_KEY"),
    ],
)
def test_anything_else_is_401_in_json(locked: Served, header: str | None, code: str) -> None:
    headers = {b"Authorization": header.encode("latin-1")} if header is not None else {}
    for path in ("/v1/rerank", "/api/search", "/no/such/path"):
        answer = httpx.post(locked.url + path, json=BODY, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["code"] == code
        assert isinstance(answer.json()["detail"], str)
        assert "Bearer" in answer.headers["www-authenticate"]
    for path in ("/metrics", "/openapi.json", "/"):
        assert httpx.get(locked.url + path, headers=headers).status_code == 401


def test_a_browser_may_send_the_key_as_a_password(locked: Served) -> None:
    basic = base64.b64encode(f"me:{KEY}".encode()).decode()
    assert locked.get("/v1/models", headers={"Authorization": f"Basic {basic}"}).is_success


def test_health_is_open_and_says_no_secret(locked: Served) -> None:
    answer = locked.get("/health")
    assert answer.is_success
    assert answer.json()["status"] == "ok"
    assert KEY not in answer.text


def test_without_keys_foreign_host_names_are_refused(serve: Callable[..., Served], served: Served) -> None:
    for host in ("evil.example", "evil.example:7860", "127.0.0.1.evil.example", ""):
        answer = served.get("/v1/models", headers={"Host": host})
        assert answer.status_code == 421
        assert isinstance(answer.json()["detail"], str)
    for host in ("localhost", "localhost:80", "127.0.0.1", "[::1]:7860", "LOCALHOST"):
        assert served.get("/v1/models", headers={"Host": host}).is_success
    proxied = serve(ApiSettings(allowed_hosts=("search.example",)))
    assert proxied.get("/health", headers={"Host": "search.example:443"}).is_success


def test_cors_is_off_unless_an_origin_is_named(serve: Callable[..., Served], served: Served) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    off = httpx.options(served.url + "/v1/rerank", headers=asked)
    assert off.status_code == 405
    assert not [name for name in off.headers if name.startswith("access-control")]
    on = serve(ApiSettings(cors_origins=("https://app.example",), keys=frozenset({KEY})))
    allowed = httpx.options(on.url + "/v1/rerank", headers=asked)
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    other = httpx.options(on.url + "/v1/rerank", headers={**asked, "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


def test_the_callers_request_id_is_kept_unless_it_could_do_harm(served: Served) -> None:
    assert served.get("/health", headers={"X-Request-ID": "job-7.a"}).headers["x-request-id"] == "job-7.a"
    for bad in ("with blank", "x" * 65, 'quote"', ""):
        assert served.get("/health", headers={"X-Request-ID": bad}).headers["x-request-id"] not in {bad, ""}


def logged(caplog: pytest.LogCaptureFixture, count: int) -> list[dict[str, Any]]:
    """The log's lines about the request seen-1, once there are as many; a line is written after its answer was sent."""
    until = time.monotonic() + 30
    while True:
        lines = [json.loads(one.getMessage()) for one in caplog.records if one.name == "secondlook.access"]
        lines = [one for one in lines if one["request_id"] == "seen-1"]
        if len(lines) >= count or time.monotonic() > until:
            return lines
        time.sleep(0.01)


def test_the_log_has_what_it_cost_and_neither_key_nor_text(locked: Served, caplog: pytest.LogCaptureFixture) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "X-Request-ID": "seen-1"}
    with caplog.at_level(logging.DEBUG):
        locked.post("/v1/rerank?token=hidden", BODY, headers=headers)
        locked.post("/v1/rerank", {"query": QUERY, "documents": [], "model": "private-model"}, headers=headers)
        locked.get("/v1/models/private-name", headers=headers)
        httpx.request("DELETE", f"{locked.url}/nowhere/private-path", headers=headers)
        locked.post("/v1/rerank", BODY, headers={**headers, "Authorization": "Bearer sk-wrong-key"})
        lines = logged(caplog, 5)
    first = lines[0]
    assert (first["route"], first["method"], first["status"]) == ("/v1/rerank", "POST", 200)
    assert first["pairs"] == 4
    assert first["model"] == "exact-bm25@1"
    assert first["tokens"] > 4
    assert first["bytes_in"] > 100
    assert first["seconds"] >= 0
    assert [one["status"] for one in lines] == [200, 422, 404, 404, 401]
    ours = "\n".join(one.getMessage() for one in caplog.records if not one.name.startswith("http"))
    for secret in (KEY, "sk-wrong", "capital", "France", "Seine", "private", "hidden"):
        assert secret not in ours


def test_metrics_count_requests_pairs_and_tokens(serve: Callable[..., Served]) -> None:
    served = serve()
    served.post("/v1/rerank", BODY)
    served.post("/v1/rerank", {**BODY, "model": "gpt-rank"})
    served.get("/v1/models")
    served.get("/nowhere")
    answer = served.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in (
        'secondlook_requests_total{method="POST",route="/v1/rerank",status="200"} 1.0',
        'secondlook_requests_total{method="POST",route="/v1/rerank",status="400"} 1.0',
        'secondlook_requests_total{method="GET",route="other",status="404"} 1.0',
        'secondlook_pairs_total{model="exact-bm25@1"} 4.0',
        'secondlook_request_seconds_count{route="/v1/rerank"} 2.0',
        "secondlook_queue_depth 0.0",
        "secondlook_models_loaded 1.0",
    ):
        assert line in answer.text
    assert 'secondlook_tokens_total{model="exact-bm25@1"} 61.0' in answer.text


def test_models_are_listed_with_their_licence_and_their_aliases(serve: Callable[..., Served]) -> None:
    served = serve(ApiSettings(aliases={"rerank-v4": "bundled"}))
    listed = served.get("/v1/models").json()
    assert listed["object"] == "list"
    by_id = {one["id"]: one for one in listed["data"]}
    assert by_id["exact-bm25"]["licence"] == "Apache-2.0"
    assert by_id["hashed-words@1"]["kind"] == "embedding"
    assert by_id["rerank-v4"]["answers_for"] == "bundled"
    assert "jina-reranker-v2-base-multilingual" not in by_id
    assert served.get("/v1/models/exact-bm25").json()["id"] == "exact-bm25"
    assert served.get("/v1/models/unknown").status_code == 404


def test_health_names_device_dtype_and_kernel_of_what_is_loaded(serve: Callable[..., Served]) -> None:
    served = serve()
    assert served.get("/health").json()["loaded"] == []
    served.post("/v1/rerank", BODY)
    (loaded,) = served.get("/health").json()["loaded"]
    assert loaded == {
        "name": "exact-bm25",
        "device": "cpu",
        "dtype": "float64",
        "kernel": "none",
        "reason": "word counts need no accelerator",
    }


def test_the_log_can_be_written_as_json_lines(served: Served) -> None:
    stream = io.StringIO()
    loggers = [logging.getLogger(name) for name in ("secondlook.access", "secondlook.api")]
    try:
        write_to(stream)
        write_to(stream)
        served.get("/health", headers={"X-Request-ID": "seen-2"})
        until = time.monotonic() + 30
        while "seen-2" not in stream.getvalue() and time.monotonic() < until:
            time.sleep(0.01)
    finally:
        for logger in loggers:
            logger.handlers.clear()
            logger.setLevel(logging.NOTSET)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [one["route"] for one in lines if one["request_id"] == "seen-2"] == ["/health"]
