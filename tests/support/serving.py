"""A live server over real HTTP, with a scorer that is exact and needs no model: BM25 over the documents of the call."""
# ruff: noqa: D102 - the contracts that these classes keep say what each method does

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import httpx
import numpy as np
from rank_bm25 import BM25Plus

from indexer.index import Index
from rerank.errors import BadInput, Cancelled, ModelNotFound
from rerank.models.running import Cancel, Progress, Runtime
from rerank.scorer import (
    MAX_DOCUMENTS,
    NO_LIMITS,
    Limits,
    ScoreContract,
    Scored,
    Scorer,
    Scoring,
    Span,
)
from search.engine import SearchEngine
from search.scorers import ScorerChoice, Scorers

_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"[^.!?]+[.!?]*\s*")


def words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


class Bm25Scorer:
    """Scores a passage by BM25 among the passages of a fixed background, squashed to (0, 1)."""

    def __init__(self, name: str, seconds_per_pair: float = 0.0) -> None:
        self._name = name
        self._seconds = seconds_per_pair
        self.pairs = 0
        self.largest = 0
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self._background = [words(text) for text in BACKGROUND]

    def held(self) -> Self:
        """Itself, held up in its first call until `go_on` is set; `begun` tells that it got there."""
        self.go_on.clear()
        return self

    @property
    def name(self) -> str:
        return self._name

    @property
    def contract(self) -> ScoreContract:
        return ScoreContract("pointwise", 0.0, 1.0, "s / (1 + s)", 0, "whole", None, "Apache-2.0")

    @property
    def runtime(self) -> Runtime:
        return Runtime("cpu", "float64", "none", "word counts need no accelerator")

    def score(
        self,
        query: str,
        passages: Sequence[str],
        *,
        limits: Limits = NO_LIMITS,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Scoring:
        if not query.strip() or not 1 <= len(passages) <= MAX_DOCUMENTS:
            raise BadInput("The query is empty: type what you are looking for.")
        started = time.perf_counter()
        self.begun.set()
        assert self.go_on.wait(60)
        self.largest = max(self.largest, len(passages))
        asked = words(query)
        scored = []
        for done, passage in enumerate(passages, start=1):
            if cancel:
                raise Cancelled("The scoring was cancelled.")
            if self._seconds:
                time.sleep(self._seconds)
            tokens = words(passage)
            read = tokens[: limits.max_document_tokens]
            logit = float(BM25Plus([*self._background, read]).get_scores(asked)[-1]) if read else 0.0
            scored.append(Scored(logit, logit / (1 + logit), tokens=len(read), truncated=len(tokens) - len(read)))
            self.pairs += 1
            if progress:
                progress(done, len(passages))
        cut = sum(one.truncated > 0 for one in scored)
        return Scoring(
            tuple(scored),
            time.perf_counter() - started,
            f"{self._name}@1",
            query_tokens=len(asked),
            notes=(f"{cut} passages were truncated.",) if cut else (),
        )

    def spans(self, query: str, passages: Sequence[str]) -> tuple[tuple[Span, ...], ...]:
        found = [list(_SENTENCE.finditer(passage)) for passage in passages]
        texts = [one.group() for own in found for one in own]
        scores = iter(self.score(query, texts).scored if texts else ())
        return tuple(tuple(Span(one.start(), one.end(), next(scores).score) for one in own) for own in found)

    def release(self) -> None:
        pass


class FailingScorer(Bm25Scorer):
    """Fails on every call in the way that it was told to."""

    def __init__(self, name: str, error: Exception) -> None:
        super().__init__(name)
        self._error = error

    def score(self, query: str, passages: Sequence[str], **options: Any) -> Scoring:  # noqa: ARG002 - as the contract
        raise self._error


class TogetherScorer(Bm25Scorer):
    """Takes the pairs of several queries in one call."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.calls: list[int] = []

    def score_many(
        self, calls: Sequence[tuple[str, Sequence[str]]], *, limits: Limits, cancel: Cancel | None = None
    ) -> list[Scoring]:
        self.calls.append(len(calls))
        return [self.score(query, passages, limits=limits, cancel=cancel) for query, passages in calls]


class HashedWords:
    """An embedder without a model: a text is the sum of fixed random directions of its words."""

    name = "hashed-words@1"
    dimension = 64
    runtime = "cpu, float32: word hashes"
    max_tokens = 50

    def count_tokens(self, text: str) -> int:
        return len(words(text))

    def passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Any:
        rows = np.stack([self.query(text) for text in texts])
        if progress:
            progress(len(texts))
        return rows

    def query(self, text: str) -> Any:
        row = np.full(self.dimension, 1e-3, dtype=np.float32)
        for word in words(text)[: self.max_tokens]:
            seed = sum((place + 1) * ord(letter) for place, letter in enumerate(word))
            row += np.random.default_rng(seed).standard_normal(self.dimension).astype(np.float32)
        return row / np.float32(math.sqrt(float(row @ row)))


BACKGROUND = (
    "The cat sat on the mat.",
    "Trains to Munich leave every hour.",
    "Water boils at a hundred degrees.",
    "The library opens at nine.",
    "A reranker reads query and passage together.",
)

CAPITALS = [
    "Berlin is the capital of Germany. It lies on the Spree.",
    "The sky is blue.",
    "Paris is the capital of France. The capital has two million people. Its river is the Seine.",
    "Bananas are rich in potassium.",
]
QUERY = "what is the capital of France"


def write_folder(folder: Path) -> Path:
    """Fill a folder with small text files, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, text in enumerate((*CAPITALS, *BACKGROUND)):
        (folder / f"{place:02}.txt").write_text(f"{text}\n", encoding="utf-8")
    return folder


class Served:
    """A server that answers on this machine, and what it runs on."""

    def __init__(self, url: str, engine: SearchEngine, scorer: Bm25Scorer) -> None:
        self.url = url
        self.engine = engine
        self.scorer = scorer

    def post(self, path: str, body: object, **options: Any) -> httpx.Response:
        return httpx.post(self.url + path, json=body, timeout=30, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return httpx.get(self.url + path, timeout=30, **options)


def engine_of(scorer: Bm25Scorer, index: Index | None = None) -> SearchEngine:
    choices = [
        ScorerChoice(scorer.name, "BM25", available=True, reason="word counts", licence="Apache-2.0"),
        ScorerChoice("jina-reranker-v2-base-multilingual", "v2", available=False, reason="Not here", licence="CC"),
        ScorerChoice("bge-reranker-v2-m3", "bge", available=True, reason="here", licence="Apache-2.0"),
    ]

    def load(name: str) -> Scorer:
        if name == scorer.name:
            return scorer
        if name == "bge-reranker-v2-m3":
            return Bm25Scorer(name)
        raise ModelNotFound(f"{name} is not here: get it.")

    held: Any = index or SimpleNamespace(embedder=HashedWords(), close=lambda: None)
    return SearchEngine(held, Scorers(load, lambda: choices, scorer.name))
