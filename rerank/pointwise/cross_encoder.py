"""Pointwise cross-encoders: query and passage read together, one logit per window."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rerank.base import check, clean, distinct, require_finite, room
from rerank.encoder_scorer import IDLE_SECONDS, EncoderScorer, shares, shortened, truncation
from rerank.errors import BadCheckpoint
from rerank.models.checkpoint import Checkpoint, read, require_vocabulary, weight_files
from rerank.models.device import Placement, choose
from rerank.models.encoder import Encoder, Tokens
from rerank.models.running import Cancel, Progress
from rerank.models.tokens import Piece, Tokeniser
from rerank.pointwise.contract import pointwise
from rerank.scorer import Limits, ScoreContract, Scored, Scoring, Span
from rerank.scores_cache import ScoreCache, text_key
from rerank.windows import combine, windows, winner

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class _Window:
    """One input of the model and where its passage part lies."""

    passage: int
    start: int
    end: int
    tokens: Tokens


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
    inputs: list[_Window]

    @property
    def size(self) -> int:
        """Tokens that the model reads for it."""
        return sum(len(one.tokens) for one in self.inputs)


class CrossEncoderScorer(EncoderScorer):
    """Scores with a sequence classifier of one label."""

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        placement: Placement,
        contract: ScoreContract,
        cache: ScoreCache | None = None,
        allow_pickle: bool = False,
        token_budget: int | None = None,
        idle_seconds: float | None = IDLE_SECONDS,
    ) -> None:
        weight_files(folder, allow_pickle=allow_pickle)
        super().__init__(
            folder,
            Tokeniser(folder),
            name=name,
            placement=placement,
            contract=contract,
            allow_pickle=allow_pickle,
            token_budget=token_budget,
            idle_seconds=idle_seconds,
        )
        self._cache = cache
        self._frame = self._reader.pair()

    @classmethod
    def from_folder(
        cls,
        folder: Path,
        *,
        name: str,
        device: str | None = None,
        dtype: str | None = None,
        kernel: str | None = None,
        contract_overrides: Mapping[str, Any] | None = None,
        max_window: int | None = None,
        allow_pickle: bool = False,
        token_budget: int | None = None,
        cache: ScoreCache | None = None,
        idle_seconds: float | None = IDLE_SECONDS,
    ) -> CrossEncoderScorer:
        """A scorer over the model in `folder`, its weights read and checked.

        Args:
            folder: `config.json`, `tokenizer.json` and safetensors weights in any layout of `rerank.models.layouts`.
            name: what to call it.
            device: "cpu", "cuda", "cuda:0", "mps", or None for the fastest.
            dtype: "fp32", "bf16", "fp16", "int8", or None for the fastest that keeps the ranking.
            kernel: "flash-attn", "torch varlen", "sdpa", or None for the fastest.
            contract_overrides: fields of `ScoreContract` that are known better than the folder says.
            max_window: most tokens per window, if fewer than the model could read.
            allow_pickle: read `pytorch_model.bin` where there are no safetensors.
            token_budget: tokens per batch; None for what the device takes well.
            cache: scores kept between calls.
            idle_seconds: unload after this long without a call; None never.

        Raises:
            BadCheckpoint: the folder is incomplete, corrupt, or no reranker.
            BadInput: a device, dtype or kernel that cannot be had.
        """
        placement = choose(device, dtype, kernel)
        scorer = cls(
            folder,
            name=name,
            placement=placement,
            contract=pointwise(folder, max_window, contract_overrides or {}),
            cache=cache,
            allow_pickle=allow_pickle,
            token_budget=token_budget,
            idle_seconds=idle_seconds,
        )
        scorer._warm()
        return scorer

    def score(
        self,
        query: str,
        passages: Sequence[str],
        *,
        limits: Limits = Limits(),  # noqa: B008  (frozen)
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Scoring:
        """One `Scored` per passage, in input order; see `rerank.scorer.Scorer.score`."""
        return self.score_many([(query, passages)], limits=limits, progress=progress, cancel=cancel)[0]

    def score_many(
        self,
        calls: Sequence[tuple[str, Sequence[str]]],
        *,
        limits: Limits = Limits(),  # noqa: B008  (frozen)
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
        asked, notes = self._query(clean(query), limits, width, allowance)
        kept = self._kept(query, passages, limits)
        todo = [place for place, one in enumerate(kept) if one is None]
        texts = [clean(passages[place]) for place in todo]
        firsts, same = distinct(texts)
        pieces = self._reader.read([texts[place] for place in firsts], limits.max_document_tokens)
        inputs = self._inputs(asked, pieces, width, limits)
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

    def readings(
        self,
        query: str,
        passages: Sequence[str],
        limits: Limits = Limits(),  # noqa: B008  (frozen)
    ) -> tuple[list[tuple[int, str, str]], list[int]]:
        """What the model would read: (passage, query as cut, text of the window) of each input, and its tokens."""
        width, allowance = room(limits, self._contract.native_window)
        clear = [clean(passage) for passage in passages]
        asked, _ = self._query(clean(query), limits, width, allowance)
        pieces = self._reader.read(clear, limits.max_document_tokens)
        inputs = self._inputs(asked, pieces, width, limits)
        head = clean(query)[slice(*asked.stretch(0, len(asked)))]
        texts = [
            (one.passage, head, clear[one.passage][slice(*pieces[one.passage].stretch(one.start, one.end))])
            for one in inputs
        ]
        return texts, [len(one.tokens) for one in inputs]

    def _query(self, query: str, limits: Limits, width: int, allowance: int) -> tuple[Piece, tuple[str, ...]]:
        """The query's tokens; as published, its limit counts the two specials that it would have alone."""
        most = max(1, min(limits.max_query_tokens, allowance) - 2)
        asked = self._reader.read([query], most)[0]
        why = "" if allowance >= limits.max_query_tokens else f" (half of the model's window of {width})"
        return asked, shortened(asked, why)

    def _inputs(self, asked: Piece, pieces: Sequence[Piece], width: int, limits: Limits) -> list[_Window]:
        space = width - len(asked) - self._frame.specials
        return [
            _Window(place, start, end, self._frame.join(asked.ids, piece.ids[start:end]))
            for place, piece in enumerate(pieces)
            for start, end in windows(len(piece), space, limits.overlap_tokens)
        ]

    def _kept(self, query: str, passages: Sequence[str], limits: Limits) -> list[Scored | None]:
        if self._cache is None:
            return [None] * len(passages)
        return self._cache.get_many(self._key(limits), query, [text_key(passage) for passage in passages])

    def _key(self, limits: Limits) -> str:
        """Everything but the texts that a score depends on."""
        return f"{self.model} {self._placement.number} {self._contract.native_window} {limits}"

    def _load(self, folder: Path, *, allow_pickle: bool) -> Encoder:
        checkpoint = read(folder, allow_pickle=allow_pickle)
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
    inputs: Sequence[_Window], logits: Sequence[float], pieces: Sequence[Piece], limits: Limits
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
