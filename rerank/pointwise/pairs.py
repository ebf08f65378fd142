"""Query and passage as what a cross-encoder reads: the query cut once, a long passage in windows behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rerank.base import clean
from rerank.models.encoder import Tokens
from rerank.models.tokens import Frame, Piece, Tokeniser
from rerank.scorer import Limits
from rerank.windows import windows


@dataclass(frozen=True, slots=True)
class PairWindow:
    """One input of the model and where its passage part lies."""

    passage: int
    """Position of the passage among those that were read."""
    start: int
    end: int
    """Tokens of the passage, [start, end)."""
    tokens: Tokens


def read_query(reader: Tokeniser, query: str, limits: Limits, allowance: int) -> Piece:
    """The query's tokens; as published, its limit counts the two specials that it would have alone."""
    return reader.read([clean(query)], max(1, min(limits.max_query_tokens, allowance) - 2))[0]


def pair_windows(frame: Frame, asked: Piece, pieces: Sequence[Piece], width: int, overlap: int) -> list[PairWindow]:
    """Every input of at most `width` tokens, passage by passage, neighbours sharing `overlap` tokens."""
    space = width - len(asked) - frame.specials
    return [
        PairWindow(place, start, end, frame.join(asked.ids, piece.ids[start:end]))
        for place, piece in enumerate(pieces)
        for start, end in windows(len(piece), space, overlap)
    ]
