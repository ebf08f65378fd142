"""Passes over judged queries that are small enough to be worked out by hand."""
# ruff: noqa: D102 - the contracts that these classes keep say what each method does

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from serving import Bm25Scorer

from indexer.chunk import Chunk, Hit
from rerank.scorer import Scored, Scoring
from search.measure.evaluation import Gathered, SecondStage, from_candidates

QUERIES = {"q1": "which is it", "q2": "где это", "q3": "which has no candidates"}
QRELS = {"q1": {"b": 1}, "q2": {"d": 2}, "q3": {"a": 1}}
LISTS = {"q1": (("a", 2.0), ("b", 1.0), ("c", 0.0)), "q2": (("d", 2.0), ("e", 1.0))}
SCORES = {"a": 0.1, "b": 0.9, "c": 0.5, "d": 0.2, "e": 0.8}


def chunk(document: str, ordinal: int = 0) -> Chunk:
    """A chunk whose text is its document's name."""
    return Chunk(f"{document}{ordinal}", document, ordinal, 0, len(document), document)


class GivenScorer(Bm25Scorer):
    """Gives each passage the score that is stated for its text, in 20 ms a call, and reads Latin letters alone."""

    def __init__(self, scores: Mapping[str, float]) -> None:
        super().__init__("given")
        self._scores = scores

    def score(self, query: str, passages: Sequence[str], **_: Any) -> Scoring:  # noqa: ARG002 - the contract's arguments
        return Scoring(tuple(Scored(self._scores[one], self._scores[one]) for one in passages), 0.02, "given@1")

    def vocabularies(self) -> list[list[str]]:
        return [[f"{first}{second}" for first in "abcdefghijklmnopqrstuvwxyz" for second in "aeiouy"] * 4]


class GivenIndex:
    """Both retrievers answer every query with the same hits: dense a and b, and BM25 two chunks of c, and a."""

    def __init__(self) -> None:
        self.found = {one.id: one for one in (chunk("a"), chunk("b"), chunk("c"), chunk("c", 1))}

    def embed_query(self, query: str) -> NDArray[np.float32]:  # noqa: ARG002 - every query alike
        return np.ones(1, dtype=np.float32)

    def dense(self, vector: object, limit: int, documents: object = None) -> list[Hit]:  # noqa: ARG002 - as above
        return [Hit("a0", 1, 0.9), Hit("b0", 2, 0.5)]

    def sparse(self, query: str, limit: int, backend: str = "qdrant", documents: object = None) -> list[Hit]:  # noqa: ARG002
        return [Hit("c0", 1, 3.0), Hit("c1", 2, 3.0), Hit("a0", 3, 1.0)]

    def signatures(self, ids: Sequence[str]) -> Mapping[str, bytes]:
        raise NotImplementedError(ids)

    def chunks(self, ids: Sequence[str]) -> Mapping[str, Chunk]:
        return {one: self.found[one] for one in ids}


def gathered() -> Gathered:
    """A pass over the lists with one second stage, alone and with 40 % of the first."""
    lists = {query: [(chunk(one), score) for one, score in places] for query, places in LISTS.items()}
    return from_candidates(lists, QUERIES, [SecondStage("given", GivenScorer(SCORES), (0.0, 0.4), measured=0.4)])
