from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import qdrant_http as http
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models
from starlette.applications import Starlette
from starlette.responses import JSONResponse

from indexer.chunk import chunk_id
from indexer.errors import StoreError
from indexer.vectors.common import DENSE
from indexer.vectors.contract import Point
from indexer.vectors.server import ServerStore

D = 16
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant")


def _unit(seed: int, d: int = D) -> NDArray[np.float32]:
    vector = np.random.default_rng(seed).normal(size=d)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _point(seed: int, document: str = "a.txt", sparse: Mapping[int, float] | None = None) -> Point:
    weights = {seed % 5: 1.0, 1000 + seed: 0.5} if sparse is None else sparse
    return Point(chunk_id(document, seed, str(seed)), document, _unit(seed), weights)


def test_a_server_that_is_not_there_is_named_in_one_sentence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(StoreError, match="is the server up") as refusal:
            ServerStore.connect(url, "chunks", D)
    assert url in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_server_that_never_answers_is_given_up_after_the_timeout() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(StoreError, match="timed out"):
            ServerStore.connect(url, "chunks", D, timeout=1)


def test_a_server_that_is_something_else_is_refused() -> None:
    with http.serving(Starlette()) as url, pytest.raises(StoreError, match="404"):
        ServerStore.connect(url, "chunks", D)


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")
def test_a_wrong_api_key_is_named_as_the_likely_reason() -> None:
    engine = http.application(http.memory_engine())

    async def guarded(scope: dict[str, Any], receive: Any, send: Any) -> None:
        open_to = dict(scope["headers"]).get(b"api-key") == b"right"
        await (engine if open_to else JSONResponse({}, 403))(scope, receive, send)

    with http.serving(guarded) as url:
        with pytest.raises(StoreError, match=r"403 .* API key"):
            ServerStore.connect(url, "chunks", D, api_key="wrong")
        store = ServerStore.connect(url, "chunks", D, api_key="right")
        assert store.count() == 0
        store.close()


@pytest.mark.parametrize("url", ["", "qdrant:6333", "ftp://host", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="address"):
        ServerStore.connect(url, "chunks", D, timeout=1)


def test_a_server_keeps_the_collection_for_the_next_connection() -> None:
    with http.serving(http.application(http.memory_engine())) as url:
        first = ServerStore.connect(url, "chunks", D)
        first.upsert([_point(0)])
        first.close()
        second = ServerStore.connect(url, "chunks", D)
        assert list(second.ids()) == [_point(0).id]
        second.close()


def test_a_collection_of_another_dimension_is_refused_naming_both() -> None:
    with http.serving(http.application(http.memory_engine())) as url:
        ServerStore.connect(url, "chunks", D).close()
        with pytest.raises(StoreError, match=rf"{D} numbers per vector .* gives {D + 1}"):
            ServerStore.connect(url, "chunks", D + 1)


def _foreign(make: Callable[[QdrantClient], object]) -> str:
    engine = http.memory_engine()
    make(engine)
    with pytest.raises(StoreError) as refusal:
        ServerStore(engine, "chunks", D)
    return str(refusal.value)


def test_a_collection_of_another_make_is_refused() -> None:
    dense = {DENSE: models.VectorParams(size=D, distance=models.Distance.COSINE)}
    plain = models.VectorParams(size=D, distance=models.Distance.COSINE)
    assert "lacks" in _foreign(lambda engine: engine.create_collection("chunks", vectors_config=plain))
    assert "lacks" in _foreign(lambda engine: engine.create_collection("chunks", vectors_config=dense))
    with_idf = {"bm25": models.SparseVectorParams(modifier=models.Modifier.IDF)}
    assert "count it twice" in _foreign(
        lambda engine: engine.create_collection("chunks", vectors_config=dense, sparse_vectors_config=with_idf)
    )


def test_a_server_that_goes_away_is_reported_on_the_next_call() -> None:
    with http.serving(http.application(http.memory_engine())) as url:
        store = ServerStore.connect(url, "chunks", D)
        store.upsert([_point(0)])
    with pytest.raises(StoreError, match="is the server up"):
        store.count()
    store.close()
