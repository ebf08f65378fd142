"""Hand-built chunks, candidates and results for tests."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.chunk import Chunk, Hit, chunk_id
from rerank.scorer import Scored
from search import second
from search.result import Candidate, Result
from search.settings import SearchSettings


def candidate(rank: int, text: str | None = None, document: str | None = None) -> Candidate:
    """A candidate that both retrievers found at the same rank."""
    words = text if text is not None else f"passage {rank}"
    name = document or f"doc-{rank}.md"
    chunk = Chunk(chunk_id(name, 0, words), name, 0, 0, len(words), words)
    return Candidate(chunk, rank, 1 / (60 + rank), Hit(chunk.id, rank, 1.0 - rank / 100), Hit(chunk.id, rank, 10.0))


def result(scores: Sequence[float], settings: SearchSettings | None = None, blend: float = 0.0) -> Result:
    """A result over as many candidates as scores; candidate i has first-stage rank i + 1."""
    wanted = settings or SearchSettings(top_n=3)
    first = tuple(candidate(rank) for rank in range(1, len(scores) + 1))
    ranked = second.order(first, [Scored(logit=one, score=one) for one in scores], blend)
    cut, below = second.cut(ranked, wanted.cutoff)
    return Result("question", first, cut, {"total": 0.01}, wanted, "test scorer", "cpu", cut=below, blend=blend)
