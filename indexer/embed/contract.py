"""The contract of an embedding model: texts in, unit vectors out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from indexer.errors import EmbedderError

Vectors = NDArray[np.float32]
"""Shape (n, d), each row of Euclidean length 1."""


@runtime_checkable
class Windowed(Protocol):
    """An embedder that says how much of a text it reads."""

    @property
    def max_tokens(self) -> int:
        """Tokens of one text that are read, specials excluded."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Anything that turns passages and queries into comparable vectors."""

    @property
    def name(self) -> str:
        """Model name and, where there is one, revision: part of the index fingerprint."""
        ...

    @property
    def dimension(self) -> int:
        """Length d of each vector."""
        ...

    @property
    def runtime(self) -> str:
        """Device and dtype, and why, in one line."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of the text in the model's own tokenizer, specials excluded."""
        ...

    def passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        """Unit vectors of passages, shape (n, d), in input order; `progress` gets the number done so far.

        Raises:
            EmbedderError: the model answered something that is not a finite, non-zero vector.
        """
        ...

    def query(self, text: str) -> NDArray[np.float32]:
        """The unit vector of a query, shape (d,), with the model's query prefix applied."""
        ...


@runtime_checkable
class StatesLanguages(Protocol):
    """An embedder that can say which languages it was made for."""

    def languages(self) -> frozenset[str] | None:
        """ISO 639 codes; None where nothing is known."""
        ...


@dataclass(frozen=True, slots=True)
class TokenOffsets:
    """Where the tokens of a text are: character offsets, ascending, both of length n."""

    starts: Sequence[int]
    ends: Sequence[int]


@runtime_checkable
class LocatesTokens(Protocol):
    """An embedder that can say where its tokens are: one tokenisation then serves all of the splitter's questions."""

    def locate_tokens(self, text: str) -> TokenOffsets:
        """Character offsets of the tokens, specials excluded, nothing truncated."""
        ...


def unit(vectors: NDArray[np.float32], name: str) -> Vectors:
    """The rows scaled to length 1, shape (n, d).

    Raises:
        EmbedderError: a row is not finite, or is zero.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    wrong = ~np.isfinite(lengths[:, 0]) | (lengths[:, 0] == 0)
    if wrong.any():
        raise EmbedderError(
            f"The model {name} answered {int(wrong.sum())} of {len(vectors)} texts with a vector that is zero or not "
            f"finite: its weights or its precision are broken, use another model."
        )
    scaled: Vectors = (vectors / lengths).astype(np.float32)
    return scaled
