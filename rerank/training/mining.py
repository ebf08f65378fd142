"""Hard negatives: passages that BM25 or the dense first stage puts near the top although they do not answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor

K1 = 1.2
B = 0.75
"""Robertson and Zaragoza (2009), section 3.5: the usual values."""
COMMON = 0.1
"""Word pieces in more of the passages than this are left out: they cost time and decide nothing."""

TermIds = Sequence[Sequence[int]]
"""Texts as word-piece numbers, without specials."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Which passages become negatives."""

    depth: int = 30
    """Passages taken from each of the two first stages."""
    keep: int = 16
    """Negatives kept per query, the hardest ones."""
    margin: float = 0.98
    """A passage that the teacher scores above this part of the positive's score may well answer: it is left out."""


@dataclass(frozen=True, slots=True)
class Mined:
    """A query's negatives, hardest first."""

    places: tuple[int, ...]
    """In the pool of passages."""
    teacher: tuple[float, ...]
    """The teacher's blended score, in standard deviations over the query's candidates."""
    positive: float
    """The positive's score on the same scale."""


def lexical(passages: TermIds, vocabulary: int, device: torch.device | None = None) -> Tensor:
    """BM25 weights of word pieces in passages, a sparse matrix (n, vocabulary).

    Times a column of a query's piece counts it gives the scores, idf included (Robertson's, floored at 0 by the 1 in
    the logarithm).
    """
    lengths = torch.tensor([len(one) for one in passages], dtype=torch.float32)
    rows = torch.repeat_interleave(torch.arange(len(passages)), lengths.long())
    columns = torch.tensor(list(chain.from_iterable(passages)), dtype=torch.long)
    places = torch.stack((rows, columns))
    size = (len(passages), vocabulary)
    counts = torch.sparse_coo_tensor(places, torch.ones(len(columns)), size, check_invariants=False).coalesce()
    row, column = counts.indices()
    frequency = torch.bincount(column, minlength=vocabulary).float()  # passages with the piece
    idf = torch.log1p((len(passages) - frequency + 0.5) / (frequency + 0.5))
    idf[frequency > max(1.0, COMMON * len(passages))] = 0.0
    times = counts.values()
    norm = K1 * (1 - B + B * lengths[row] / lengths.mean().clamp(min=1.0))
    weights = idf[column] * times * (K1 + 1) / (times + norm)
    used = weights > 0
    kept = torch.sparse_coo_tensor(counts.indices()[:, used], weights[used], size, check_invariants=False)
    return kept.coalesce().to(device or torch.device("cpu"))


def lexical_scores(index: Tensor, queries: TermIds) -> Tensor:
    """BM25 scores of every passage for every query, (q, n)."""
    counts = torch.zeros(index.shape[1], len(queries), device=index.device)  # (V, q)
    for place, pieces in enumerate(queries):
        counts[list(pieces), place] = 1.0
    scores: Tensor = torch.sparse.mm(index, counts)
    return scores.T


def top(scores: Tensor, count: int) -> Tensor:
    """The places of the best `count` of each row, best first, earlier ones first among equals, (q, count)."""
    count = min(count, scores.shape[1])
    kept = torch.topk(scores, count, dim=1).values[:, -1:]  # the worst score that can be among the best
    # equal scores are common at a BM25 of 0: the earlier passage comes first, as in a stable sort of everything
    width = scores.shape[1]
    ranks = torch.arange(width, device=scores.device).expand_as(scores)
    best = torch.where(scores > kept, 0, torch.where(scores == kept, 1, 2)) * width + ranks
    chosen = torch.topk(best, count, dim=1, largest=False, sorted=True).indices
    chosen = chosen.sort(dim=1).values
    order = torch.sort(scores.gather(1, chosen), dim=1, descending=True, stable=True).indices
    return chosen.gather(1, order)


def standard(scores: Tensor) -> Tensor:
    """Each row in standard deviations from its mean, (q, m)."""
    return (scores - scores.mean(dim=1, keepdim=True)) / scores.std(dim=1, keepdim=True, unbiased=False).clamp(min=1e-6)


def blend(lexical_part: Tensor, cosine: Tensor, interaction: Tensor) -> Tensor:
    """The ensemble teacher's scores, (q, m): .3 BM25 + cosine + MaxSim, each standardised over the row."""
    return 0.3 * standard(lexical_part) + standard(cosine) + standard(interaction)


def select(
    candidates: Sequence[int],
    blended: Sequence[float],
    interaction: Sequence[float],
    forbidden: frozenset[int],
    positive: int,
    rules: Rules,
) -> Mined:
    """The negatives of one query.

    Args:
        candidates: places in the pool, the positive among them; a place may come twice.
        blended: the ensemble teacher's score of each.
        interaction: the MaxSim of each, as a mean of cosines; the margin is measured on it.
        forbidden: places that are known to answer, or that must not be trained on.
        positive: the place of the passage that answers.
        rules: how many, how hard.
    """
    at = candidates.index(positive)
    limit = rules.margin * interaction[at]
    seen = {positive, *forbidden}
    kept: list[tuple[float, int]] = []
    for place, score, similar in zip(candidates, blended, interaction, strict=True):
        if place not in seen and similar <= limit:
            kept.append((score, place))
        seen.add(place)
    kept.sort(key=lambda one: (-one[0], one[1]))
    kept = kept[: rules.keep]
    return Mined(tuple(place for _, place in kept), tuple(score for score, _ in kept), blended[at])
