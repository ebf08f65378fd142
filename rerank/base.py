"""What every scorer does the same way: checking the input, pairs, ranking, sentences."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from rerank import ranking
from rerank.errors import BadCheckpoint, BadInput, Cancelled
from rerank.models.running import Cancel, Progress, Runtime
from rerank.ranking import WINDOW
from rerank.scorer import (
    MAX_DOCUMENTS,
    MAX_QUERY_TOKENS,
    NO_LIMITS,
    Limits,
    RankedDocument,
    ScoreContract,
    Scoring,
    Span,
)
from rerank.sentences import at_most, sentences

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """The text as every tokenizer takes it, of the same length: offsets into it are offsets into the original.

    Lone surrogates become U+FFFD; control characters other than tab and line break become spaces.
    """
    return _SURROGATE.sub("\ufffd", _CONTROL.sub(" ", text))


def check(query: str, passages: Sequence[str]) -> None:
    """Check that this can be scored. An empty passage can: it is scored as empty text.

    Raises:
        BadInput: no passages, more than `MAX_DOCUMENTS`, an empty query, or something that is not text.
    """
    if not isinstance(query, str):
        raise BadInput(f"The query must be text, not {type(query).__name__}.")
    if not clean(query).strip():
        raise BadInput("The query is empty: type what you are looking for.")
    if isinstance(passages, str):
        raise BadInput("The documents must be a list of texts, not one text.")
    if not passages:
        raise BadInput("There are no documents to score: pass at least one.")
    if len(passages) > MAX_DOCUMENTS:
        raise BadInput(f"{len(passages)} documents in one call: pass at most {MAX_DOCUMENTS}.")
    for place, passage in enumerate(passages):
        if not isinstance(passage, str):
            raise BadInput(f"Document {place} must be text, not {type(passage).__name__}.")


def room(limits: Limits, native: int) -> tuple[int, int]:
    """Tokens per window (specials included) and tokens of the query, for a model that reads `native` tokens at once.

    The query never gets more than half of the window: the rule `max_length >= 2 * max_query_length` of the published
    interface, kept also where the model's own window is the smaller one.

    Raises:
        BadInput: a limit that is not positive.
    """
    asked = limits.max_length if limits.max_length is not None else WINDOW
    for name, value in (
        ("max_length", asked),
        ("max_query_length", limits.max_query_tokens),
        ("max_document_tokens", limits.max_document_tokens),
    ):
        if value < 1:
            raise BadInput(f"{name} is {value}: it must be at least 1.")
    width = min(asked, native) if native else asked
    return width, max(1, min(limits.max_query_tokens, width // 2))


def stop_if(cancel: Cancel | None) -> None:
    """Stop here if the caller asked for it.

    Raises:
        Cancelled: the caller did.
    """
    if cancel:
        raise Cancelled("The scoring was cancelled.")


def require_finite(values: Iterable[float], model: str) -> None:
    """Check that every value is a number.

    Raises:
        BadCheckpoint: one is NaN or infinite, which only broken weights give.
    """
    if not all(map(math.isfinite, values)):
        raise BadCheckpoint(
            f"{model} gave a score that is not a finite number: its weights are damaged, get them again."
        )


def distinct(texts: Sequence[str]) -> tuple[list[int], list[int]]:
    """Where each different text comes first, and for every text the place of its equal in that list.

    Equal passages must get equal scores, to the last bit, or their order would depend on how batches were formed:
    they are computed once.
    """
    places: dict[str, int] = {}
    firsts: list[int] = []
    for place, text in enumerate(texts):
        if text not in places:
            places[text] = len(firsts)
            firsts.append(place)
    return firsts, [places[text] for text in texts]


class BaseScorer(ABC):
    """A scorer that only has to say how a query and passages are scored."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The profile name or path it was loaded by."""

    @property
    @abstractmethod
    def contract(self) -> ScoreContract:
        """What its scores mean."""

    @property
    @abstractmethod
    def runtime(self) -> Runtime:
        """Where and how it runs."""

    @abstractmethod
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

    @abstractmethod
    def release(self) -> None:
        """Give the memory back; the next call loads the model again."""

    def spans(self, query: str, passages: Sequence[str]) -> tuple[tuple[Span, ...], ...]:
        """For each passage its sentences with their own scores, in text order: here, sentences scored as passages.

        The sentences of all passages are one call, or as few as `MAX_DOCUMENTS` allows. A passage of more sentences
        than that has neighbours joined. A blank passage has no spans.
        """
        if not passages:
            return ()
        check(query, passages)
        places = [at_most(sentences(passage), MAX_DOCUMENTS) for passage in passages]
        texts = [passage[start:end] for passage, own in zip(passages, places, strict=True) for start, end in own]
        scores = [
            one.score
            for at in range(0, len(texts), MAX_DOCUMENTS)
            for one in self.score(query, texts[at : at + MAX_DOCUMENTS]).scored
        ]
        rest = iter(scores)
        return tuple(tuple(Span(start, end, next(rest)) for start, end in own) for own in places)

    def compute_score(
        self, pairs: Sequence[tuple[str, str]] | tuple[str, str], max_length: int = WINDOW
    ) -> list[float]:
        """The normalised score of each (query, document) pair, in order; see `rerank.ranking.compute_score`."""
        return ranking.compute_score(self, pairs, max_length)

    def rerank(
        self,
        query: str,
        documents: Sequence[str],
        max_query_length: int = MAX_QUERY_TOKENS,
        max_length: int = WINDOW,
        top_n: int | None = None,
    ) -> list[RankedDocument]:
        """The documents by descending score, ties by input order; see `rerank.ranking.rerank`."""
        return ranking.rerank(self, query, documents, max_query_length, max_length, top_n)
