"""Vectors in this process: one Qdrant Edge shard in a folder, no server to run.

Dense search scans int8 copies and rescores with the full vectors; there is no graph to build. The engine is thread-safe
and holds the GIL during each call. Its write-ahead log keeps what a killed process had written.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from indexer.chunk import Hit
from indexer.errors import StoreError, StoreLocked
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

BATCH = 256
"""Points per engine call: short enough that other threads get the GIL between two."""
PAGE = 1024
"""Ids per call when listing."""
OVERSAMPLING = 2.0
"""Candidates of the int8 scan per hit asked for, before rescoring; recall 1.0 at 200,000 points."""

_LOCK_SIGNS = ("WouldBlock", "(os error 33)")
"""How the engine reports a log that another owner holds: the kind of error, or the number Windows gives it."""


class EdgeStore:
    """A `VectorStore` that owns one shard folder; made by `EdgeStore.open`."""

    def __init__(self, shard: edge.EdgeShard, path: Path, dimension: int) -> None:
        self._shard = shard
        self._path = path
        self._dimension = dimension
        self._writing = threading.Lock()
        self._closed = False

    @classmethod
    def open(cls, path: Path, dimension: int) -> EdgeStore:
        """The store in this folder, created where there is none yet; `dimension` is that of the dense vectors.

        Raises:
            StoreLocked: another owner, in this process or another, has the shard open.
            StoreError: the folder cannot be used, or holds vectors of another dimension.
        """
        config = _config(dimension)
        try:
            if (path / "edge_config.json").exists():
                shard = edge.EdgeShard.load(str(path), config)
            else:
                path.mkdir(parents=True, exist_ok=True)
                shard = edge.EdgeShard.create(str(path), config)
            if DOCUMENT not in shard.info().payload_schema:
                shard.update(edge.UpdateOperation.create_field_index(DOCUMENT, edge.PayloadSchemaType.Keyword))
        except Exception as error:
            raise _refusal(path, dimension, str(error)) from error
        return cls(shard, path, dimension)

    @property
    def description(self) -> str:
        """Engine, version and place in one line."""
        return f"Qdrant Edge {version('qdrant-edge-py')} in this process, {self._path}"

    def upsert(self, points: Sequence[Point]) -> None:
        """Write points; an existing id is replaced, and the last of equal ids wins.

        Raises:
            StoreError: a point may not be written (then none is), or the engine refused.
        """
        check_points(points, self._dimension)
        last = list({point.id: point for point in points}.values())
        with self._writing, self._engine("write"):
            for batch in parts(last, BATCH):
                self._shard.update(edge.UpdateOperation.upsert_points([_point(point) for point in batch]))

    def reweight(self, weights: Iterable[tuple[str, Sparse]]) -> None:
        """Replace the sparse vectors of existing points and leave the dense ones as they are.

        Raises:
            StoreError: an id is not stored, or a weight may not be; the batch of 256 it stands in is not written.
        """
        for batch in parts(weights, BATCH):
            for chunk, sparse in batch:
                check_sparse(sparse, f"the BM25 weights of chunk {chunk}")
            ids = [chunk for chunk, _ in batch]
            with self._writing, self._engine("reweight"):
                known = self._retrieve(ids, vectors=False)
                check_known(ids, (str(record.id) for record in known), self._place)
                self._shard.update(
                    edge.UpdateOperation.update_vectors(
                        [edge.PointVectors(chunk, {SPARSE: _sparse(sparse)}) for chunk, sparse in batch]
                    )
                )

    def delete(self, ids: Sequence[str]) -> None:
        """Remove points; unknown ids are ignored."""
        with self._writing, self._engine("delete"):
            for batch in parts(filter(is_id, ids), BATCH):
                self._shard.update(edge.UpdateOperation.delete_points(list(batch)))

    def dense(self, vector: NDArray[np.float32], limit: int, documents: Sequence[str] | None = None) -> list[Hit]:
        """The `limit` nearest points by cosine, optionally only of the given documents."""
        check_dense(vector, self._dimension, "the query vector")
        params = edge.SearchParams(
            quantization=edge.QuantizationSearchParams(rescore=True, oversampling=OVERSAMPLING),
        )
        return self._search(edge.Query.Nearest(vector.tolist(), using=DENSE), limit, documents, params)

    def sparse(self, weights: Sparse, limit: int, documents: Sequence[str] | None = None) -> list[Hit]:
        """The `limit` best points by dot product, optionally only of the given documents; points that share a term.

        A weight of exactly 0 matches nothing in the engine: send `bm25.FAINT` for a term that only has to match.
        """
        check_sparse(weights, "the query's BM25 weights")
        if not weights:
            return []
        return self._search(edge.Query.Nearest(_sparse(weights), using=SPARSE), limit, documents, None)

    def vectors(self, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The dense vectors of the points that exist."""
        found: dict[str, NDArray[np.float32]] = {}
        for batch in parts(filter(is_id, ids), BATCH):
            with self._engine("read"):
                records = self._retrieve(batch, vectors=True)
            found |= {str(record.id): np.asarray(record.vector[DENSE], dtype=np.float32) for record in records}
        return found

    def contents(self, ids: Sequence[str]) -> dict[str, StoredPoint]:
        """All that is held of the points that exist."""
        found: dict[str, StoredPoint] = {}
        for batch in parts(filter(is_id, ids), BATCH):
            with self._engine("read"):
                records = self._shard.retrieve([*batch], with_payload=True, with_vector=True)
            found |= {str(record.id): stored(record) for record in records}
        return found

    def ids(self) -> Iterator[str]:
        """Every stored id, in ascending order."""
        offset: Any = None
        while True:
            with self._engine("list"):
                records, offset = self._shard.scroll(
                    edge.ScrollRequest(offset=offset, limit=PAGE, with_payload=False, with_vector=False)
                )
            yield from (str(record.id) for record in records)
            if offset is None:
                return

    def count(self) -> int:
        """How many points are stored."""
        with self._engine("count"):
            return int(self._shard.count(edge.CountRequest(exact=True)))

    def flush(self) -> None:
        """Make everything written so far survive a crash of the machine."""
        with self._writing, self._engine("flush"):
            self._shard.flush()

    def optimize(self) -> None:
        """Merge segments and build the int8 copies; holds the GIL until done (5 s for 200,000 points)."""
        with self._writing, self._engine("optimise"):
            self._shard.optimize()

    def close(self) -> None:
        """Flush and release the folder; another process may open it afterwards. Closing twice is fine."""
        with self._writing:
            if not self._closed:
                with self._engine("close"):
                    self._shard.flush()
                    self._shard.close()
                self._closed = True

    @property
    def _place(self) -> str:
        return f"the index at {self._path}"

    @contextmanager
    def _engine(self, verb: str) -> Iterator[None]:
        """Turn what the engine raises into a StoreError that says what was being done, and where."""
        if self._closed:
            raise StoreError(f"Cannot {verb}: {self._place} is closed; open it again.")
        try:
            yield
        except StoreError:
            raise
        except Exception as error:  # the engine raises Exception itself, nothing narrower
            raise StoreError(f"Could not {verb} in {self._place}: {error}.") from error

    def _retrieve(self, ids: Iterable[str], *, vectors: bool) -> list[Any]:
        wanted: list[edge.PointId] = [chunk for chunk in ids if is_id(chunk)]
        return list(self._shard.retrieve(wanted, with_payload=False, with_vector=[DENSE] if vectors else False))

    def _search(
        self, query: edge.Query, limit: int, documents: Sequence[str] | None, params: edge.SearchParams | None
    ) -> list[Hit]:
        if documents is not None and not documents:
            return []
        condition = None if documents is None else _only(documents)

        def fetch(ask: int) -> list[tuple[str, float]]:
            request = edge.QueryRequest(
                limit=ask, query=query, filter=condition, params=params, with_payload=False, with_vector=False
            )
            with self._engine("search"):
                return [(str(found.id), float(found.score)) for found in self._shard.query(request)]

        return best(fetch, limit)


