"""Where a long passage is cut, and how the scores of its windows become one score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rerank.errors import BadInput
from rerank.scorer import LongDocuments


def windows(n: int, width: int, overlap: int) -> list[tuple[int, int]]:
    """Token ranges [start, end) that cover a passage of `n` tokens, none longer than `width`.

    The rule published with jina-reranker-v2: neighbours share `min(overlap, width // 4)` tokens, and the last window
    is moved back so that it is full. A passage without tokens has one empty window, so that it still gets a score.

    Raises:
        BadInput: the query leaves no room for even one token of the passage.
    """
    if width < 1:
        raise BadInput("The query fills the whole window: raise max_length or lower max_query_length.")
    if n <= width:
        return [(0, n)]
    step = width - min(max(overlap, 0), width // 4)
    starts = range(0, n - width, step)
    return [*((start, start + width) for start in starts), (n - width, n)]


@dataclass(frozen=True, slots=True)
class Cutting:
    """How passages are cut; its text names everything that the cuts depend on."""

    width: int
    """Tokens of a window, without specials."""
    overlap: int
    """Tokens that neighbours share."""
    limit: int
    """Tokens of a passage that are read."""

    def __str__(self) -> str:
        """For keys of what is kept."""
        return f"{self.width} {self.overlap} {self.limit}"

    def cuts(self, n: int) -> list[tuple[int, int]]:
        """The windows of a passage of `n` tokens; see `windows`."""
        return windows(n, self.width, self.overlap)


def combine(scores: Sequence[float], rule: LongDocuments) -> float:
    """The score of a passage from those of its windows: the best one ("max") or the mean of the best two ("mean2")."""
    best = sorted(scores, reverse=True)[: 1 if rule == "max" else 2]
    return sum(best) / len(best)


def winner(scores: Sequence[float]) -> int:
    """The index of the best window, the earlier one where two are equal."""
    return max(range(len(scores)), key=lambda i: (scores[i], -i))
