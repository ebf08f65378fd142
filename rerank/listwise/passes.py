"""How a long list is cut into passes of a listwise model, and how the passes' vectors become one ranking."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

PassageVectors = NDArray[np.float32]
"""Shape (n, d) for passages, (d,) for a query."""


def passes(lengths: Sequence[int], room: int, most: int, longest: int) -> list[tuple[int, int]]:
    """Ranges [start, end) of passages that are read together, in order.

    The rule published with jina-reranker-v3: a pass is full with `most` passages, or as soon as the tokens left of
    `room` do not suffice for another passage of the `longest` allowed length.
    """
    found: list[tuple[int, int]] = []
    start, left = 0, room
    for end, length in enumerate(lengths, 1):
        left -= length
        if end - start == most or left <= longest:
            found.append((start, end))
            start, left = end, room
    if start < len(lengths):
        found.append((start, len(lengths)))
    return found


def cosines(passages: PassageVectors, query: PassageVectors) -> PassageVectors:
    """The cosine of each passage (n, d) with the query (d,): shape (n,); a zero vector has cosine 0."""
    lengths = np.linalg.norm(passages, axis=1) * np.linalg.norm(query)
    found: PassageVectors = ((passages @ query) / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return np.clip(found, -1, 1)


def merge(read: Iterable[tuple[PassageVectors, PassageVectors]]) -> list[float]:
    """One score per passage, in order, from the (passages, query) vectors of each pass.

    A pass counts by its best passage, `(1 + cosine) / 2`; the query is the mean of the passes' query vectors under
    those weights, and every passage is compared with it. With one pass nothing changes. Source: the code published
    with jina-reranker-v3.
    """
    read = list(read)
    weights = np.array([(1 + float(cosines(passages, query).max())) / 2 for passages, query in read])
    if len(read) == 1 or weights.sum() == 0:
        weights = np.ones(len(read))
    query = np.average([query for _, query in read], axis=0, weights=weights).astype(np.float32)
    return [float(score) for score in cosines(np.concatenate([passages for passages, _ in read]), query)]
