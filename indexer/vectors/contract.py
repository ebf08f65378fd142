"""The contract of a vector store: dense and sparse vectors under chunk ids, the same for one process and a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from indexer.chunk import Hit

Sparse = Mapping[int, float]
"""Term id (unsigned 32 bit) to weight."""


@dataclass(frozen=True, slots=True)
class Point:
    """What is stored for a chunk."""

    id: str
    document: str
    dense: NDArray[np.float32]
    """Shape (d,), Euclidean length 1."""
    sparse: Sparse
    """BM25 document-side weights; may be empty for text without a term."""
    text: str = ""
    """Digest of the text that the vector was made from."""


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """What an engine holds of a chunk, to be compared with what it should hold."""

    document: str
    """As `indexer.vectors.common.payload_name` writes it."""
    text: str
    """Digest of the text that the vector was made from; empty where the point does not say."""
    dense: NDArray[np.float32]
    """Shape (d,)."""
    sparse: Sparse


@runtime_checkable
class VectorStore(Protocol):
    """Dense and sparse search over points; hits come by descending score, ties by id, ranks from 1."""

    @property
    def description(self) -> str:
        """Engine, version and place in one line."""
        ...

    def upsert(self, points: Sequence[Point]) -> None:
        """Write points; an existing id is replaced.

        Raises:
            StoreError: a dense vector is not finite, is zero, or has the wrong dimension; or the engine refused.
        """
        ...

    def reweight(self, weights: Iterable[tuple[str, Sparse]]) -> None:
        """Replace the sparse vectors of existing points and leave the dense ones as they are."""
        ...

    def delete(self, ids: Sequence[str]) -> None:
        """Remove points; unknown ids are ignored."""
        ...

    def dense(self, vector: NDArray[np.float32], limit: int, documents: Sequence[str] | None = None) -> list[Hit]:
        """The `limit` nearest points by cosine, optionally only of the given documents."""
        ...

    def sparse(self, weights: Sparse, limit: int, documents: Sequence[str] | None = None) -> list[Hit]:
        """The `limit` best points by dot product, optionally only of the given documents; points that share a term."""
        ...

    def vectors(self, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The dense vectors of the points that exist."""
        ...

    def contents(self, ids: Sequence[str]) -> dict[str, StoredPoint]:
        """All that is held of the points that exist."""
        ...

    def ids(self) -> Iterator[str]:
        """Every stored id, in the engine's order."""
        ...

    def count(self) -> int:
        """How many points are stored."""
        ...

    def flush(self) -> None:
        """Make everything written so far survive a crash."""
        ...

    def optimize(self) -> None:
        """Bring the engine's segments into their fast form."""
        ...

    def close(self) -> None:
        """Release the store; another process may open it afterwards."""
        ...
