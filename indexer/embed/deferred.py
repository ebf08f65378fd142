"""An embedder whose model is loaded when it is first needed: a run that finds nothing changed needs none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.embed.contract import Embedder, LocatesTokens, StatesLanguages, TokenOffsets, Vectors, Windowed
from indexer.embed.sentence_folder import dimension_of
from indexer.errors import EmbedderError
from rerank.models.running import KnowsVocabulary


class DeferredEmbedder:
    """An `Embedder` that is known by name and dimension before it is loaded; safe to call from threads."""

    def __init__(self, name: str, dimension: int, load: Callable[[], Embedder]) -> None:
        self._name = name
        self._dimension = dimension
        self._load = load
        self._loading = threading.Lock()
        self._loaded: Embedder | None = None

    @property
    def name(self) -> str:
        """Model name and a digest of its files."""
        return self._name

    @property
    def dimension(self) -> int:
        """Length d of each vector."""
        return self._dimension

    @property
    def runtime(self) -> str:
        """Device and dtype, and why, in one line; loads the model."""
        return self._model().runtime

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read, specials excluded; loads the model."""
        model = self._model()
        if not isinstance(model, Windowed):
            raise EmbedderError(f"The model {self._name} cannot say how much of a text it reads: use another one.")
        return model.max_tokens

    def count_tokens(self, text: str) -> int:
        """Tokens of the text in the model's own tokenizer, specials excluded."""
        return self._model().count_tokens(text)

    def vocabularies(self) -> tuple[Collection[str], ...]:
        """The pieces that the model knows; empty if it does not say. Loads the model."""
        model = self._model()
        return model.vocabularies() if isinstance(model, KnowsVocabulary) else ()

    def languages(self) -> frozenset[str] | None:
        """Codes of the languages that the model was made for; None if it does not say. Loads the model."""
        model = self._model()
        return model.languages() if isinstance(model, StatesLanguages) else None

    def locate_tokens(self, text: str) -> TokenOffsets:
        """Character offsets of the text's tokens, specials excluded, nothing truncated."""
        model = self._model()
        if not isinstance(model, LocatesTokens):
            raise EmbedderError(f"The model {self._name} cannot say where its tokens are: use another one.")
        return model.locate_tokens(text)

    def passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        """Unit vectors of passages, shape (n, d), in input order; `progress` gets the number done so far."""
        return self._model().passages(texts, progress)

    def query(self, text: str) -> NDArray[np.float32]:
        """The unit vector of a query, shape (d,), with the model's query prefix applied."""
        return self._model().query(text)

    def _model(self) -> Embedder:
        with self._loading:
            if self._loaded is None:
                model = self._load()
                if (model.name, model.dimension) != (self._name, self._dimension):
                    raise EmbedderError(
                        f"The model {self._name} with {self._dimension} numbers a vector turned out to be {model.name} "
                        f"with {model.dimension}: its files were changed, start again."
                    )
                self._loaded = model
            return self._loaded


def deferred(folder: Path, name: str, load: Callable[[], Embedder]) -> Embedder:
    """The model in a folder under its full name, loaded now only if its files do not state the dimension."""
    dimension = dimension_of(folder)
    return load() if dimension is None else DeferredEmbedder(name, dimension, load)
