"""What the similarities of query and passage tokens say: scores of windows and sentences, and which token answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rerank.late.layout import PassageLayout
from rerank.scorer import Aligned, LongDocuments, Scored, Span
from rerank.sentences import sentences
from rerank.windows import combine, winner

Places = Sequence[tuple[int, int]]
"""Code points [start, end) of each passage token."""


def passage_score(
    sums: Sequence[float], width: int, layout: PassageLayout, rule: LongDocuments, *, cached: bool
) -> Scored:
    """One passage from its windows' sums of maxima over `width` query tokens."""
    means = [_cosine(one / width) for one in sums]
    window = None
    if len(sums) > 1:
        best = winner(sums)
        window = Span(*layout.stretches[best], means[best])
    return Scored(
        logit=combine(sums, rule),
        score=combine(means, rule),
        window=window,
        tokens=layout.tokens,
        truncated=layout.truncated,
        cached=cached,
    )


def sentence_spans(similar: NDArray[np.float32], passage: str, places: Places) -> tuple[Span, ...]:
    """Each sentence with the mean of the token maxima within it; `similar` is (q, T), with T `places`."""
    found: list[Span] = []
    begins, ends = np.asarray(places, dtype=np.int64).reshape(-1, 2).T  # (T,) each
    for start, end in sentences(passage):
        inside = np.flatnonzero((begins >= start) & (ends <= end))
        value = float(similar[:, inside].max(axis=1).mean()) if len(inside) else 0.0
        found.append(Span(start, end, _cosine(value)))
    return tuple(found)


def alignment(similar: NDArray[np.float32], words: Sequence[str], passage: str, places: Places) -> tuple[Aligned, ...]:
    """Each of q query tokens with the passage token that answers it best; empty where the passage has none."""
    if not similar.shape[1]:
        return ()
    best = similar.argmax(axis=1)
    return tuple(
        Aligned(word, passage[start:end], start, end, float(row[at]))
        for word, row, at in zip(words, similar, best.tolist(), strict=True)
        for start, end in [places[at]]
    )


def _cosine(mean: float) -> float:
    """A mean of cosines without the last bit of rounding beyond [-1, 1]."""
    return max(-1.0, min(1.0, mean))
