"""MaxSim: how well each query token is answered by its best passage token (Khattab and Zaharia 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import torch
from numpy.typing import NDArray

from rerank.models.device import native_int8
from rerank.vectors_cache import Packed, pack

Floats = NDArray[np.float32]

STRETCH = 64
"""Tokens: an answer close together counts more than one scattered over the passage. 48 and 96 are as good within .002
nDCG@10, 16 and 32 are worse (docs/measurements/late-interaction.md)."""


def similarities(query: Floats, passages: Sequence[Packed]) -> Floats:
    """The dot product of every query token with every passage token, (q, T), passages one after another.

    Passages stay in int8. The query is taken as the sum of two int8 vectors, the second holding what rounding left of
    the first, so that only the passages' rounding counts.

    Args:
        query: (q, d).
        passages: n packed passages of (tokens, d), T tokens in all.
    """
    codes = np.concatenate([one.codes for one in passages])  # (T, d)
    scales = np.concatenate([one.scales for one in passages])  # (T,)
    if not native_int8():
        return np.asarray((query @ codes.astype(np.float32).T) * scales, dtype=np.float32)
    coarse = pack(query)
    fine = pack(query - coarse.unpack())
    both = torch.from_numpy(np.concatenate([coarse.codes, fine.codes]))  # (2q, d)
    dots = torch._int_mm(torch.from_numpy(codes), both.t()).numpy()  # noqa: SLF001  (PyTorch's only int8 product)
    first, second = dots[:, : len(query)], dots[:, len(query) :]  # (T, q) each
    found = first * coarse.scales + second * fine.scales
    found *= scales[:, None]
    return np.asarray(found.T, dtype=np.float32)


def maxima(similar: Floats, lengths: Sequence[int]) -> Floats:
    """The best similarity of each query token within each stretch of passage tokens, (n, q); 0 in an empty stretch.

    Args:
        similar: (q, T).
        lengths: tokens of the n stretches, together T.
    """
    best = np.zeros((len(lengths), similar.shape[0]), dtype=np.float32)
    filled = [place for place, length in enumerate(lengths) if length]
    if filled:
        ends = np.cumsum(lengths)
        starts = [int(ends[place]) - lengths[place] for place in filled]
        best[filled] = np.maximum.reduceat(similar.T, starts, axis=0)
    return best


def sums(similar: Floats, lengths: Sequence[int], stretch: int | None = None) -> NDArray[np.float64]:
    """The sum over query tokens of the best similarities within each part of the passage tokens, (n,); 0 if empty.

    With `stretch`, the mean of that and of the largest such sum within `stretch` successive tokens of the part, which
    may begin at every half of a stretch; a part no longer than that has one sum.

    Args:
        similar: (q, T), weighted if query tokens count differently; weights are not negative.
        lengths: tokens of the n parts, together T.
        stretch: tokens, even; None for plain MaxSim.
    """
    found = np.zeros(len(lengths), dtype=np.float64)
    filled = [place for place, length in enumerate(lengths) if length]
    if stretch is None:
        found += maxima(similar, lengths).sum(axis=1, dtype=np.float64)
        return found
    if not filled:
        return found
    half = stretch // 2
    cuts = [[min(half, length - at) for at in range(0, length, half)] for length in lengths if length]
    blocks = maxima(similar, [size for own in cuts for size in own])  # (B, q)
    ends = list(accumulate(map(len, cuts)))
    starts = [0, *ends[:-1]]
    whole = np.maximum.reduceat(blocks, starts, axis=0).sum(axis=1, dtype=np.float64)
    following = np.concatenate([blocks[1:], blocks[-1:]])
    last = np.asarray(ends) - 1
    following[last] = blocks[last]
    pairs = np.maximum(blocks, following).sum(axis=1, dtype=np.float64)  # (B,)
    found[filled] = (whole + np.maximum.reduceat(pairs, starts)) / 2
    return found
