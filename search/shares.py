"""How much BM25 counts in the first stage, and the first stage in the final order, where nothing was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from indexer.embed.contract import StatesLanguages
from search.fusion import SPARSE_WEIGHT
from search.languages import foreign
from search.scripts import Literacy

FOREIGN_WEIGHT = 0.7
"""BM25's share for a query in a language that the embedding model was not made for: best of .3, .7 and 1 below the
bundled second stage, over German, Polish, Italian and Swedish questions (docs/measurements/languages.md)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How an embedding model reads a query."""

    scripts: tuple[str, ...] = ()
    """Scripts of the query that it does not read: its vector says next to nothing."""
    language: str | None = None
    """ISO 639 code of the query's language if the model reads its script but was made for other languages."""
    stated: tuple[str, ...] = ()
    """The languages that the model was made for, where `language` is none of them."""


def read(literacy: Literacy, embedder: object, name: str, query: str) -> Reading:
    """How the embedding model of that name reads a query; one that does not tell counts as reading it."""
    unread = literacy.unread(embedder, name, query)
    if unread or not isinstance(embedder, StatesLanguages):
        return Reading(unread)
    stated = embedder.languages()
    language = foreign(query, stated)
    return Reading() if language is None else Reading(language=language, stated=tuple(sorted(stated or ())))


def sparse_share(wanted: float | None, reading: Reading) -> float:
    """BM25's share in the fusion: what was asked for, or more than usual where dense retrieval reads badly."""
    if wanted is not None:
        return wanted
    if reading.scripts:
        return 1.0
    return SPARSE_WEIGHT if reading.language is None else FOREIGN_WEIGHT


def first_share(wanted: float | None, measured: float, unread: Sequence[str]) -> float:
    """The first stage's share in the final order: what was asked for, or all where the second cannot read."""
    if wanted is not None:
        return wanted
    return 1.0 if unread else measured
