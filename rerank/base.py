"""What every scorer does the same way: checking the input, pairs, ranking, sentences."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from rerank.errors import BadCheckpoint, BadInput, Cancelled
from rerank.models.running import Cancel, Progress, Runtime
from rerank.scorer import MAX_DOCUMENTS, MAX_QUERY_TOKENS, Limits, RankedDocument, ScoreContract, Scoring, Span
from rerank.sentences import at_most, sentences

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_DEFAULT_WINDOW = 1024


def clean(text: str) -> str:
    """The text as every tokenizer takes it, of the same length: offsets into it are offsets into the original.

    Lone surrogates become U+FFFD; control characters other than tab and line break become spaces.
    """
    return _SURROGATE.sub("\ufffd", _CONTROL.sub(" ", text))


def check(query: str, passages: Sequence[str]) -> None:
    """Nothing, if this can be scored. An empty passage can: it is scored as empty text.

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
    asked = limits.max_length if limits.max_length is not None else _DEFAULT_WINDOW
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
    """Nothing, unless the caller asked for a stop.

    Raises:
        Cancelled: the caller did.
    """
    if cancel:
        raise Cancelled("The scoring was cancelled.")


def require_finite(values: Iterable[float], model: str) -> None:
    """Nothing, if every value is a number.

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


def order(scores: Sequence[float]) -> list[int]:
    """Positions by descending score, ties by input order."""
    return sorted(range(len(scores)), key=lambda i: (-scores[i], i))


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
        limits: Limits = Limits(),  # noqa: B008 - frozen
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
        self, pairs: Sequence[tuple[str, str]] | tuple[str, str], max_length: int = _DEFAULT_WINDOW
    ) -> list[float]:
        """The normalised score of each (query, document) pair, in order; a single pair gives a list of one.

        Pairs that share a query are scored together. Unlike the published function, which cuts a document at
        `max_length`, a longer one is read in windows, so that the scores are those of `rerank`.

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
            scoring = self.score(query, [document for _, document in members], limits=limits)
            for (place, _), one in zip(members, scoring.scored, strict=True):
                scores[place] = one.score
        return scores

    def rerank(
        self,
        query: str,
        documents: Sequence[str],
        max_query_length: int = MAX_QUERY_TOKENS,
        max_length: int = _DEFAULT_WINDOW,
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
        scores = [one.score for one in self.score(query, documents, limits=limits).scored]
        ranked = [RankedDocument(i, scores[i], documents[i]) for i in order(scores)]
        return ranked[: top_n or None]


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
