"""An embedder whose queries are read by a trained copy of the model: passages, and so the index's vectors, stay."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from data import TRAINED, minilm_folder, trained_folder
from indexer.embed.contract import Embedder, TokenOffsets, Vectors
from indexer.embed.deferred import deferred
from indexer.embed.local import LocalEmbedder


class TunedQueries:
    """An `Embedder` of two models that share their space: one for passages, one for queries. Safe between threads."""

    def __init__(self, passages: LocalEmbedder, queries: LocalEmbedder) -> None:
        self._passages = passages
        self._queries = queries

    @property
    def name(self) -> str:
        """Name of both together and digests of their files."""
        return f"{TRAINED}@{self._passages.name.rpartition('@')[2]}-{self._queries.name.rpartition('@')[2]}"

    @property
    def dimension(self) -> int:
        """Length d of each vector."""
        return self._passages.dimension

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read, specials excluded; what is beyond does not reach the vector."""
        return self._passages.max_tokens

    @property
    def runtime(self) -> str:
        """Device and dtype, and why, in one line."""
        return self._passages.runtime

    def count_tokens(self, text: str) -> int:
        """Tokens of the text in the model's own tokenizer, specials excluded."""
        return self._passages.count_tokens(text)

    def vocabularies(self) -> tuple[Collection[str], ...]:
        """The pieces that the model knows."""
        return self._passages.vocabularies()

    def languages(self) -> frozenset[str] | None:
        """Codes of the languages that the model's card names."""
        return self._passages.languages()

    def locate_tokens(self, text: str) -> TokenOffsets:
        """Character offsets of the text's tokens, specials excluded, nothing truncated."""
        return self._passages.locate_tokens(text)

    def passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        """Unit vectors of passages, shape (n, d), in input order; `progress` gets the number done so far."""
        return self._passages.passages(texts, progress)

    def query(self, text: str) -> NDArray[np.float32]:
        """The unit vector of a query, shape (d,), by the trained layers."""
        return self._queries.query(text)


def open_tuned(*, device: str | None = None, defer: bool = False) -> Embedder:
    """The shipped pair of models, with `defer` loaded when it is first needed.

    Raises:
        EmbedderError: the files do not make a model.
        ShippedFileError: a part is missing from this installation, or was altered.
    """
    base = minilm_folder()
    trained = trained_folder()

    def load() -> TunedQueries:
        return TunedQueries(
            LocalEmbedder.open(str(base), device=device, name=TRAINED),
            LocalEmbedder.open(str(trained), device=device, name=TRAINED),
        )

    if not defer:
        return load()
    named = LocalEmbedder.named(base, TRAINED), LocalEmbedder.named(trained, TRAINED)
    return deferred(base, f"{TRAINED}@{named[0].rpartition('@')[2]}-{named[1].rpartition('@')[2]}", load)
