"""Late interaction: passages as kept token vectors, so that a query costs one product and no forward over passages.

The vectors of special tokens and of punctuation take part. Zero-shot MiniLM on TREC DL19 (BM25 top 100, nDCG@10): .657
with both; .653 without specials, .651 without punctuation as well. With an encoder of sentences an answer that is close
together counts more (`rerank.late.maxsim.sums`); a model with a projection was trained for plain MaxSim and keeps it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import linear, normalize

from rerank.base import check, clean, require_finite, room, stop_if
from rerank.encoder_scorer import EncoderScorer, shares, shortened, truncation
from rerank.late.contract import late_interaction
from rerank.late.layout import PassageLayouts, token_places
from rerank.late.maxsim import STRETCH, similarities, sums
from rerank.late.projection import projection
from rerank.late.token_match import alignment, passage_score, sentence_spans
from rerank.loading import DEFAULT, Loading
from rerank.models.checkpoint import read, read_config, weight_files
from rerank.models.device import Placement, choose
from rerank.models.encoder import Encoder, Tokens
from rerank.models.held import Held
from rerank.models.revision import Revision
from rerank.models.running import Cancel, Progress
from rerank.models.tokens import Piece, Tokeniser
from rerank.models.trained_folder import base_folder, passage_folder, query_weights
from rerank.scorer import NO_LIMITS, Aligned, Limits, LongDocuments, Profile, ScoreContract, Scored, Scoring, Span
from rerank.scores_cache import text_key
from rerank.vectors_cache import Packed, VectorCache, pack
from rerank.windows import Cutting

_MEMORY = 256 << 20
"""Bytes of token vectors kept where no cache was passed: about 4,000 passages of 160 tokens of 384 int8."""


class LateInteractionScorer(EncoderScorer[Encoder]):
    """MaxSim over the token vectors of an encoder."""

    def __init__(
        self, folder: Path, name: str, loading: Loading, *, placement: Placement, contract: ScoreContract
    ) -> None:
        config = read_config(folder)
        weight_files(folder, allow_pickle=loading.allow_pickle)
        reader = Tokeniser(base_folder(folder, config))
        super().__init__(folder, name, loading, placement=placement, contract=contract, reader=reader)
        passages = passage_folder(folder, config)
        self._passage_model: Held[Encoder] | None = None
        self._passage_revision = str(self._revision)
        if passages != folder:
            revision = Revision(passages)
            self._passage_revision = str(revision)

            def make() -> Encoder:
                revision.require_same()
                return self._load(passages)

            self._passage_model = Held(make, loading.idle_seconds)
        self._vectors = loading.vectors if loading.vectors is not None else VectorCache(_MEMORY)
        self._frame = self._reader.single()
        self._layouts = PassageLayouts(self._reader)
        self._weights = query_weights(folder, config)
        self._projection = projection(folder)
        self._stretch = None if self._projection is not None else STRETCH
        self._scored: dict[tuple[str, Limits], tuple[Piece, NDArray[np.float32]]] = {}
        """Tokens and token vectors of the queries of the last call: their passages' sentences are asked for next."""

    @classmethod
    def open(cls, folder: Path, name: str, loading: Loading = DEFAULT, profile: Profile | None = None) -> Self:
        """The scorer over the encoder in `folder`, its weights read and checked.

        Args:
            folder: a BERT, XLM-R or JinaBERT encoder; a ColBERT-style `1_Dense` projection is used if it is there.
            name: what to call it.
            loading: how.
            profile: what is known better than the folder says.

        Raises:
            BadCheckpoint: the folder is incomplete or corrupt.
            BadInput: a device, dtype or kernel that cannot be had.
        """
        placement = choose(loading.device, loading.dtype, loading.kernel)
        contract = late_interaction(folder, loading.max_window, profile)
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
        """One `Scoring` per (query, passages), in order: all queries are encoded together, and all new passages.

        A passage that several calls share is encoded once. The seconds of the shared work are divided by tokens; a
        note about a halved batch goes to every call.

        Raises:
            BadInput: one of the calls cannot be scored; the others are not scored either.
        """
        for query, passages in calls:
            check(query, passages)
        cutting = self._cutting(limits)
        began = time.perf_counter()
        asked, vectors, halved = self._queries([query for query, _ in calls], limits, cancel)
        encoded = time.perf_counter()
        self._scored = {
            (query, limits): both for (query, _), both in zip(calls, zip(asked, vectors, strict=True), strict=True)
        }
        everything = [passage for _, passages in calls for passage in passages]
        packed, fresh, notes = self._passages(everything, cutting, progress, cancel)
        spent = encoded - began, time.perf_counter() - encoded
        notes = tuple(dict.fromkeys((*halved, *notes)))
        ends = list(accumulate(len(passages) for _, passages in calls))
        parts = [range(start, end) for start, end in pairwise([0, *ends])]
        asking = shares([len(one) for one in vectors])
        encoding = shares([sum(len(packed[place].codes) for place in part if place in fresh) for part in parts])
        scorings = []
        for at, part in enumerate(parts):
            stop_if(cancel)
            start = time.perf_counter()
            own = [packed[place] for place in part]
            cached = [place not in fresh for place in part]
            scored = self._match(vectors[at], calls[at][1], own, cached, cutting, limits.long_documents)
            steps = (
                ("query", spent[0] * asking[at]),
                ("passages", spent[1] * encoding[at]),
                ("match", time.perf_counter() - start),
            )
            scoring = Scoring(
                scored=scored,
                seconds=sum(seconds for _, seconds in steps),
                model=self.model,
                query_tokens=len(asked[at]),
                query_truncated=asked[at].truncated,
                notes=(*notes, *shortened(asked[at]), *truncation(scored)),
                stages=steps,
            )
            scorings.append(scoring)
        return scorings

    def spans(self, query: str, passages: Sequence[str]) -> tuple[tuple[Span, ...], ...]:
        """For each passage its sentences with the means of the token maxima within them, from its kept vectors.

        The query is encoded once, or not at all right after its passages were scored; of the passages only those are
        encoded whose token vectors are not kept.
        """
        if not passages:
            return ()
        check(query, passages)
        _, similar = self._similar(query, passages)
        return tuple(
            sentence_spans(own, passage, places) for (own, places), passage in zip(similar, passages, strict=True)
        )

    def align(self, query: str, passage: str) -> tuple[Aligned, ...]:
        """Each query token with the passage token that answers it best, in query order; empty for a blank passage."""
        check(query, [passage])
        asked, ((similar, places),) = self._similar(query, [passage])
        return alignment(similar, self._reader.words(asked.ids), passage, places)

    def _queries(
        self, queries: Sequence[str], limits: Limits, cancel: Cancel | None
    ) -> tuple[list[Piece], list[NDArray[np.float32]], tuple[str, ...]]:
        """Each query's tokens; their unit vectors with those of the specials around them, (q, d); notes."""
        width, allowance = room(limits, self._contract.native_window)
        most = max(1, min(allowance, width) - self._frame.specials)
        asked = self._reader.read([clean(query) for query in queries], most)
        vectors, notes = self._compute([self._frame.join(one.ids) for one in asked], self._encode, None, cancel)
        return asked, vectors, notes

    def _match(
        self,
        vectors: NDArray[np.float32],
        passages: Sequence[str],
        packed: Sequence[Packed],
        cached: Sequence[bool],
        cutting: Cutting,
        rule: LongDocuments,
    ) -> tuple[Scored, ...]:
        """What each passage gets from one query's token vectors, (q, d)."""
        lengths = [len(one.codes) - self._frame.specials for one in packed]
        layouts = self._layouts.of(self._key(cutting), passages, lengths, cutting)
        sizes = [size + self._frame.specials for one in layouts for size in one.sizes]
        similar = similarities(vectors, packed)
        if self._weights is not None:
            similar *= self._weights(vectors)[:, None]
        found: list[float] = sums(similar, sizes, self._stretch).tolist()
        scored: list[Scored] = []
        for layout, old in zip(layouts, cached, strict=True):
            own, found = found[: len(layout.sizes)], found[len(layout.sizes) :]
            scored.append(passage_score(own, len(vectors), layout, rule, cached=old))
        require_finite((one.logit for one in scored), self._name)
        return tuple(scored)

    def _similar(
        self, query: str, passages: Sequence[str]
    ) -> tuple[Piece, list[tuple[NDArray[np.float32], list[tuple[int, int]]]]]:
        """The query's tokens; for each passage the similarities of its T real tokens, (q, T), and their code points."""
        limits = NO_LIMITS
        cutting = self._cutting(limits)
        known = self._scored.get((query, limits))
        if known is None:
            (asked,), (vectors,), _ = self._queries([query], limits, None)
        else:
            asked, vectors = known
        packed, _, _ = self._passages(passages, cutting, None, None)
        pieces = self._reader.read([clean(passage) for passage in passages], cutting.limit)
        before, after = len(self._frame.before), len(self._frame.after)
        similar = similarities(vectors, packed)[before : len(vectors) - after]
        ends = np.cumsum([len(one.codes) for one in packed])
        found = []
        for own, piece in zip(np.split(similar, ends[:-1], axis=1), pieces, strict=True):
            real, places = token_places(piece, cutting.cuts(len(piece)), before, after)
            found.append((own[:, real], places))
        return asked, found

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
        results, notes = self._compute(
            [tokens for _, tokens in inputs], self._encode, progress, cancel, self._passage_model
        )
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

    @property
    def loaded(self) -> bool:
        """True while weights are in memory."""
        return super().loaded or (self._passage_model is not None and self._passage_model.present)

    def release(self) -> None:
        """Give the memory back; the next call loads the model again. What is cached stays."""
        if self._passage_model is not None:
            self._passage_model.release()
        super().release()

    def _warm(self) -> None:
        super()._warm()
        if self._passage_model is not None:
            with self._passage_model.lend():
                pass

    def _load(self, folder: Path) -> Encoder:
        return Encoder(read(folder, allow_pickle=self._loading.allow_pickle), self._placement)

    def _cutting(self, limits: Limits) -> Cutting:
        width, _ = room(limits, self._contract.native_window)
        return Cutting(width - self._frame.specials, limits.overlap_tokens, limits.max_document_tokens)

    def _key(self, cutting: Cutting) -> str:
        """Everything but the text that a passage's vectors depend on."""
        return f"{self._passage_revision} {self._placement.number} {cutting}"
