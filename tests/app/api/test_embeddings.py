from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
from serving import CAPITALS, Served

PATHS = ("/v1/embeddings", "/embeddings")


def vectors(served: Served, **body: Any) -> list[Any]:
    answer = served.post("/v1/embeddings", {"input": CAPITALS, **body})
    assert answer.is_success, answer.text
    return [one["embedding"] for one in answer.json()["data"]]


@pytest.mark.parametrize("path", PATHS)
def test_vectors_come_in_input_order_with_real_token_counts(served: Served, path: str) -> None:
    answer = served.post(path, {"input": CAPITALS}).json()
    assert answer["object"] == "list"
    assert answer["model"] == "hashed-words@1"
    assert [one["index"] for one in answer["data"]] == [0, 1, 2, 3]
    assert {one["object"] for one in answer["data"]} == {"embedding"}
    assert answer["usage"] == {"prompt_tokens": 37, "total_tokens": 37}
    expected = served.engine.embedder.passages(CAPITALS)
    assert np.allclose([one["embedding"] for one in answer["data"]], expected, atol=1e-3)


def test_base64_is_little_endian_float32(served: Served) -> None:
    plain = np.array(vectors(served), dtype=np.float32)
    for wish in ({"encoding_format": "base64"}, {"embedding_type": "base64"}, {"encoding_type": ["base64"]}):
        packed = [np.frombuffer(base64.b64decode(one), dtype="<f4") for one in vectors(served, **wish)]
        np.testing.assert_allclose(np.stack(packed), plain, atol=1e-3)


def test_packed_signs_unpack_to_the_signs(served: Served) -> None:
    signs = np.array(vectors(served)) > 0
    unsigned = np.array(vectors(served, embedding_type="ubinary"), dtype=np.uint8)
    assert np.array_equal(np.unpackbits(unsigned, axis=1).astype(bool), signs)
    signed = np.array(vectors(served, embedding_type=["binary"]))
    assert np.array_equal(signed + 128, unsigned)


@pytest.mark.parametrize("given", ["one text", {"text": "one text"}, ["one text"], [{"text": "one text"}]])
def test_a_text_may_be_bare_or_an_object_alone_or_listed(served: Served, given: Any) -> None:
    answer = served.post("/v1/embeddings", {"input": given}).json()
    assert len(answer["data"]) == 1
    assert answer["usage"]["prompt_tokens"] == 2


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"input": [1, 2, 3]}, 400, "token ids"),
        ({"input": [[1, 2], [3]]}, 400, "check_embedding_ctx_length=False"),
        ({"input": "x", "dimensions": 32}, 400, "64 dimensions"),
        ({"input": "x", "late_chunking": True}, 400, "late_chunking"),
        ({"input": ["x", " "]}, 400, "Input 1 is empty"),
        ({"input": "x", "embedding_type": ["float", "binary"]}, 400, "choose one"),
        ({"input": "word " * 51}, 400, "Input 0 has 51 tokens and hashed-words@1 reads 50"),
        ({"input": []}, 422, "input"),
        ({"input": ["x"] * 2049}, 422, "input"),
        ({"input": None}, 422, "input"),
        ({"input": "x", "encoding_format": "hex"}, 422, "encoding_format"),
    ],
)
def test_what_cannot_be_embedded_as_asked_is_refused(
    served: Served, body: dict[str, Any], status: int, words: str
) -> None:
    answer = served.post("/v1/embeddings", body)
    assert answer.status_code == status
    assert words in answer.json()["detail"]


def test_a_text_that_is_too_long_is_cut_only_when_asked(served: Served) -> None:
    answer = served.post("/v1/embeddings", {"input": "word " * 51, "truncate": True})
    assert answer.json()["usage"]["prompt_tokens"] == 50
    assert served.post("/v1/embeddings", {"input": "x", "dimensions": 64}).is_success
    assert served.post("/v1/embeddings", {"input": "x", "task": "retrieval.query"}).is_success
