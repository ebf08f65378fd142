"""Pointwise cross-encoders: query and passage read together, one logit per window."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from rerank.base import check, clean, distinct, require_finite, room
from rerank.encoder_scorer import EncoderScorer, Forward, shares, shortened, truncation
from rerank.errors import BadCheckpoint
from rerank.loading import DEFAULT, Loading
from rerank.models.checkpoint import Checkpoint, read, require_vocabulary, weight_files
from rerank.models.device import Placement, choose
from rerank.models.encoder import Encoder, Tokens
from rerank.models.running import Cancel, Progress
from rerank.models.tokens import Piece, Tokeniser
from rerank.pointwise.contract import pointwise
from rerank.pointwise.pairs import PairWindow, pair_windows, read_query
from rerank.scorer import NO_LIMITS, Limits, Profile, ScoreContract, Scored, Scoring, Span
from rerank.scores_cache import text_key
from rerank.windows import combine, winner

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class _Call:
    """One query with its passages, ready for the model."""

    query: str
    passages: Sequence[str]
    asked: Piece
    notes: tuple[str, ...]
    kept: list[Scored | None]
    """Scores that are known already."""
    todo: list[int]
    """Places of the passages that are not."""
    same: list[int]
    """For each of those, which of the distinct pieces it is."""
    pieces: Sequence[Piece]
    inputs: list[PairWindow]

    @property
    def size(self) -> int:
        """Tokens that the model reads for it."""
        return sum(len(one.tokens) for one in self.inputs)


class PairModel(Forward, Protocol):
    """A model with one output for a query and a passage."""

    def logits(self, texts: Sequence[Tokens]) -> Tensor:
        """The raw output for each text, (n,) fp32 on the CPU."""
        ...


class CrossEncoderScorer(EncoderScorer[PairModel]):
    """Scores with a sequence classifier of one label."""

    def __init__(
        self, folder: Path, name: str, loading: Loading, *, placement: Placement, contract: ScoreContract
    ) -> None:
        weight_files(folder, allow_pickle=loading.allow_pickle)
        super().__init__(folder, name, loading, placement=placement, contract=contract, reader=Tokeniser(folder))
        self._cache = loading.scores
        self._frame = self._reader.pair()

    @classmethod
    def open(cls, folder: Path, name: str, loading: Loading = DEFAULT, profile: Profile | None = None) -> Self:
        """The scorer over the model in `folder`, its weights read and checked.

        Args:
            folder: `config.json`, `tokenizer.json` and safetensors weights in any layout of `rerank.models.layouts`.
            name: what to call it.
            loading: how.
            profile: what is known better than the folder says.

        Raises:
            BadCheckpoint: the folder is incomplete, corrupt, or no reranker.
            BadInput: a device, dtype or kernel that cannot be had.
        """
        placement = choose(loading.device, loading.dtype, loading.kernel)
        contract = pointwise(folder, loading.max_window, profile)
        scorer = cls(folder, name, loading, placement=placement, contract=contract)
        scorer._warm()
        return scorer

    def score_many(
        self,
        calls: Sequence[tuple[str, Sequence[str]]],
        *,
        limits: Limits = NO_LIMITS,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> list[Scoring]:
        """One `Scoring` per (query, passages), in order: the pairs of all of them share their batches.

        The seconds of the shared work are divided by tokens; a note about a halved batch goes to every call.

        Raises:
            BadInput: one of the calls cannot be scored; the others are not scored either.
        """
        began = time.perf_counter()
        prepared = [self._prepare(query, passages, limits) for query, passages in calls]
        inputs = [one.tokens for call in prepared for one in call.inputs]
        tokenised = time.perf_counter()
        logits, notes = self._compute(
            inputs, lambda encoder, batch: _finite(encoder.logits(batch), self._name), progress, cancel
        )
        spent = tokenised - began, time.perf_counter() - tokenised
        scorings, at = [], 0
        for call, part in zip(prepared, shares([call.size for call in prepared]), strict=True):
            own = logits[at : at + len(call.inputs)]
            at += len(call.inputs)
            scorings.append(self._finish(call, own, limits, (spent[0] * part, spent[1] * part), notes))
        return scorings

    def _prepare(self, query: str, passages: Sequence[str], limits: Limits) -> _Call:
        check(query, passages)
        width, allowance = room(limits, self._contract.native_window)
        asked = read_query(self._reader, query, limits, allowance)
        why = "" if allowance >= limits.max_query_tokens else f" (half of the model's window of {width})"
        notes = shortened(asked, why)
        kept = self._kept(query, passages, limits)
        todo = [place for place, one in enumerate(kept) if one is None]
        texts = [clean(passages[place]) for place in todo]
        firsts, same = distinct(texts)
        pieces = self._reader.read([texts[place] for place in firsts], limits.max_document_tokens)
        inputs = pair_windows(self._frame, asked, pieces, width, limits.overlap_tokens)
        return _Call(query, passages, asked, notes, kept, todo, same, pieces, inputs)

    def _finish(
        self, call: _Call, logits: list[float], limits: Limits, spent: tuple[float, float], notes: tuple[str, ...]
    ) -> Scoring:
        once = _documents(call.inputs, logits, call.pieces, limits)
        fresh = [once[place] for place in call.same]
        kept = list(call.kept)
        for place, one in zip(call.todo, fresh, strict=True):
            kept[place] = one
        if self._cache is not None and call.todo:
            keys = [text_key(call.passages[place]) for place in call.todo]
            self._cache.put_many(self._key(limits), call.query, keys, fresh)
        scored = tuple(one for one in kept if one is not None)
        return Scoring(
            scored=scored,
            seconds=sum(spent),
            model=self.model,
            query_tokens=len(call.asked),
            query_truncated=call.asked.truncated,
            notes=(*call.notes, *notes, *truncation(scored)),
            stages=(("tokenise", spent[0]), ("score", spent[1])),
        )

    def _kept(self, query: str, passages: Sequence[str], limits: Limits) -> list[Scored | None]:
        if self._cache is None:
            return [None] * len(passages)
        return self._cache.get_many(self._key(limits), query, [text_key(passage) for passage in passages])

    def _key(self, limits: Limits) -> str:
        """Everything but the texts that a score depends on."""
        return f"{self.model} {self._placement.number} {self._contract.native_window} {limits}"

    def _load(self, folder: Path) -> PairModel:
        checkpoint = read(folder, allow_pickle=self._loading.allow_pickle)
        _check_head(checkpoint)
        require_vocabulary(checkpoint, self._reader.tokenizer.get_vocab_size())
        return Encoder(checkpoint, self._placement)


def sigmoid(logit: float) -> float:
    """1 / (1 + e^-logit), without overflow at either end."""
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    small = math.exp(logit)
    return small / (1.0 + small)


def _finite(logits: Tensor, name: str) -> list[float]:
    values: list[float] = logits.tolist()
    require_finite(values, name)
    return values


def _documents(
    inputs: Sequence[PairWindow], logits: Sequence[float], pieces: Sequence[Piece], limits: Limits
) -> list[Scored]:
    """The windows' logits brought together by passage."""
    groups: list[list[int]] = [[] for _ in pieces]
    for index, one in enumerate(inputs):
        groups[one.passage].append(index)
    scored: list[Scored] = []
    for piece, group in zip(pieces, groups, strict=True):
        own = [logits[index] for index in group]
        best = None
        if len(group) > 1:
            at = winner(own)
            start, end = piece.stretch(inputs[group[at]].start, inputs[group[at]].end)
            best = Span(start, end, sigmoid(own[at]))
        logit = combine(own, limits.long_documents)
        score = combine([sigmoid(one) for one in own], limits.long_documents)
        scored.append(Scored(logit, score, best, tokens=len(piece), truncated=piece.truncated))
    return scored


def _check_head(checkpoint: Checkpoint) -> None:
    if checkpoint.layout.head is None:
        raise BadCheckpoint(
            f"{checkpoint.folder} has no classifier head: it is an embedding model, use it for late interaction."
        )
