"""A cheap scorer over all passages, a strong one over the best of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from rerank.base import BaseScorer, check
from rerank.errors import BadInput
from rerank.models.running import Cancel, KnowsVocabulary, Progress, Runtime
from rerank.ranking import order
from rerank.scorer import NO_LIMITS, Limits, ScoreContract, Scored, Scorer, Scoring, Span

BEST = 30
"""How many passages the strong scorer reads where nothing else is asked for."""
_MIDDLE = 0.5
_BELOW = 1 - 1e-9
"""Keeps the best score of the cheap stage under the worst of the strong one."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """Maps one stage's scores onto its half of [0, 1], keeping their order."""

    low: float
    high: float
    strong: bool

    def __call__(self, score: float) -> float:
        share = (min(max(score, self.low), self.high) - self.low) / ((self.high - self.low) or 1.0)
        return _MIDDLE + share / 2 if self.strong else share / 2 * _BELOW

    def span(self, span: Span | None) -> Span | None:
        """The span with its score mapped."""
        return replace(span, score=self(span.score)) if span else None


class CascadeScorer(BaseScorer):
    """Two scorers in a row.

    The score of a passage that the strong scorer read is 0.5 or more, that of every other passage is less: whoever
    sees a score sees which stage gave it, and the order of scores is the order of ranks. `logit` is the raw output of
    the stage that decided.
    """

    def __init__(self, cheap: Scorer, strong: Scorer, best: int = BEST) -> None:
        if best < 1:
            raise BadInput(f"A cascade over the best {best}: it must be at least 1.")
        self._cheap, self._strong, self._best = cheap, strong, best

    @property
    def name(self) -> str:
        """Both names and how many passages the second one reads."""
        return f"cascade:{self._cheap.name}>{self._strong.name}@{self._best}"

    @property
    def contract(self) -> ScoreContract:
        """Upper half: the strong scorer's scores; lower half: the cheap one's."""
        strong = self._strong.contract
        licences = dict.fromkeys((self._cheap.contract.licence, strong.licence))
        return ScoreContract(
            kind="cascade",
            low=0.0,
            high=1.0,
            normalisation=f"0.5 to 1: {self._strong.name}; below 0.5: {self._cheap.name}, not read by the former",
            native_window=strong.native_window,
            long_documents=f"{self._cheap.name}: {self._cheap.contract.long_documents}; "
            f"{self._strong.name}: {strong.long_documents}",
            cutoff=None if strong.cutoff is None else _scale(strong, (), strong=True)(strong.cutoff),
            licence=", ".join(licences),
            list_relative=True,
        )

    @property
    def runtime(self) -> Runtime:
        """The strong scorer's, with the cheap one's device in the reason."""
        cheap, strong = self._cheap.runtime, self._strong.runtime
        return replace(strong, reason=f"{strong.reason}; before it {self._cheap.name} on {cheap.device}, {cheap.dtype}")

    def score(
        self,
        query: str,
        passages: Sequence[str],
        *,
        limits: Limits = NO_LIMITS,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Scoring:
        """One `Scored` per passage, in input order; `notes` say how many each stage decided."""
        check(query, passages)
        count, best = len(passages), min(self._best, len(passages))

        def report(before: int, share: int) -> Progress | None:
            """Progress within one stage as progress of the whole; stages leave out what they have in their caches."""
            if progress is None:
                return None
            return lambda done, of: progress(before + share * done // max(of, 1), count + best)

        first = self._cheap.score(query, passages, limits=limits, progress=report(0, count), cancel=cancel)
        chosen = order([one.score for one in first.scored])[:best]
        second = self._strong.score(
            query, [passages[i] for i in chosen], limits=limits, progress=report(count, best), cancel=cancel
        )
        if progress:
            progress(count + best, count + best)
        decided = dict(zip(chosen, second.scored, strict=True))
        rest = [one.score for i, one in enumerate(first.scored) if i not in decided]
        low = _scale(self._cheap.contract, rest, strong=False)
        high = _scale(self._strong.contract, [one.score for one in second.scored], strong=True)
        scored = tuple(
            _mapped(decided[i], high, cached=decided[i].cached and one.cached) if i in decided else _mapped(one, low)
            for i, one in enumerate(first.scored)
        )
        left = (f"{best} of {count} passages were read by {self._strong.name}; the others score below 0.5.",)
        return Scoring(
            scored,
            first.seconds + second.seconds,
            f"{first.model} > {second.model}",
            query_tokens=second.query_tokens,
            query_truncated=second.query_truncated,
            notes=tuple(dict.fromkeys((*(left if rest else ()), *first.notes, *second.notes))),
            stages=((self._cheap.name, first.seconds), (self._strong.name, second.seconds)),
        )

    def spans(self, query: str, passages: Sequence[str]) -> tuple[tuple[Span, ...], ...]:
        """The strong scorer's sentences, on the upper half of the scale."""
        spans = self._strong.spans(query, passages)
        scale = _scale(self._strong.contract, [span.score for own in spans for span in own], strong=True)
        return tuple(tuple(replace(span, score=scale(span.score)) for span in own) for own in spans)

    def vocabularies(self) -> tuple[Collection[str], ...]:
        """The pieces that each of the two models knows, where it says so."""
        both = (one for one in (self._cheap, self._strong) if isinstance(one, KnowsVocabulary))
        return tuple(pieces for one in both for pieces in one.vocabularies())

    def release(self) -> None:
        """Give the memory of both back."""
        self._cheap.release()
        self._strong.release()


def _scale(contract: ScoreContract, scores: Sequence[float], *, strong: bool) -> _Scale:
    """The contract's range, widened where a server left it, so that no two scores are clamped to one."""
    return _Scale(min([contract.low, *scores]), max([contract.high, *scores]), strong)


def _mapped(one: Scored, scale: _Scale, *, cached: bool | None = None) -> Scored:
    return replace(
        one,
        score=scale(one.score),
        window=scale.span(one.window),
        cached=one.cached if cached is None else cached,
    )
