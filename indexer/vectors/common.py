"""What every vector store agrees on: names inside the engine, what may be written, and the order of hits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from indexer.chunk import Hit
from indexer.errors import StoreError
from indexer.vectors.contract import Point, Sparse, StoredPoint

DENSE = "dense"
"""Name of the dense vector of a point."""
SPARSE = "bm25"
"""Name of the sparse vector of a point."""
DOCUMENT = "document"
"""Payload field that search may be narrowed by."""
TEXT = "text"
"""Payload field for the digest of the text that the dense vector was made from."""

SHORTEST = 1e-6
"""A vector shorter than this has no direction that float32 could keep: it counts as zero."""
SLACK = 16
"""Hits asked for beyond the limit, so that a tie at the cut is usually seen whole."""
MOST_TIES = 4096
"""Hits beyond the limit after which a tie at the cut is no longer followed."""

_TERM_IDS = range(2**32)

Fetch = Callable[[int], Sequence[tuple[str, float]]]
"""The engine's best n points as (id, score)."""


def check_points(points: Sequence[Point], dimension: int) -> None:
    """Check that every point may be written.

    Raises:
        StoreError: naming the first point whose id is not a UUID in canonical form, whose dense vector is not finite,
            is zero or has not `dimension` numbers, or whose sparse vector has an id or weight out of range.
    """
    for point in points:
        if not is_id(point.id):
            raise StoreError(f"The chunk id {point.id!r} is not a UUID in canonical form; use indexer.chunk.chunk_id.")
        check_dense(point.dense, dimension, f"the vector of chunk {point.id} ({point.document})")
        check_sparse(point.sparse, f"the BM25 weights of chunk {point.id} ({point.document})")


def check_dense(vector: NDArray[np.float32], dimension: int, name: str) -> None:
    """Check that the vector has shape (dimension,), finite numbers and a direction; a StoreError names it otherwise."""
    if vector.shape != (dimension,):
        raise StoreError(
            f"Refused {name}: it has shape {vector.shape} but this index holds {dimension} numbers per chunk; "
            "use the model the index was built with, or build a new index."
        )
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if not math.isfinite(length):
        raise StoreError(f"Refused {name}: it holds NaN or infinity; check the embedding model.")
    if length < SHORTEST:
        raise StoreError(f"Refused {name}: it is zero and points nowhere; check the embedding model.")


def check_sparse(weights: Sparse, name: str) -> None:
    """Check that all ids are unsigned 32-bit numbers and all weights finite; a StoreError names it otherwise."""
    for term, weight in weights.items():
        if term not in _TERM_IDS:
            raise StoreError(f"Refused {name}: term id {term} is not an unsigned 32-bit number.")
        if not math.isfinite(weight):
            raise StoreError(f"Refused {name}: term {term} has the weight {weight}.")


def is_id(text: str) -> bool:
    """Whether the text is a UUID as `str(UUID(...))` writes it; no point can be stored under anything else."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def sparse_lists(weights: Sparse) -> tuple[list[int], list[float]]:
    """The term ids, ascending, and their weights in the same order."""
    ordered = sorted(weights.items())
    return [int(term) for term, _ in ordered], [float(weight) for _, weight in ordered]


def payload_name(document: str) -> str:
    """The document's name as an engine can store it: itself, or hex after a NUL where it is no valid Unicode.

    File names that are not UTF-8 reach Python as lone surrogates, which no engine takes. The name is only compared,
    never read back.
    """
    try:
        document.encode()
    except UnicodeEncodeError:
        return "\0" + document.encode("utf-8", "surrogatepass").hex()
    return document


def payload(point: Point) -> dict[str, str]:
    """What is stored beside a point's vectors."""
    return {DOCUMENT: payload_name(point.document), TEXT: point.text}


def stored(record: Any) -> StoredPoint:  # noqa: ANN401  a record of either engine
    """A record, fetched with both vectors and its payload, as a value."""
    vectors, about = record.vector or {}, record.payload or {}
    sparse = vectors.get(SPARSE)
    return StoredPoint(
        document=str(about.get(DOCUMENT, "")),
        text=str(about.get(TEXT, "")),
        dense=np.asarray(vectors.get(DENSE, ()), dtype=np.float32),
        sparse=dict(zip(sparse.indices, sparse.values, strict=True)) if sparse is not None else {},
    )


def best(fetch: Fetch, limit: int) -> list[Hit]:
    """The `limit` best points by descending score, ties by id, ranks from 1.

    Engines break ties by their inner order, which changes with every optimisation. So more is fetched than asked for,
    and a tie that runs across the cut is followed until all of it is seen or `MOST_TIES` are.
    """
    if limit <= 0:
        return []
    ask = limit + SLACK
    while True:
        found = sorted(fetch(ask), key=lambda pair: (-pair[1], pair[0]))
        whole = len(found) < ask or found[-1][1] < found[limit - 1][1]
        if whole or ask >= limit + MOST_TIES:
            break
        ask = min(4 * ask, limit + MOST_TIES)
    return [Hit(chunk, rank, score) for rank, (chunk, score) in enumerate(found[:limit], 1)]


def check_known(asked: Iterable[str], known: Iterable[str], place: str) -> None:
    """Check that all asked ids are known; a StoreError counts the missing ones and names the first otherwise."""
    missing = sorted(set(asked) - set(known))
    if missing:
        raise StoreError(
            f"{len(missing)} of the chunks to reweight are not in {place}, the first is {missing[0]}; ingest again."
        )
