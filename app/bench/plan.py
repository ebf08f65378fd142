"""Which cells the rerank benchmark measures, in which order, and which it has no time for."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.bench.shapes import ModelShape
from app.bench.texts import MEAN

DOCUMENTS = 100
"""Passages per cell, as in the table published with jina-reranker-v1."""
PER_PASS = 64
"""Passages that a listwise model reads at once."""
_SHARE = 0.12
"""Share of the matmul ceiling that the default baseline is expected to reach, until it has been measured."""
_ALL_THREE = 1.8
"""Seconds of the default baseline, of the best one and of ours together, in seconds of the default one."""
_ROUNDS = 3
_LONG = 30.0
"""Seconds of a round beyond which one round has to do."""
_OVERLAP = 80
"""Tokens that neighbouring windows of a long passage share."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement: a query against passages."""

    query_tokens: int
    """0 for a real query."""
    document_tokens: int
    """0 for passages of mixed length, mean about 160."""

    @property
    def title(self) -> str:
        """The cell in words."""
        query = f"query {self.query_tokens}" if self.query_tokens else "real query"
        return f"{query}, documents {self.document_tokens or 'mixed, mean 160'}"

    @property
    def size(self) -> int:
        """Tokens of a pair."""
        return (self.query_tokens or 16) + (self.document_tokens or MEAN)

    def lengths(self, shape: ModelShape) -> list[int]:
        """About how many tokens each of the shape's inputs will have, as far as can be told without the texts."""
        document = self.document_tokens or MEAN
        query = self.size - document
        if shape.kind == "qwen3":
            return [(query + document) * min(PER_PASS, DOCUMENTS - first) for first in range(0, DOCUMENTS, PER_PASS)]
        space = max(1, shape.positions - query - 4)
        if document <= space:
            return [query + document + 4] * DOCUMENTS
        step = space - min(_OVERLAP, space // 4)
        return [shape.positions] * (DOCUMENTS * (1 + math.ceil((document - space) / step)))


MIXED = Cell(0, 0)
_HEADLINE = Cell(64, 512)
"""The cell that the published table is quoted by."""
_REST = (Cell(query, document) for query in (64, 128, 256, 512) for document in (256, 512, 1024, 2048, 4096))
GRID = (MIXED, _HEADLINE, *sorted((one for one in _REST if one != _HEADLINE), key=lambda one: one.size))
"""The most telling cells first, then from small to large."""


def planned(shapes: Sequence[ModelShape], grid: Sequence[Cell]) -> list[tuple[ModelShape, Cell]]:
    """Every cell of every shape: the first cell for all shapes, then the next one."""
    return [(shape, cell) for cell in grid for shape in shapes]


@dataclass(slots=True)
class Clock:
    """What is left of a budget of seconds, and how long a cell will take."""

    budget: float | None
    """None for no end."""
    _began: float = field(default_factory=time.perf_counter)
    _rates: dict[str, float] = field(default_factory=dict)
    """Seconds of the default baseline per operation, by shape."""
    _share: float = _SHARE

    @property
    def left(self) -> float | None:
        """Seconds of the budget that are left; None for no end."""
        return None if self.budget is None else self.budget - (time.perf_counter() - self._began)

    def learn(self, shape: ModelShape, work: float, seconds: float, limit: float) -> None:
        """Take in that the default baseline took so many seconds for `work` operations; `limit` is the ceiling."""
        self._rates[shape.name] = seconds / work
        self._share = work / seconds / limit

    def default(self, shape: ModelShape, work: float, limit: float) -> float:
        """Seconds that the default baseline will take for `work` operations."""
        return work * self._rates.get(shape.name, 1 / (limit * self._share))

    def rounds(self, shape: ModelShape, work: float, limit: float) -> int:
        """How often a cell is measured: a long one once."""
        return _ROUNDS if self.default(shape, work, limit) * _ALL_THREE <= _LONG else 1

    def refusal(self, shape: ModelShape, work: float, limit: float, rounds: int) -> str | None:
        """Why a cell is not begun; None if there is time for it."""
        expected = self.default(shape, work, limit) * _ALL_THREE * rounds
        left = self.left
        if left is None or expected <= left:
            return None
        return f"would take about {expected:.0f} s and {max(left, 0):.0f} s of the budget are left"
