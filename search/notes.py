"""Sentences for a person about a search: what a stage could not read, what took no part, what was left out."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.terms.analyzer import terms
from search.fusion import SPARSE_WEIGHT
from search.result import Candidate
from search.scripts import named
from search.settings import SearchSettings
from search.shares import FOREIGN_WEIGHT, Reading

_NAMED = 4
"""Languages of a model that a note lists; beyond that it counts them."""


def on_words(query: str, *, known: bool) -> tuple[str, ...]:
    """A sentence about a query that BM25 cannot answer; none if some passage holds a word of it (`known`)."""
    if known:
        return ()
    why = "No passage holds a word of the query" if terms(query) else "The query is stop words or punctuation alone"
    return (f"{why}: BM25 took no part.",)


def on_candidates(first: Sequence[Candidate]) -> tuple[str, ...]:
    """A sentence about a first stage that found nothing."""
    return () if first else ("Neither stage found a passage.",)


def on_reading(reading: Reading, model: str, settings: SearchSettings, first: Sequence[Candidate]) -> tuple[str, ...]:
    """A sentence about an embedding model that reads the query badly or not at all, and what follows from it."""
    if not first or not (reading.scripts or reading.language):
        return ()
    does = f"The embedding model {model.partition('@')[0]} {_reads(reading)}"
    if all(one.sparse is None for one in first):
        return (f"{does}, and BM25 found none of its words: these passages are a guess.",)
    if settings.sparse_weight is not None or settings.fusion == "rrf":
        adds = "what dense retrieval adds is less sure" if reading.language else "what dense retrieval adds is chance"
        return (f"{does}: {adds}. Leave the fusion and BM25's share as measured.",)
    if reading.language:
        more = f"BM25 has {FOREIGN_WEIGHT:g} of the first stage in the place of {SPARSE_WEIGHT:g}"
        return (f"{does}: {more}. A multilingual embedding model would find more.",)
    return (f"{does}: the first stage is BM25's order alone. A multilingual embedding model would take part.",)


def _reads(reading: Reading) -> str:
    if not reading.language:
        return f"does not read {named(reading.scripts)}"
    stated = ", ".join(reading.stated) if len(reading.stated) <= _NAMED else f"{len(reading.stated)} other languages"
    return f"was made for text in {stated}, and the query seems to be in {reading.language}"


def on_second_stage(unread: Sequence[str], name: str, settings: SearchSettings) -> tuple[str, ...]:
    """A sentence about a second stage that does not read scripts of the query, and what follows from it."""
    if not unread:
        return ()
    does = f"{name} does not read {named(unread)}"
    if settings.blend is None:
        return (f"{does}: its scores are shown but move nothing. A multilingual second stage would.",)
    return (f"{does}: its scores say little about this query. Leave the blend as measured.",)


def on_filters(left: int | None) -> tuple[str, ...]:
    """A sentence about filters that left `left` documents in, if that is none; None where there are no filters."""
    return ("The filters leave no document in: widen them, or list what there is with Documents.",) if left == 0 else ()
