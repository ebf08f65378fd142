"""The two rankings of a result as rows: what a person compares, ready to be put into markup."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from search.result import Candidate, Ranked, Result, movement
from search.scorers import NO_SCORER
from ui.heat import HeatPiece, clip, heat_range, snippet_range, split_by_heat

Direction = Literal["up", "down", "same", "new", "dropped", "cut"]


BETWEEN_HEADINGS = " > "
"""What stands between two headings of a chunk's context."""


@dataclass(frozen=True, slots=True)
class Move:
    """How a passage moved, in words and as a direction."""

    direction: Direction
    words: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One BM25 term and its share of the largest contribution."""

    term: str
    value: float
    share: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Row:
    """A passage on one side of the comparison."""

    key: str
    """The same on both sides: what connects them."""
    place: int
    """Rank on this side, from 1."""
    move: Move
    candidate: Candidate
    ranked: Ranked | None
    snippet: tuple[HeatPiece, ...]
    pieces: tuple[HeatPiece, ...]
    share: float
    """Second-stage score within its range, 0 to 1."""
    terms: tuple[Bar, ...]

    @property
    def name(self) -> str:
        """The document's title, or else its file name."""
        return self.candidate.chunk.title or self.candidate.chunk.document.rsplit("/", 1)[-1]

    @property
    def place_in_file(self) -> str:
        """Where the passage begins in its file: page and line where they are known, and its number."""
        chunk = self.candidate.chunk
        known = (
            "" if chunk.page is None else f"page {chunk.page:,}",
            "" if chunk.line is None else f"line {chunk.line:,}",
            f"passage {chunk.ordinal + 1:,}",
        )
        return " \N{MIDDLE DOT} ".join(filter(None, known))

    @property
    def headings(self) -> str:
        """The headings that the passage stands under, outermost first, without what its name says already."""
        path = self.candidate.chunk.context
        return "" if path == self.name else path.removeprefix(f"{self.name}{BETWEEN_HEADINGS}")

    @property
    def heated(self) -> bool:
        """True if any sentence has a score of its own."""
        return any(one.score is not None for one in self.pieces)


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Both sides, what fell out of view, and every candidate's way."""

    before: tuple[Row, ...]
    after: tuple[Row, ...]
    dropped: tuple[Row, ...]
    """In the first stage's top-n, not in the final one; by final rank."""
    everyone: tuple[Row, ...]
    """All candidates in final order; without text."""


def score_share(score: float, score_range: tuple[float, float]) -> float:
    """Where the score lies in its range, 0 to 1; 0 for what is not finite or a range without width."""
    low, high = score_range
    if not math.isfinite(score) or high <= low:
        return 0.0
    return (min(max(score, low), high) - low) / (high - low)


def term_bars(terms: tuple[tuple[str, float], ...]) -> tuple[Bar, ...]:
    """BM25's terms with their contribution relative to the largest."""
    largest = max((abs(value) for _, value in terms), default=0.0)
    return tuple(Bar(term, value, abs(value) / largest if largest > 0 else 0.0) for term, value in terms)


def compare(result: Result) -> SideBySide:
    """The rankings before and after as rows, each side in its own order."""
    top_n = result.settings.top_n
    by_id = {one.candidate.chunk.id: one for one in result.ranked}
    shown = {one.candidate.chunk.id for one in result.top}
    last_kept = len(result.ranked) - result.cut
    score_range = _score_range(result)
    low, high = heat_range(chain.from_iterable(one.spans for one in result.ranked))

    def row(candidate: Candidate, place: int, move: Move, *, text: bool = True) -> Row:
        ranked = by_id.get(candidate.chunk.id)
        spans = ranked.spans if ranked else ()
        whole = candidate.chunk.text
        pieces = split_by_heat(whole, spans, low, high) if text else ()
        return Row(
            key=f"p{candidate.rank}",
            place=place,
            move=move,
            candidate=candidate,
            ranked=ranked,
            snippet=clip(pieces, *snippet_range(whole, spans)) if text else (),
            pieces=pieces,
            share=score_share(ranked.score, score_range) if ranked else 0.0,
            terms=term_bars(candidate.terms) if text else (),
        )

    def way(candidate: Candidate) -> Move:
        """Where a passage of the first top-n went."""
        ranked = by_id.get(candidate.chunk.id)
        if ranked is None:
            return Move("dropped", "not ranked")
        if candidate.chunk.id in shown:
            return Move(_direction(ranked.moved), f"now {ranked.rank}" if ranked.moved else "same")
        if ranked.rank > last_kept:
            return Move("cut", f"cut, would be {ranked.rank}")
        return Move("dropped", f"dropped to {ranked.rank}")

    dropped = sorted(
        (one for one in result.before if one.chunk.id not in shown),
        key=lambda one: (by_id[one.chunk.id].rank if one.chunk.id in by_id else len(result.ranked) + 1, one.rank),
    )
    return SideBySide(
        before=tuple(row(one, one.rank, way(one)) for one in result.before),
        after=tuple(row(one.candidate, one.rank, _arrival(one, top_n)) for one in result.top),
        dropped=tuple(row(one, by_id[one.chunk.id].rank if one.chunk.id in by_id else 0, way(one)) for one in dropped),
        everyone=tuple(row(one.candidate, one.rank, _arrival(one, top_n), text=False) for one in result.ranked),
    )


def _arrival(ranked: Ranked, top_n: int) -> Move:
    """How a passage came to its final place."""
    is_new = ranked.candidate.rank > top_n >= ranked.rank
    return Move("new" if is_new else _direction(ranked.moved), movement(ranked, top_n))


def _direction(moved: int) -> Direction:
    if moved == 0:
        return "same"
    return "up" if moved > 0 else "down"


def _score_range(result: Result) -> tuple[float, float]:
    """The scorer's range; without a second stage the scores are fused ones, and the largest is the top."""
    if result.settings.scorer != NO_SCORER:
        return result.score_range
    return 0.0, max((one.score for one in result.ranked), default=0.0)