def _config(dimension: int) -> edge.EdgeConfig:
    """Exact dense search over int8 copies (m=0: no graph), sparse without the engine's own idf, log on."""
    return edge.EdgeConfig(
        vectors={DENSE: edge.EdgeVectorParams(size=dimension, distance=edge.Distance.Cosine)},
        sparse_vectors={SPARSE: edge.EdgeSparseVectorParams()},
        hnsw_config=edge.HnswIndexConfig(m=0, ef_construct=16, full_scan_threshold=0),
        quantization_config=edge.ScalarQuantizationConfig(type=edge.ScalarType.Int8, memory=edge.Memory.Pinned),
        wal_enabled=True,
    )


def _refusal(path: Path, dimension: int, reason: str) -> StoreError:
    """What to tell someone whose shard does not open, given the engine's reason."""
    if any(sign in reason for sign in _LOCK_SIGNS):
        return StoreLocked(
            f"The index at {path} is in use by another process; stop that process, or hand the work to it."
        )
    if "vector size" in reason:
        return StoreError(
            f"The index at {path} was built with another model: {dimension} numbers per vector were asked for, but "
            f"the engine says {reason!r}; use the model it was built with, or build a new index."
        )
    return StoreError(f"The index at {path} cannot be opened ({reason}); free the folder or choose another one.")


def _point(point: Point) -> edge.Point:
    vector = {DENSE: point.dense.tolist()} | ({SPARSE: _sparse(point.sparse)} if point.sparse else {})
    return edge.Point(point.id, vector, payload(point))


def _sparse(weights: Sparse) -> edge.SparseVector:
    return edge.SparseVector(*sparse_lists(weights))


def _only(documents: Sequence[str]) -> edge.Filter:
    names = [payload_name(document) for document in documents]
    return edge.Filter(must=[edge.FieldCondition(DOCUMENT, match=edge.MatchAny(names))])
