"""What cross-encoders and late interaction share: one encoder on one device, lent to one thread at a time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from rerank.base import BaseScorer
from rerank.loading import Loading
from rerank.models.batching import default_budget, run
from rerank.models.crew import Crew
from rerank.models.device import Placement, free
from rerank.models.encoder import Tokens
from rerank.models.held import Held
from rerank.models.revision import Revision
from rerank.models.running import Cancel, Progress, Runtime
from rerank.models.tokens import Piece, Tokeniser
from rerank.scorer import NO_LIMITS, Limits, ScoreContract, Scored, Scoring

T = TypeVar("T")


class Forward(Protocol):
    """What a scorer needs of any model that it runs."""

    @property
    def window(self) -> int:
        """Most tokens that the model reads at once."""
        ...


M = TypeVar("M", bound=Forward)


class EncoderScorer(BaseScorer, Generic[M]):
    """A scorer over a model `M`. Several threads may call it; they take turns on the model."""

    def __init__(
        self,
        folder: Path,
        name: str,
        loading: Loading,
        *,
        placement: Placement,
        contract: ScoreContract,
        reader: Tokeniser,
    ) -> None:
        self._name = name
        self._contract = contract
        self._placement = placement
        self._loading = loading
        self._budget = loading.token_budget or default_budget(placement)
        self._crew = Crew(placement.device)
        self._reader = reader
        self._revision = Revision(folder)

        def make() -> M:
            self._revision.require_same()
            return self._load(folder)

        self._model = Held(make, loading.idle_seconds)

    @property
    def name(self) -> str:
        """The profile name or path it was loaded by."""
        return self._name

    @property
    def contract(self) -> ScoreContract:
        """What its scores mean."""
        return self._contract

    @property
    def runtime(self) -> Runtime:
        """Where and how it runs."""
        return self._placement.runtime

    @property
    def loaded(self) -> bool:
        """True while the weights are in memory."""
        return self._model.present

    @property
    def model(self) -> str:
        """Name and revision of what scores."""
        return f"{self._name}@{self._revision}"

    def vocabularies(self) -> tuple[Collection[str], ...]:
        """The pieces that the model knows: what tells which scripts it reads."""
        return (tuple(self._reader.tokenizer.get_vocab()),)

    def release(self) -> None:
        """Give the memory back; the next call loads the model again. What is cached stays."""
        self._model.release()
        free(self._placement.device)

    def score(
        self,
        query: str,
        passages: Sequence[str],
        *,
        limits: Limits = NO_LIMITS,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Scoring:
        """One `Scored` per passage, in input order; see `rerank.scorer.Scorer.score`."""
        return self.score_many([(query, passages)], limits=limits, progress=progress, cancel=cancel)[0]

    @abstractmethod
    def score_many(
        self,
        calls: Sequence[tuple[str, Sequence[str]]],
        *,
        limits: Limits = NO_LIMITS,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> list[Scoring]:
        """One `Scoring` per (query, passages), in order; what several calls share is computed once."""

    @abstractmethod
    def _load(self, folder: Path) -> M:
        """The model in `folder`, read and checked."""

    def _warm(self) -> None:
        """Load the weights, and state no window that they cannot read."""
        with self._model.lend() as encoder:
            native = min(self._contract.native_window, encoder.window)
        self._contract = replace(self._contract, native_window=native)

    def _compute(
        self,
        inputs: Sequence[Tokens],
        forward: Callable[[M, list[Tokens]], Sequence[T]],
        progress: Progress | None,
        cancel: Cancel | None,
        model: Held[M] | None = None,
    ) -> tuple[list[T], tuple[str, ...]]:
        """What `forward` gives for each input, in input order, and notes; a budget that had to shrink stays so.

        `model` computes, or the scorer's own where there is only one.
        """
        if not inputs:
            return [], ()
        with (model or self._model).lend() as encoder:
            outcome = run(
                [len(one) for one in inputs],
                self._budget,
                lambda batch: forward(encoder, [inputs[index] for index in batch]),
                crew=self._crew,
                padded=self._placement.padded,
                progress=progress,
                cancel=cancel,
                forget=lambda: free(self._placement.device),
            )
        self._budget = min(self._budget, outcome.budget)
        return outcome.results, outcome.notes


def shares(sizes: Sequence[int]) -> list[float]:
    """The part of each of several calls in what they did together, by tokens; equal parts where there were none."""
    together = sum(sizes)
    return [size / together if together else 1 / len(sizes) for size in sizes]


def shortened(asked: Piece, why: str = "") -> tuple[str, ...]:
    """A sentence about a query that was not read whole, if it was not; `why` follows the limit in it."""
    if not asked.truncated:
        return ()
    return (f"The query was cut to its first {len(asked)} tokens{why}; {asked.truncated} were not read.",)


def truncation(scored: Sequence[Scored]) -> list[str]:
    """A sentence about passages that were not read whole, if there are any."""
    cut = [one.truncated for one in scored if one.truncated]
    if not cut:
        return []
    return [f"{len(cut)} of {len(scored)} passages were cut at the document limit; {sum(cut)} tokens were not read."]
