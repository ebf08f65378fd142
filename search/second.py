"""The second stage: candidates in, the final order out, every stage's rank and score kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from data import MAXSIM, TRAINED
from rerank.scorer import Scored
from search.fusion import RRF_K, standard
from search.result import Candidate, Ranked
from search.settings import BlendBy

MEASURED_BLENDS: Mapping[str, float] = MappingProxyType({MAXSIM: 0.4, TRAINED: 0.3})
"""Share of the fused first stage by scorer, where dev splits showed that it helps (docs/measurements/)."""
LIST_BLENDS: Mapping[str, float] = MappingProxyType({MAXSIM: 0.1, TRAINED: 0.1})
"""The same over the list of one retriever alone, which deserves less trust."""


def first_stage_order(candidates: Sequence[Candidate]) -> tuple[Ranked, ...]:
    """The candidates as they stand, for a search without a second stage: the fused score is the score."""
    return tuple(
        Ranked(one, one.rank, logit=one.fused, score=one.fused, rerank_rank=one.rank, final=one.fused)
        for one in candidates
    )


def order(
    candidates: Sequence[Candidate], scored: Sequence[Scored], blend: float, by: BlendBy = "scores"
) -> tuple[Ranked, ...]:
    """The candidates by final score, best first; ties go to the earlier first-stage rank.

    `scored` is in the order of `candidates`. With a blend of 0 the final score is the second stage's own; otherwise it
    blends both stages' standardised scores, or their ranks (`blended_scores`, `blended_ranks`).
    """
    by_score = sorted(range(len(scored)), key=lambda i: (-scored[i].score, -scored[i].logit, candidates[i].rank))
    second = [0] * len(scored)
    for rank, i in enumerate(by_score, start=1):
        second[i] = rank
    if blend > 0:
        if by == "scores":
            final = blended_scores([one.fused for one in candidates], [one.logit for one in scored], blend)
        else:
            final = blended_ranks([one.rank for one in candidates], second, blend)
        places = sorted(range(len(scored)), key=lambda i: (-final[i], candidates[i].rank))
    else:
        final = [one.score for one in scored]
        places = by_score
    return tuple(
        Ranked(
            candidate=candidates[i],
            rank=rank,
            logit=scored[i].logit,
            score=scored[i].score,
            rerank_rank=second[i],
            final=final[i],
            window=scored[i].window,
            truncated=scored[i].truncated,
            cached=scored[i].cached,
        )
        for rank, i in enumerate(places, start=1)
    )


def blended_scores(first: Sequence[float], second: Sequence[float], share: float) -> list[float]:
    """Each passage's share * z(first) + (1 - share) * z(second), in input order.

    Scores are standardised over the passages given. A share of 0 is the second stage alone, 1 the first stage alone.
    """
    return [share * one + (1.0 - share) * two for one, two in zip(standard(first), standard(second), strict=True)]


def blended_ranks(first: Sequence[int], second: Sequence[int], share: float, k: int = RRF_K) -> list[float]:
    """Each passage's share / (k + first rank) + (1 - share) / (k + second rank), in input order.

    Ranks are from 1. A share of 0 is the second stage alone, 1 the first stage alone.
    """
    return [share / (k + one) + (1.0 - share) / (k + two) for one, two in zip(first, second, strict=True)]


def cut(ranked: Sequence[Ranked], cutoff: float | None) -> tuple[tuple[Ranked, ...], int]:
    """The passages with those below the cut-off behind all others, renumbered, and how many those are.

    The cut is the last step and looks at the second stage's normalised score, whatever the order came from.
    """
    if cutoff is None:
        return tuple(ranked), 0
    below = [one for one in ranked if one.score < cutoff]
    kept = [one for one in ranked if one.score >= cutoff]
    return tuple(replace(one, rank=rank) for rank, one in enumerate([*kept, *below], start=1)), len(below)
