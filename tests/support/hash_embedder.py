"""An embedder without a model: reproducible, quick, and true to the contract."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray


class HashEmbedder:
    """Vectors from a hash of the text; counts what it embeds."""

    name = "hash"
    dimension = 16
    runtime = "none"

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def count_tokens(self, text: str) -> int:
        """Words."""
        return len(text.split())

    def passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Shape (n, 16)."""
        self.embedded += texts
        rows = [np.frombuffer(hashlib.sha256(text.encode()).digest(), np.uint16).astype(np.float32) for text in texts]
        vectors = np.stack(rows) + 1
        if progress is not None:
            progress(len(texts))
        scaled: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return scaled

    def query(self, text: str) -> NDArray[np.float32]:
        """Shape (16,)."""
        vector: NDArray[np.float32] = self.passages([text])[0]
        return vector
