"""Where in a passage the second look found what it liked: sentences as pieces of text with a level of heat."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Protocol

LEVELS = 5
"""Heat levels above zero: as many shades as an eye tells apart behind text."""
SNIPPET = 340
"""Characters of a passage that are shown before it is opened."""


class HeatSpan(Protocol):
    """A stretch of a passage with a score of its own, as a result holds it."""

    @property
    def start(self) -> int:
        """Code-point offset of the first character."""

    @property
    def end(self) -> int:
        """Code-point offset after the last character."""

    @property
    def score(self) -> float:
        """On the scorer's normalised scale."""


@dataclass(frozen=True, slots=True)
class HeatPiece:
    """A stretch of a passage, with the score of its sentence where there is one."""

    text: str
    level: int = 0
    """0 (no heat) to `LEVELS`."""
    score: float | None = None
    best: bool = False
    """True for the passage's highest sentence."""


def heat_range(spans: Iterable[HeatSpan]) -> tuple[float, float]:
    """The median and the highest finite score of the spans; (0, 0) without any.

    Heat is relative to all the sentences on the page, so that a cold passage looks cold beside a hot one. It starts at
    the median: scores of sentences lie close together, and what is shown everywhere says nothing.
    """
    scores = [one.score for one in spans if math.isfinite(one.score)]
    return (median_low(scores), max(scores)) if scores else (0.0, 0.0)


def heat_level(score: float, low: float, high: float) -> int:
    """The level of a score between `low` and `high`, 0 to `LEVELS`; 0 where all scores are equal."""
    if not math.isfinite(score) or high <= low:
        return 0
    share = (min(max(score, low), high) - low) / (high - low)
    return round(share * LEVELS)


def split_by_heat(text: str, spans: Sequence[HeatSpan], low: float, high: float) -> tuple[HeatPiece, ...]:
    """The whole text as pieces in order: each span with its heat, and what lies between spans without.

    A span that overlaps an earlier one or reaches beyond the text loses that part, and its white space at the end; the
    pieces joined are `text`.
    """
    best = max(spans, key=lambda one: (one.score, -one.start), default=None)
    pieces: list[HeatPiece] = []
    at = 0
    for span in sorted(spans, key=lambda one: (one.start, one.end)):
        start = max(span.start, at)
        end = start + len(text[start : span.end].rstrip())
        if end <= start:
            continue
        if start > at:
            pieces.append(HeatPiece(text[at:start]))
        pieces.append(HeatPiece(text[start:end], heat_level(span.score, low, high), span.score, span is best))
        at = end
    if at < len(text):
        pieces.append(HeatPiece(text[at:]))
    return tuple(pieces)


def snippet_range(text: str, spans: Sequence[HeatSpan], length: int = SNIPPET) -> tuple[int, int]:
    """[start, end) of the part to show first: it holds the highest sentence, or is the beginning.

    It starts and ends between words where it can, and is `length` long where the text is.
    """
    best = max(spans, key=lambda one: (one.score, -one.start), default=None)
    start = 0 if best is None or best.end <= length else max(0, min(best.start, len(text) - length))
    if best is not None and 0 < start < best.start:
        start = text.find(" ", start, best.start) + 1 or start
    end = min(len(text), start + length)
    space = text.rfind(" ", end - 20, end)
    return start, space if end < len(text) and space > start else end


def clip(pieces: Sequence[HeatPiece], start: int, end: int) -> tuple[HeatPiece, ...]:
    """The pieces of [start, end) of the text, cut at both ends, with "…" where something is left out."""
    total = sum(len(one.text) for one in pieces)
    kept: list[HeatPiece] = [HeatPiece("… ")] if start > 0 else []
    at = 0
    for one in pieces:
        text = one.text[max(start - at, 0) : max(end - at, 0)]
        at += len(one.text)
        if text:
            kept.append(HeatPiece(text, one.level, one.score, one.best))
    if end < total:
        kept.append(HeatPiece(" …"))
    return tuple(kept)
