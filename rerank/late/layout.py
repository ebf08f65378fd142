"""Where the windows of a passage lie in its kept token vectors, without tokenising it a second time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rerank.base import clean
from rerank.models.tokens import Piece, Tokeniser, cut_unread
from rerank.scores_cache import text_key
from rerank.windows import Cutting

_KEPT = 10_000
"""Long passages whose windows are remembered."""


@dataclass(frozen=True, slots=True)
class PassageLayout:
    """How a passage's token vectors lie: window after window, each with its special tokens."""

    tokens: int
    truncated: int
    sizes: tuple[int, ...]
    """Tokens of each window, without specials."""
    stretches: tuple[tuple[int, int], ...] = ()
    """Code points of each window, where there are several."""


class PassageLayouts:
    """The layouts of passages, those of long ones remembered."""

    def __init__(self, reader: Tokeniser) -> None:
        self._reader = reader
        self._kept: dict[tuple[str, str], PassageLayout] = {}

    def of(self, model: str, passages: Sequence[str], lengths: Sequence[int], cutting: Cutting) -> list[PassageLayout]:
        """Each passage's layout; only one that needs several windows, or may have been cut, is tokenised, and once.

        Args:
            model: everything but the text that a layout depends on.
            passages: n texts.
            lengths: token vectors of each passage, without one window's specials.
            cutting: how they were cut.
        """
        bound = min(cutting.width + 1, cutting.limit)
        known = {
            place: (model, text_key(passages[place]))
            for place, n in enumerate(lengths)
            if n >= bound or cut_unread(passages[place], cutting.limit)
        }
        kept = self._kept
        ready = {key: kept[key] for key in known.values() if key in kept}
        unknown = [place for place, key in known.items() if key not in ready]
        pieces = self._reader.read([clean(passages[place]) for place in unknown], cutting.limit)
        for place, piece in zip(unknown, pieces, strict=True):
            cuts = cutting.cuts(len(piece))
            stretches = tuple(piece.stretch(start, end) for start, end in cuts)
            sizes = tuple(end - start for start, end in cuts)
            ready[known[place]] = PassageLayout(len(piece), piece.truncated, sizes, stretches)
        if len(self._kept) > _KEPT:
            self._kept = {}
        self._kept.update(ready)
        return [
            ready[known[place]] if place in known else PassageLayout(length, 0, (length,))
            for place, length in enumerate(lengths)
        ]


def token_places(
    piece: Piece, cuts: Sequence[tuple[int, int]], before: int, after: int
) -> tuple[list[int], list[tuple[int, int]]]:
    """Which of a passage's token vectors are no specials, and the code points of their tokens.

    Args:
        piece: the passage's tokens.
        cuts: its windows.
        before: specials in front of each window.
        after: specials behind it.
    """
    real: list[int] = []
    places: list[tuple[int, int]] = []
    at = 0
    for start, end in cuts:
        real += range(at + before, at + before + end - start)
        places += piece.offsets[start:end]
        at += before + end - start + after
    return real, places
