"""What follows from a scorer's scores alone: an order, a ranked list, scores of pairs."""

from __future__ import annotations

from collections.abc import Sequence

from rerank.errors import BadInput
from rerank.scorer import MAX_QUERY_TOKENS, Limits, RankedDocument, Scorer

WINDOW = 1024
"""Tokens per window where the caller says nothing, as in the published interface."""


def order(scores: Sequence[float]) -> list[int]:
    """Positions by descending score, ties by input order."""
    return sorted(range(len(scores)), key=lambda i: (-scores[i], i))


def rerank(
    scorer: Scorer,
    query: str,
    documents: Sequence[str],
    max_query_length: int = MAX_QUERY_TOKENS,
    max_length: int = WINDOW,
    top_n: int | None = None,
) -> list[RankedDocument]:
    """The documents by descending score, ties by input order; `top_n` None or 0 means all.

    Raises:
        BadInput: what `score` refuses, a negative `top_n`, or a window under twice the query's limit.
    """
    if max_length < 2 * max_query_length:
        raise BadInput(f"max_length {max_length} must be at least twice max_query_length {max_query_length}.")
    if top_n is not None and top_n < 0:
        raise BadInput(f"top_n is {top_n}: it must not be negative.")
    limits = Limits(max_length=max_length, max_query_tokens=max_query_length)
    scores = [one.score for one in scorer.score(query, documents, limits=limits).scored]
    ranked = [RankedDocument(i, scores[i], documents[i]) for i in order(scores)]
    return ranked[: top_n or None]


def compute_score(
    scorer: Scorer, pairs: Sequence[tuple[str, str]] | tuple[str, str], max_length: int = WINDOW
) -> list[float]:
    """The normalised score of each (query, document) pair, in order; a single pair gives a list of one.

    Pairs that share a query are scored together. Unlike the published function, which cuts a document at `max_length`,
    a longer one is read in windows, so that the scores are those of `rerank`.

    Raises:
        BadInput: no pairs, or something that is not a pair of texts.
    """
    groups: dict[str, list[tuple[int, str]]] = {}
    listed = _pairs(pairs)
    for place, (query, document) in enumerate(listed):
        groups.setdefault(query, []).append((place, document))
    limits = Limits(max_length=max_length, max_query_tokens=min(MAX_QUERY_TOKENS, max(1, max_length // 2)))
    scores = [0.0] * len(listed)
    for query, members in groups.items():
        scoring = scorer.score(query, [document for _, document in members], limits=limits)
        for (place, _), one in zip(members, scoring.scored, strict=True):
            scores[place] = one.score
    return scores


def _pairs(pairs: Sequence[tuple[str, str]] | tuple[str, str]) -> list[tuple[str, str]]:
    if isinstance(pairs, str) or not pairs:
        raise BadInput("There are no pairs to score: pass a list of (query, document).")
    found = [pairs] if len(pairs) == 2 and all(isinstance(one, str) for one in pairs) else list(pairs)  # noqa: PLR2004 - a pair is two
    listed: list[tuple[str, str]] = []
    for place, pair in enumerate(found):
        match pair:
            case [str() as query, str() as document]:
                listed.append((query, document))
            case _:
                raise BadInput(f"Pair {place} must be two texts: (query, document).")
    return listed
