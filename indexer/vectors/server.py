"""Vectors in a Qdrant server or cluster: the same points as the embedded shard, reached over HTTP.

The server builds its own HNSW graph over the dense vectors and optimises by itself; every write waits until it is
applied. Construction checks that an existing collection fits, so that a wrong model is noticed before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from indexer.chunk import Hit
from indexer.errors import StoreError
from indexer.parts import parts
from indexer.vectors.common import (
    DENSE,
    DOCUMENT,
    SPARSE,
    best,
    check_dense,
    check_known,
    check_points,
    check_sparse,
    is_id,
    payload,
    payload_name,
    sparse_lists,
    stored,
)
from indexer.vectors.contract import Point, Sparse, StoredPoint

BATCH = 128
"""Points per request: 4,096 numbers each stay below the server's default limit of 32 MB."""
PAGE = 1024
"""Ids per request when listing."""
TIMEOUT = 30.0
"""Seconds to wait for an answer."""

_CONFLICT = 409


class ServerStore:
    """A `VectorStore` in one collection of a Qdrant server, created where there is none yet.

    Args:
        client: an open client; closed with the store.
        collection: name of the collection.
        dimension: length of the dense vectors.
        place: how messages name the engine.

    Raises:
        StoreError: the server does not answer, or the collection exists and has other vectors.
    """

    def __init__(
        self, client: QdrantClient, collection: str, dimension: int, place: str = "Qdrant in this process"
    ) -> None:
        self._client = client
        self._collection = collection
        self._dimension = dimension
        self._engine = place
        self._closed = False
        with self._request("prepare"):
            if not client.collection_exists(collection):
                self._create()
            self._check(client.get_collection(collection))

    @classmethod
    def connect(
        cls, url: str, collection: str, dimension: int, api_key: str | None = None, timeout: float = TIMEOUT
    ) -> ServerStore:
        """The store in this collection of the server at `url`; `timeout` in seconds, rounded up.

        Raises:
            StoreError: the address is none, the server does not answer, or the collection has other vectors.
        """
        if not url.startswith(("http://", "https://")):
            raise StoreError(f"{url!r} is not the address of a Qdrant server; write http://HOST:6333 or https://HOST.")
        try:
            client = QdrantClient(
                url=url, api_key=api_key, timeout=max(1, round(timeout + 0.5)), check_compatibility=False
            )
        except ValueError as error:
            raise StoreError(f"{url!r} is not the address of a Qdrant server: {error}.") from error
        try:
            return cls(client, collection, dimension, f"the Qdrant server at {url}")
        except StoreError:
            client.close()
            raise

    @property
    def description(self) -> str:
        """Engine, version and place in one line."""
        return f"qdrant-client {version('qdrant-client')}, {self._place}"

    def upsert(self, points: Sequence[Point]) -> None:
        """Write points; an existing id is replaced, and the last of equal ids wins.

        Raises:
            StoreError: a point may not be written (then none is), or the server refused or does not answer.
        """
        check_points(points, self._dimension)
        last = {point.id: point for point in points}.values()
        for batch in parts(last, BATCH):
            with self._request("write"):
                self._client.upsert(self._collection, [_struct(point) for point in batch], wait=True)

    def reweight(self, weights: Iterable[tuple[str, Sparse]]) -> None:
        """Replace the sparse vectors of existing points and leave the dense ones as they are.

        Raises:
            StoreError: an id is not stored, or a weight may not be; the batch of 128 it stands in is not written.
        """
        for batch in parts(weights, BATCH):
            for chunk, sparse in batch:
                check_sparse(sparse, f"the BM25 weights of chunk {chunk}")
            ids = [chunk for chunk, _ in batch]
            filled = [
                models.PointVectors(id=chunk, vector={SPARSE: _sparse(sparse)}) for chunk, sparse in batch if sparse
            ]
            emptied = models.PointIdsList(points=[chunk for chunk, sparse in batch if not sparse])
            with self._request("reweight"):
                known = self._client.retrieve(self._collection, [*filter(is_id, ids)], with_payload=False)
                check_known(ids, (str(record.id) for record in known), self._place)
                if filled:
                    self._client.update_vectors(self._collection, filled, wait=True)
                if emptied.points:
                    self._client.delete_vectors(self._collection, [SPARSE], emptied, wait=True)

    def delete(self, ids: Sequence[str]) -> None:
        """Remove points; unknown ids are ignored."""
        for batch in parts(filter(is_id, ids), BATCH):
            with self._request("delete"):
                self._client.delete(self._collection, models.PointIdsList(points=[*batch]), wait=True)

    def dense(self, vector: NDArray[np.float32], limit: int, documents: Sequence[str] | None = None) -> list[Hit]:
        """The `limit` nearest points by cosine, optionally only of the given documents; from 10 MB on approximate."""
        check_dense(vector, self._dimension, "the query vector")
        return self._search(vector.tolist(), DENSE, limit, documents)

    def sparse(self, weights: Sparse, limit: int, documents: Sequence[str] | None = None) -> list[Hit]:
        """The `limit` best points by dot product, optionally only of the given documents; points that share a term.

        A weight of exactly 0 matches nothing in the engine: send `bm25.FAINT` for a term that only has to match.
        """
        check_sparse(weights, "the query's BM25 weights")
        if not weights:
            return []
        return self._search(_sparse(weights), SPARSE, limit, documents)

    def vectors(self, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The dense vectors of the points that exist."""
        found: dict[str, NDArray[np.float32]] = {}
        for batch in parts(filter(is_id, ids), BATCH):
            with self._request("read"):
                records = self._client.retrieve(self._collection, batch, with_payload=False, with_vectors=[DENSE])
            for record in records:
                if isinstance(record.vector, dict):
                    found[str(record.id)] = np.asarray(record.vector[DENSE], dtype=np.float32)
        return found

    def contents(self, ids: Sequence[str]) -> dict[str, StoredPoint]:
        """All that is held of the points that exist."""
        found: dict[str, StoredPoint] = {}
        for batch in parts(filter(is_id, ids), BATCH):
            with self._request("read"):
                records = self._client.retrieve(self._collection, batch, with_payload=True, with_vectors=True)
            found |= {str(record.id): stored(record) for record in records}
        return found

    def ids(self) -> Iterator[str]:
        """Every stored id, in ascending order."""
        offset = None
        while True:
            with self._request("list"):
                records, offset = self._client.scroll(
                    self._collection, limit=PAGE, offset=offset, with_payload=False, with_vectors=False
                )
            yield from (str(record.id) for record in records)
            if offset is None:
                return

    def count(self) -> int:
        """How many points are stored."""
        with self._request("count"):
            return self._client.count(self._collection, exact=True).count

    def flush(self) -> None:
        """Nothing to do: a write is acknowledged only when it stands in the server's log."""

    def optimize(self) -> None:
        """Nothing to do: the server optimises by itself."""

    def close(self) -> None:
        """Close the connections. Closing twice is fine."""
        if not self._closed:
            self._closed = True
            self._client.close()

    @property
    def _place(self) -> str:
        return f"collection {self._collection} of {self._engine}"

    @contextmanager
    def _request(self, verb: str) -> Iterator[None]:
        """Turn what the client raises into a StoreError that says what was being done, where, and what to do next."""
        if self._closed:
            raise StoreError(f"Cannot {verb}: the connection to {self._place} is closed; connect again.")
        try:
            yield
        except ResponseHandlingException as error:
            raise StoreError(
                f"Could not {verb} {self._place}: no usable answer ({_reason(error)}); is the server up, and is the "
                "address right?"
            ) from error
        except UnexpectedResponse as error:
            text = error.content.decode("utf-8", "replace")[:200]
            raise StoreError(
                f"Could not {verb} {self._place}: it answered {error.status_code} {error.reason_phrase} {text}; check "
                "the address and the API key."
            ) from error
        except (ApiException, QdrantException, ValueError) as error:
            raise StoreError(f"Could not {verb} {self._place}: {error}.") from error

    def _create(self) -> None:
        try:
            self._client.create_collection(
                self._collection,
                vectors_config={DENSE: models.VectorParams(size=self._dimension, distance=models.Distance.COSINE)},
                sparse_vectors_config={SPARSE: models.SparseVectorParams()},
            )
        except UnexpectedResponse as error:
            if error.status_code != _CONFLICT:  # another process created it in between: checked like any other
                raise

    def _check(self, info: models.CollectionInfo) -> None:
        """Check that the collection's vectors are ours, with the payload index that filters need."""
        vectors = info.config.params.vectors
        dense = vectors.get(DENSE) if isinstance(vectors, dict) else None
        sparse = (info.config.params.sparse_vectors or {}).get(SPARSE)
        advice = "name another collection, or delete this one and ingest again"
        if dense is None or sparse is None:
            raise StoreError(f"The {self._place} lacks the vectors '{DENSE}' or '{SPARSE}'; {advice}.")
        if dense.size != self._dimension or dense.distance != models.Distance.COSINE:
            raise StoreError(
                f"The {self._place} holds {dense.size} numbers per vector ({dense.distance.value}) but the model gives "
                f"{self._dimension} (Cosine); {advice}."
            )
        if sparse.modifier not in (None, models.Modifier.NONE):
            raise StoreError(f"The {self._place} has its own idf on '{SPARSE}', which would count it twice; {advice}.")
        if DOCUMENT not in info.payload_schema:
            self._client.create_payload_index(self._collection, DOCUMENT, models.PayloadSchemaType.KEYWORD, wait=True)

    def _search(
        self, query: list[float] | models.SparseVector, using: str, limit: int, documents: Sequence[str] | None
    ) -> list[Hit]:
        if documents is not None and not documents:
            return []
        condition = None if documents is None else _only(documents)

        def fetch(ask: int) -> list[tuple[str, float]]:
            with self._request("search"):
                found = self._client.query_points(
                    self._collection, query=query, using=using, limit=ask, query_filter=condition, with_payload=False
                )
            return [(str(point.id), float(point.score)) for point in found.points]

        return best(fetch, limit)


def _reason(error: ResponseHandlingException) -> str:
    source = error.source
    return f"{type(source).__name__}: {source}" if str(source) else type(source).__name__


def _struct(point: Point) -> models.PointStruct:
    dense: list[float] = point.dense.tolist()
    vector: models.VectorStruct = {DENSE: dense, SPARSE: _sparse(point.sparse)} if point.sparse else {DENSE: dense}
    return models.PointStruct(id=point.id, vector=vector, payload=payload(point))


def _sparse(weights: Sparse) -> models.SparseVector:
    indices, values = sparse_lists(weights)
    return models.SparseVector(indices=indices, values=values)


def _only(documents: Sequence[str]) -> models.Filter:
    names = [payload_name(document) for document in documents]
    return models.Filter(must=[models.FieldCondition(key=DOCUMENT, match=models.MatchAny(any=names))])
