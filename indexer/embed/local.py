"""Embedding on this machine: by the project's own encoder where it reads the folder, else by sentence-transformers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.embed import card
from indexer.embed.contract import Embedder, TokenOffsets, Vectors, as_embedder_error, unit
from indexer.embed.deferred import deferred
from indexer.embed.prefixes import Prefixes
from rerank.models.errors import BadCheckpoint
from rerank.models.hub import fetched
from rerank.models.revision import revision


class SentenceModel(Protocol):
    """A loaded model that turns texts as they stand into vectors of any length."""

    prefixes: Prefixes
    """What its folder says is to be put before a text."""

    @property
    def dimension(self) -> int:
        """Length d of each vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read, specials excluded."""
        ...

    @property
    def runtime(self) -> str:
        """Where and how it runs, and why."""
        ...

    def vocabulary(self) -> Collection[str]:
        """The pieces that the model knows."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of the text, specials excluded, nothing cut."""
        ...

    def locate_tokens(self, text: str) -> TokenOffsets:
        """Character offsets of the text's tokens, specials excluded, nothing cut."""
        ...

    def vectors(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """The vectors of one text or more, (n, d), in input order; `progress` gets the number done so far."""
        ...


class LocalEmbedder:
    """An `Embedder` over a model on this machine; made by `LocalEmbedder.open`. Safe to call from threads."""

    def __init__(
        self, model: SentenceModel, name: str, prefixes: Prefixes, languages: frozenset[str] | None = None
    ) -> None:
        self._model = model
        self._name = name
        self._prefixes = prefixes
        self._languages = languages

    @classmethod
    def deferred(
        cls,
        source: str,
        profile: Prefixes | None = None,
        *,
        device: str | None = None,
        allow_download: bool = False,
        name: str | None = None,
    ) -> Embedder:
        """What `open` returns, loaded when it is first needed; its files are found and named now.

        Raises:
            EmbedderError: the model is not here and downloading was not allowed.
        """
        folder = _located(source, allow_download)
        stated = name or (source if not Path(source).exists() else folder.name)

        def load() -> LocalEmbedder:
            return cls.open(source, profile, device=device, allow_download=allow_download, name=stated)

        return deferred(folder, cls.named(folder, stated), load)

    @classmethod
    def open(
        cls,
        source: str,
        profile: Prefixes | None = None,
        *,
        device: str | None = None,
        allow_download: bool = False,
        name: str | None = None,
        library: bool = False,
    ) -> LocalEmbedder:
        """The model of a hub name or a folder, on the given device or the best one here.

        Args:
            source: a folder, or the name of a repository on the hub.
            profile: prefixes; None takes those that the checkpoint itself states, if it does.
            device: "cpu", "cuda", ...; None is the best one.
            allow_download: fetch the model if it is not here.
            name: what to call it, before the revision.
            library: read it by sentence-transformers in any case.

        Raises:
            EmbedderError: the model is not here and downloading was not allowed, or its files do not make a model.
        """
        folder = _located(source, allow_download)
        if name is None:
            name = source if not Path(source).exists() else folder.name
        with as_embedder_error():
            model = _loaded(source, folder, device, library=library)
        return cls(model, cls.named(folder, name), profile or model.prefixes, card.languages(folder))

    @staticmethod
    def named(folder: Path, name: str) -> str:
        """The full name of a model: its name and a digest of its files."""
        with as_embedder_error():
            return f"{name}@{revision(folder)}"

    @property
    def name(self) -> str:
        """Model name and a digest of every byte of its files."""
        return self._name

    @property
    def dimension(self) -> int:
        """Length d of each vector."""
        return self._model.dimension

    @property
    def max_tokens(self) -> int:
        """Tokens of a text that are read, specials excluded; what is beyond does not reach the vector."""
        return self._model.max_tokens

    @property
    def runtime(self) -> str:
        """Where and how it runs, and why, in one line."""
        return self._model.runtime

    def count_tokens(self, text: str) -> int:
        """Tokens of the text in the model's own tokenizer, specials excluded."""
        return self._model.count_tokens(text)

    def vocabularies(self) -> tuple[Collection[str], ...]:
        """The pieces that the model knows."""
        return (self._model.vocabulary(),)

    def languages(self) -> frozenset[str] | None:
        """Codes of the languages that the model's card names; None where it names none."""
        return self._languages

    def locate_tokens(self, text: str) -> TokenOffsets:
        """Character offsets of the text's tokens, specials excluded, nothing truncated."""
        return self._model.locate_tokens(text)

    def passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        """Unit vectors of passages, shape (n, d), in input order; `progress` gets the number done so far.

        Raises:
            EmbedderError: the model answered something that is not a finite, non-zero vector, or its memory is full.
        """
        return self._embed([self._prefixes.passage + text for text in texts], progress)

    def query(self, text: str) -> NDArray[np.float32]:
        """The unit vector of a query, shape (d,), with the model's query prefix applied."""
        vector: NDArray[np.float32] = self._embed([self._prefixes.query + text], None)[0]
        return vector

    def _embed(self, texts: Sequence[str], progress: Callable[[int], None] | None) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        with as_embedder_error():
            return unit(self._model.vectors(texts, progress), self._name)


def _located(source: str, allow_download: bool) -> Path:
    path = Path(source).expanduser()
    if path.is_dir():
        return path
    with as_embedder_error():
        return fetched(source, allow_download=allow_download, allow_pickle=True)


def _loaded(source: str, folder: Path, device: str | None, *, library: bool) -> SentenceModel:
    from indexer.embed.packed import PackedModel
    from rerank.models.device import choose
    from rerank.models.trained_folder import is_trained

    placement, why = choose(device), "as asked"
    if not library:
        try:
            return PackedModel(folder, placement)
        except BadCheckpoint as other:
            if is_trained(folder):  # only the project's own code knows what its layers rest on
                raise
            why = str(other).rstrip(".")
    from indexer.embed.library import LibraryModel

    return LibraryModel(source, folder, placement, why)
