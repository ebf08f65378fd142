"""Claims about the whole server as it is shipped: bundled models, a real index, the page at the root."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from serving import CAPITALS, QUERY, write_folder

from app import server
from app.api.settings import ApiSettings
from app.compose import open_engine
from app.ports import listen
from app.settings import Settings
from search.engine import SearchEngine

pytestmark = pytest.mark.model
KEY = "k-0123456789"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchEngine]:
    place = tmp_path_factory.mktemp("bundled")
    opened = open_engine(Settings(index=place / "index"), "a test")
    opened.ingest(write_folder(place / "documents"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def url(engine: SearchEngine) -> Iterator[str]:
    with server.running(server.build(engine, ApiSettings(), ""), listen("127.0.0.1", 0, strict=True)) as address:
        yield address


def post(url: str, path: str, body: object, **options: object) -> httpx.Response:
    return httpx.post(url + path, json=body, timeout=60, **options)  # type: ignore[arg-type]


def test_the_bundled_model_ranks_and_names_itself(url: str) -> None:
    answer = post(url, "/v1/rerank", {"query": QUERY, "documents": CAPITALS, "model": "bundled"}).json()
    assert answer["results"][0]["index"] == 2
    assert answer["model"].startswith("minilm-maxsim")
    assert answer["usage"]["total_tokens"] > 40
    again = post(url, "/v1/rerank", {"query": QUERY, "documents": CAPITALS}).json()
    assert again["usage"] == answer["usage"]
    assert again["results"] == answer["results"]


def test_the_bundled_spans_are_sentences_with_scores_from_0_to_1(url: str) -> None:
    body = {"query": QUERY, "documents": CAPITALS, "top_n": 1, "relevant_spans": {"mode": "enabled"}}
    (result,) = post(url, "/v2/rerank", body).json()["results"]
    spans = {CAPITALS[2][one["start"] : one["end"]].strip(): one["score"] for one in result["relevant_spans"]}
    assert max(spans, key=lambda sentence: spans[sentence]) == "Paris is the capital of France."
    assert all(0 <= score <= 1 for score in spans.values())


def test_the_bundled_embedder_answers_in_both_encodings(url: str, engine: SearchEngine) -> None:
    body = {"input": CAPITALS, "encoding_format": "base64"}
    answer = post(url, "/v1/embeddings", body).json()
    rows = np.stack([np.frombuffer(base64.b64decode(one["embedding"]), dtype="<f4") for one in answer["data"]])
    assert rows.shape == (4, 384)
    assert np.allclose(rows @ engine.embedder.passages(CAPITALS).T, rows @ rows.T, atol=2e-2)
    for name in ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2", "bundled"):
        assert post(url, "/v1/embeddings", {"input": "x", "model": name}).is_success, name


@pytest.mark.parametrize(
    "name",
    [
        "BAAI/bge-reranker-base",
        "bge-reranker-v2",
        "maidalun1020/bce-reranker-base_v1",
        "cross-encoder/ms-marco-MiniLM-L-6-v2",
        "jina-reranker",
        "jina-reranker-v1-base-en",
        "jina-reranker-v1-turbo-en",
        "jina-reranker-v1-tiny-en",
        "jina-reranker-v2-base-multilingual",
        "jinaai/jina-reranker-v3",
        "e5-large-v2",
    ],
)
def test_a_model_that_is_not_on_this_machine_is_an_error_that_says_what_is(
    url: str, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    answer = post(url, "/v1/rerank", {"query": QUERY, "documents": CAPITALS, "model": name})
    assert answer.status_code == 400
    assert answer.json()["code"] == "INPUT_MODEL_NOT_FOUND"
    assert "minilm-maxsim" in answer.json()["detail"]


def test_api_errors_are_ours_although_the_page_is_mounted_at_the_root(url: str) -> None:
    page = httpx.get(url + "/", timeout=60)
    assert page.is_success
    assert "text/html" in page.headers["content-type"]
    for method, path, status in (("GET", "/v1/rerank", 405), ("GET", "/v1/nothing", 404), ("PUT", "/api/search", 405)):
        answer = httpx.request(method, url + path, timeout=60)
        assert answer.status_code == status
        assert isinstance(answer.json()["detail"], str)
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_with_keys_the_page_asks_the_browser_for_one(engine: SearchEngine) -> None:
    application = server.build(engine, ApiSettings(keys=frozenset({KEY})), "")
    with server.running(application, listen("127.0.0.1", 0, strict=True)) as url:
        locked = httpx.get(url + "/", timeout=60)
        assert locked.status_code == 401
        assert locked.headers["www-authenticate"].startswith("Basic")
        assert httpx.get(url + "/", auth=("", KEY), timeout=60).is_success
        assert httpx.get(url + "/config", timeout=60).status_code == 401


def test_search_over_http_is_the_engines_result(url: str, engine: SearchEngine) -> None:
    found = post(url, "/api/search", {"query": QUERY, "top_n": 3}).json()
    own = engine.search(QUERY)
    assert [one["candidate"]["chunk"]["id"] for one in found["ranked"]] == [
        one.candidate.chunk.id for one in own.ranked
    ]
    first = post(url, "/api/search", {"query": QUERY, "scorer": "none"}).json()
    assert first["scorer"] == "none"
