"""What callers ask the worker for: a rerank call in slices, or one opaque task."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from rerank.models.running import Cancel
from rerank.scorer import Limits, Scored, Scorer, Scoring, Span

T = TypeVar("T")

CHARACTERS_PER_TOKEN = 4
"""English prose in the vocabularies of BERT and XLM-R; only used to size slices, never reported."""


@dataclass(frozen=True, slots=True)
class Part:
    """One query with its passages."""

    query: str
    passages: tuple[str, ...]

    def tokens(self, index: int) -> int:
        """Roughly how many tokens the pair of the query and that passage has; at least 1."""
        return 1 + (len(self.query) + len(self.passages[index])) // CHARACTERS_PER_TOKEN


@dataclass(frozen=True, slots=True)
class Slice:
    """Passages `start` to `end` of one part of a call."""

    part: int
    start: int
    end: int
    tokens: int


class Job(Generic[T]):
    """Something that a caller waits for."""

    def __init__(self, deadline: float) -> None:
        """Start the clock; `deadline` is in `time.monotonic()` seconds."""
        self.future: Future[T] = Future()
        self.future.set_running_or_notify_cancel()
        self.cancel = Cancel()
        self.deadline = deadline
        self.arrived = time.monotonic()

    @property
    def gone(self) -> bool:
        """True if nobody waits for the answer any more."""
        return bool(self.cancel) or time.monotonic() > self.deadline


class Task(Job[T]):
    """One piece of work that cannot be cut, such as a search or an embedding call."""

    def __init__(self, deadline: float, work: Callable[[Cancel], T]) -> None:
        super().__init__(deadline)
        self.work = work


@dataclass(frozen=True, slots=True)
class SpanWish:
    """Sentence scores asked for with a rerank call, for its best `top` documents."""

    top: int


@dataclass(frozen=True, slots=True)
class Scores:
    """What a rerank call gave: one `Scoring` per part, and the sentence scores by passage of the first part."""

    scorer: Scorer
    parts: tuple[Scoring, ...]
    spans: dict[int, tuple[Span, ...]]


@dataclass(slots=True)
class _Collected:
    """The outcomes of one part's slices so far, in order."""

    scorings: list[Scoring] = field(default_factory=list)

    def merged(self) -> Scoring:
        if len(self.scorings) == 1:
            return self.scorings[0]
        scored: list[Scored] = [one for scoring in self.scorings for one in scoring.scored]
        stages: dict[str, float] = {}
        for scoring in self.scorings:
            for name, seconds in scoring.stages:
                stages[name] = stages.get(name, 0.0) + seconds
        first = self.scorings[0]
        return Scoring(
            scored=tuple(scored),
            seconds=sum(one.seconds for one in self.scorings),
            model=first.model,
            query_tokens=first.query_tokens,
            query_truncated=first.query_truncated,
            notes=tuple(dict.fromkeys(note for one in self.scorings for note in one.notes)),
            stages=tuple(stages.items()),
        )


class RerankJob(Job[Scores]):
    """One caller's queries and passages, scored in slices so that a long call cannot hold up the short ones."""

    def __init__(
        self, deadline: float, scorer: str, parts: Sequence[Part], limits: Limits, spans: SpanWish | None = None
    ) -> None:
        super().__init__(deadline)
        self.scorer = scorer
        self.parts = tuple(parts)
        self.limits = limits
        self._wish = spans
        self._collected = [_Collected() for _ in self.parts]
        self._part = 0
        self._start = 0
        self._to_explain: list[int] | None = None
        self._spans: dict[int, tuple[Span, ...]] = {}

    def next_slice(self, budget: int, *, whole: bool) -> Slice | None:
        """The next slice of at most `budget` tokens (but one passage at least), or None if all are scored.

        `whole` keeps a part together: scores of listwise models depend on the other passages of the call.
        """
        if self._part >= len(self.parts):
            return None
        part = self.parts[self._part]
        end, tokens = self._start, 0
        while end < len(part.passages):
            size = part.tokens(end)
            if end > self._start and tokens + size > budget and not whole:
                break
            tokens += size
            end += 1
        return Slice(self._part, self._start, end, tokens)

    def take(self, one: Slice, scoring: Scoring) -> None:
        """Keep a slice's outcome and move on."""
        self._collected[one.part].scorings.append(scoring)
        self._start = one.end
        if one.end >= len(self.parts[one.part].passages):
            self._part, self._start = self._part + 1, 0

    def next_to_explain(self, budget: int) -> list[int]:
        """The passages of the first part whose sentences come next: at most `budget` tokens, one passage at least."""
        if self._wish is None:
            return []
        if self._to_explain is None:
            scored = self._collected[0].merged().scored
            best = sorted(range(len(scored)), key=lambda i: (-scored[i].score, i))
            self._to_explain = best[: self._wish.top]
        count, tokens = 0, 0
        for index in self._to_explain:
            tokens += self.parts[0].tokens(index)
            if count and tokens > budget:
                break
            count += 1
        return self._to_explain[:count]

    def explain(self, indices: Sequence[int], spans: Sequence[tuple[Span, ...]]) -> None:
        """Keep the sentence scores of the passages that `next_to_explain` named, and move on."""
        self._spans.update(zip(indices, spans, strict=True))
        self._to_explain = (self._to_explain or [])[len(indices) :]

    def outcome(self, scorer: Scorer) -> Scores:
        """Everything that was scored."""
        return Scores(scorer, tuple(one.merged() for one in self._collected), self._spans)
