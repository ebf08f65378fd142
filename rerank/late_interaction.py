"""Late interaction: passages as kept token vectors, so that a query costs one product and no forward over passages.

The vectors of special tokens and of punctuation take part. Zero-shot MiniLM on TREC DL19 (BM25 top 100, nDCG@10): .657
with both; .653 without specials, .651 without punctuation as well.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import linear, normalize

from rerank.base import check, clean, require_finite, room, stop_if
from rerank.cache import Packed, VectorCache, pack, text_key
from rerank.checkpoint import read, read_config, weight_files
from rerank.contracts import late_interaction
from rerank.device import Placement, choose
from rerank.encoder import Encoder, Tokens
from rerank.encoder_scorer import IDLE_SECONDS, EncoderScorer, shortened, truncation
from rerank.maxsim import maxima, similarities
from rerank.passage_layout import PassageLayouts
from rerank.projection import projection, projection_files
from rerank.scorer import Aligned, Cancel, Limits, Progress, ScoreContract, Scored, Scoring, Span
from rerank.shared import base_folder, query_weights
from rerank.text import Piece, Reader
from rerank.token_match import alignment, passage_score, sentence_spans
from rerank.windows import Cutting

_MEMORY = 256 << 20
"""Bytes of token vectors kept where no cache was passed: about 4,000 passages of 160 tokens of 384 int8."""


class LateInteractionScorer(EncoderScorer):
    """MaxSim over the token vectors of an encoder."""

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        placement: Placement,
        contract: ScoreContract,
        vectors: VectorCache | None = None,
        allow_pickle: bool = False,
        token_budget: int | None = None,
        idle_seconds: float | None = IDLE_SECONDS,
    ) -> None:
        config = read_config(folder)
        super().__init__(
            folder,
            (*weight_files(folder, allow_pickle=allow_pickle), *projection_files(folder)),
            Reader(base_folder(folder, config)),
            name=name,
            placement=placement,
            contract=contract,
            allow_pickle=allow_pickle,
            token_budget=token_budget,
            idle_seconds=idle_seconds,
        )
        self._vectors = vectors if vectors is not None else VectorCache(_MEMORY)
        self._frame = self._reader.single()
        self._layouts = PassageLayouts(self._reader)
        self._weights = query_weights(folder, config)
        self._projection = projection(folder)

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
        vectors: VectorCache | None = None,
        idle_seconds: float | None = IDLE_SECONDS,
    ) -> LateInteractionScorer:
        """A scorer over the encoder in `folder`, its weights read and checked.

        Args:
            folder: a BERT, XLM-R or JinaBERT encoder; a ColBERT-style `1_Dense` projection is used if it is there.
            name: what to call it.
            device: as for `CrossEncoderScorer.from_folder`, like all that follow.
            dtype: number type.
            kernel: attention kernel.
            contract_overrides: fields of `ScoreContract` that are known better than the folder says.
            max_window: most tokens per window.
            allow_pickle: read `pytorch_model.bin` where there are no safetensors.
            token_budget: tokens per batch.
            vectors: where token vectors are kept; None keeps some in memory.
            idle_seconds: unload after this long without a call; None never.

        Raises:
            BadCheckpoint: the folder is incomplete or corrupt.
            BadInput: a device, dtype or kernel that cannot be had.
        """
        scorer = cls(
            folder,
            name=name,
            placement=choose(device, dtype, kernel),
            contract=late_interaction(folder, max_window, contract_overrides or {}),
            vectors=vectors,
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
        began = time.perf_counter()
        check(query, passages)
        asked, vectors = self._query(query, limits)
        encoded = time.perf_counter()
        packed, fresh, notes = self._passages(passages, self._cutting(limits), progress, cancel)
        ready = time.perf_counter()
        stop_if(cancel)
        lengths = [len(one.codes) - self._frame.specials for one in packed]
        cutting = self._cutting(limits)
        layouts = self._layouts.of(self._key(cutting), passages, lengths, cutting)
        sizes = [size + self._frame.specials for one in layouts for size in one.sizes]
        best = maxima(similarities(vectors, packed), sizes)
        if self._weights is not None:
            best *= self._weights(vectors)
        sums: list[float] = best.sum(axis=1, dtype=np.float64).tolist()
        scored: list[Scored] = []
        for place, one in enumerate(layouts):
            own, sums = sums[: len(one.sizes)], sums[len(one.sizes) :]
            scored.append(passage_score(own, len(vectors), one, limits.long_documents, cached=place not in fresh))
        require_finite((one.logit for one in scored), self._name)
        done = time.perf_counter()
        return Scoring(
            scored=tuple(scored),
            seconds=done - began,
            model=self.model,
            query_tokens=len(asked),
            query_truncated=asked.truncated,
            notes=(*notes, *shortened(asked), *truncation(scored)),
            stages=(("query", encoded - began), ("passages", ready - encoded), ("match", done - ready)),
        )

    def spans(self, query: str, passage: str) -> tuple[Span, ...]:
        """Each sentence with the mean of the token maxima within it, from the vectors that scored the passage."""
        check(query, [passage])
        _, similar, places = self._similar(query, passage)
        return sentence_spans(similar, passage, places)

    def align(self, query: str, passage: str) -> tuple[Aligned, ...]:
        """Each query token with the passage token that answers it best, in query order; empty for a blank passage."""
        check(query, [passage])
        asked, similar, places = self._similar(query, passage)
        return alignment(similar, self._reader.words(asked.ids), passage, places)

    def _query(self, query: str, limits: Limits) -> tuple[Piece, NDArray[np.float32]]:
        """The query's tokens, and their unit vectors with those of the specials around them, (q, d)."""
        width, allowance = room(limits, self._contract.native_window)
        most = max(1, min(allowance, width) - self._frame.specials)
        asked = self._reader.read([clean(query)], most)[0]
        with self._model.lend() as encoder:
            return asked, self._encode(encoder, [self._frame.join(asked.ids)])[0]

    def _similar(self, query: str, passage: str) -> tuple[Piece, NDArray[np.float32], list[tuple[int, int]]]:
        """The query's tokens, the similarities of the real tokens, (q, T), and the code points of the passage's T."""
        limits = Limits()
        cutting = self._cutting(limits)
        asked, vectors = self._query(query, limits)
        packed, _, _ = self._passages([passage], cutting, None, None)
        piece = self._reader.read([clean(passage)], cutting.limit)[0]
        before, after = len(self._frame.before), len(self._frame.after)
        real: list[int] = []
        places: list[tuple[int, int]] = []
        at = 0
        for start, end in cutting.cuts(len(piece)):
            real += range(at + before, at + before + end - start)
            places += piece.offsets[start:end]
            at += before + end - start + after
        similar = similarities(vectors, packed)
        return asked, similar[before : len(similar) - after, real], places

    def _passages(
        self, passages: Sequence[str], cutting: Cutting, progress: Progress | None, cancel: Cancel | None
    ) -> tuple[list[Packed], set[int], tuple[str, ...]]:
        """Token vectors of each passage, all its windows one after another; which were computed now; notes."""
        keys = [text_key(passage) for passage in passages]
        model = self._key(cutting)
        kept = self._vectors.get_packed(model, keys)
        fresh = {place for place, one in enumerate(kept) if one is None}
        first = {keys[place]: place for place in sorted(fresh, reverse=True)}  # equal passages are encoded once
        todo = sorted(first.values())
        pieces = self._reader.read([clean(passages[place]) for place in todo], cutting.limit)
        inputs = [
            (number, self._frame.join(piece.ids[start:end]))
            for number, piece in enumerate(pieces)
            for start, end in cutting.cuts(len(piece))
        ]
        results, notes = self._compute([tokens for _, tokens in inputs], self._encode, progress, cancel)
        groups: list[list[NDArray[np.float32]]] = [[] for _ in todo]
        for (number, _), vectors in zip(inputs, results, strict=True):
            groups[number].append(vectors)
        together = [np.concatenate(group) for group in groups]
        if todo:
            self._vectors.put_many(model, [keys[place] for place in todo], together)
        made = {keys[place]: pack(vectors) for place, vectors in zip(todo, together, strict=True)}
        return [one if one is not None else made[key] for key, one in zip(keys, kept, strict=True)], fresh, notes

    def _encode(self, encoder: Encoder, texts: Sequence[Tokens]) -> list[NDArray[np.float32]]:
        """Unit vectors of the tokens, specials included, (tokens, d) each."""
        with torch.inference_mode():
            together = torch.cat(encoder.states(texts)).float()
            if self._projection is not None:
                together = linear(together, self._projection.to(together.device))
            unit = normalize(together, dim=1).cpu()
        vectors: NDArray[np.float32] = unit.numpy()
        require_finite([float(vectors.sum())], self._name)
        return np.split(vectors, np.cumsum([len(one) for one in texts])[:-1])

    def _load(self, folder: Path, *, allow_pickle: bool) -> Encoder:
        return Encoder(read(folder, allow_pickle=allow_pickle), self._placement)

    def _cutting(self, limits: Limits) -> Cutting:
        width, _ = room(limits, self._contract.native_window)
        return Cutting(width - self._frame.specials, limits.overlap_tokens, limits.max_document_tokens)

    def _key(self, cutting: Cutting) -> str:
        """Everything but the text that a passage's vectors depend on."""
        return f"{self.model} {self._placement.number} {cutting}"
