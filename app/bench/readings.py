"""What a cross-encoder of ours reads of a query and passages, in words, for the other side to be given the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rerank.base import clean, room
from rerank.models.tokens import Tokeniser
from rerank.pointwise.pairs import pair_windows, read_query
from rerank.scorer import NO_LIMITS, Limits


def readings(
    folder: Path, window: int, query: str, passages: Sequence[str], limits: Limits = NO_LIMITS
) -> tuple[list[tuple[int, str, str]], list[int]]:
    """(passage, query as cut, text of the window) of each input of the model in `folder`, and its tokens.

    Args:
        folder: the model's.
        window: tokens that it reads at once, as its contract states.
        query: as asked.
        passages: as given.
        limits: how much of them is read.
    """
    reader = Tokeniser(folder)
    width, allowance = room(limits, window)
    clear = [clean(passage) for passage in passages]
    asked = read_query(reader, query, limits, allowance)
    pieces = reader.read(clear, limits.max_document_tokens)
    inputs = pair_windows(reader.pair(), asked, pieces, width, limits.overlap_tokens)
    head = clean(query)[slice(*asked.stretch(0, len(asked)))]
    texts = [
        (one.passage, head, clear[one.passage][slice(*pieces[one.passage].stretch(one.start, one.end))])
        for one in inputs
    ]
    return texts, [len(one.tokens) for one in inputs]
