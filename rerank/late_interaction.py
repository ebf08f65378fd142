"""Late interaction: passages as kept token vectors, so that a query costs one product and no forward over passages.

The vectors of special tokens and of punctuation take part. Zero-shot MiniLM on TREC DL19 (BM25 top 100, nDCG@10): .657
with both; .653 without specials, .651 without punctuation as well.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import linear, normalize

from rerank.base import BaseScorer, check, clean, require_finite, room, stop_if
from rerank.batching import run
from rerank.cache import Packed, VectorCache, pack, text_key
from rerank.checkpoint import read, read_config, read_json, revision, weight_files
from rerank.crew import Crew
from rerank.cross_encoder import default_budget, truncation
from rerank.device import Placement, choose, free
from rerank.encoder import Encoder, Tokens
from rerank.errors import BadCheckpoint
from rerank.held import Held
from rerank.maxsim import maxima, similarities
from rerank.scorer import Aligned, Cancel, Limits, Progress, Runtime, ScoreContract, Scored, Scoring, Span
from rerank.sentences import sentences
from rerank.shared import base_folder, query_weights
from rerank.text import Piece, Reader
from rerank.windows import combine, windows, winner

_IDLE_SECONDS = 15 * 60.0
_MEMORY = 256 << 20
"""Bytes of token vectors kept where no cache was passed: about 4,000 passages of 160 tokens of 384 int8."""
_LAYOUTS = 10_000
"""Long passages whose windows are remembered."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a passage's kept vectors lie."""

    tokens: int
    truncated: int
    sizes: tuple[int, ...]
    """Tokens of each window, without specials."""
    stretches: tuple[tuple[int, int], ...]
    """Code points of each window, where there are several."""


class LateInteractionScorer(BaseScorer):
    """MaxSim over the token vectors of an encoder; several threads may call it, they take turns on the model."""

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
        idle_seconds: float | None = _IDLE_SECONDS,
    ) -> None:
        self._name = name
        self._contract = contract
        self._placement = placement
        self._vectors = vectors if vectors is not None else VectorCache(_MEMORY)
        self._budget = token_budget or default_budget(placement)
        self._crew = Crew(placement.device)
        self._layouts_kept: dict[tuple[str, str], _Layout] = {}
        config = read_config(folder)
        self._reader = Reader(base_folder(folder, config))
        self._weights = query_weights(folder, config)
        self._frame = self._reader.single()
        self._projection = _projection(folder)
        self._revision = revision((*weight_files(folder, allow_pickle=allow_pickle), *_dense(folder)))
        self._model = Held(lambda: Encoder(read(folder, allow_pickle=allow_pickle), placement), idle_seconds)

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
        idle_seconds: float | None = _IDLE_SECONDS,
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
            contract=_contract(folder, max_window, contract_overrides or {}),
            vectors=vectors,
            allow_pickle=allow_pickle,
            token_budget=token_budget,
            idle_seconds=idle_seconds,
        )
        with scorer._model.lend() as encoder:
            native = min(scorer._contract.native_window, encoder.shape.window)
        scorer._contract = replace(scorer._contract, native_window=native)
        return scorer

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

    def release(self) -> None:
        """Give the memory back; the next call loads the model again. Kept token vectors stay."""
        self._model.release()
        free(self._placement.device)

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
        packed, fresh, notes = self._passages(passages, limits, progress, cancel)
        ready = time.perf_counter()
        stop_if(cancel)
        layouts = self._layouts(passages, packed, limits)
        sizes = [size + self._frame.specials for one in layouts for size in one.sizes]
        best = maxima(similarities(vectors, packed), sizes)
        if self._weights is not None:
            best *= self._weights(vectors)
        sums: list[float] = best.sum(axis=1, dtype=np.float64).tolist()
        scored: list[Scored] = []
        for place, one in enumerate(layouts):
            own, sums = sums[: len(one.sizes)], sums[len(one.sizes) :]
            scored.append(_scored(own, len(vectors), one, limits, cached=place not in fresh))
        require_finite((one.logit for one in scored), self._name)
        if asked.truncated:
            notes.append(f"The query was cut to its first {len(asked)} tokens; {asked.truncated} were not read.")
        notes += truncation(scored)
        done = time.perf_counter()
        return Scoring(
            scored=tuple(scored),
            seconds=done - began,
            model=self.model,
            query_tokens=len(asked),
            query_truncated=asked.truncated,
            notes=tuple(notes),
            stages=(("query", encoded - began), ("passages", ready - encoded), ("match", done - ready)),
        )

    def spans(self, query: str, passage: str) -> tuple[Span, ...]:
        """Each sentence with the mean of the token maxima within it, from the vectors that scored the passage."""
        check(query, [passage])
        limits = Limits()
        _, vectors = self._query(query, limits)
        similar, places = self._similar(vectors, passage, limits)  # (q, T), T spans of code points
        found: list[Span] = []
        for start, end in sentences(passage):
            inside = [at for at, place in enumerate(places) if place[0] >= start and place[1] <= end]
            value = float(similar[:, inside].max(axis=1).mean()) if inside else 0.0
            found.append(Span(start, end, _score(value)))
        return tuple(found)

    def align(self, query: str, passage: str) -> tuple[Aligned, ...]:
        """Each query token with the passage token that answers it best, in query order; empty for a blank passage."""
        check(query, [passage])
        limits = Limits()
        asked, vectors = self._query(query, limits)
        similar, places = self._similar(vectors, passage, limits)
        if not similar.shape[1]:
            return ()
        best = similar.argmax(axis=1)
        words = self._reader.words(asked.ids)
        return tuple(
            Aligned(word, passage[start:end], start, end, float(row[at]))
            for word, row, at in zip(words, similar, best.tolist(), strict=True)
            for start, end in [places[at]]
        )

    def _query(self, query: str, limits: Limits) -> tuple[Piece, NDArray[np.float32]]:
        """The query's tokens, and their unit vectors with those of the specials around them, (q, d)."""
        width, allowance = room(limits, self._contract.native_window)
        most = max(1, min(allowance, width) - self._frame.specials)
        asked = self._reader.read([clean(query)], most)[0]
        with self._model.lend() as encoder:
            return asked, self._encode(encoder, [self._frame.join(asked.ids)])[0]

    def _similar(
        self, vectors: NDArray[np.float32], passage: str, limits: Limits
    ) -> tuple[NDArray[np.float32], list[tuple[int, int]]]:
        """The similarities of the real tokens, (q, T), and the code points of the passage's T tokens."""
        packed, _, _ = self._passages([passage], limits, None, None)
        piece = self._reader.read([clean(passage)], limits.max_document_tokens)[0]
        before, after = len(self._frame.before), len(self._frame.after)
        real: list[int] = []
        places: list[tuple[int, int]] = []
        at = 0
        for start, end in windows(len(piece), self._space(limits), limits.overlap_tokens):
            real += range(at + before, at + before + end - start)
            places += piece.offsets[start:end]
            at += before + end - start + after
        similar = similarities(vectors, packed)
        return similar[before : len(similar) - after, real], places

    def _passages(
        self, passages: Sequence[str], limits: Limits, progress: Progress | None, cancel: Cancel | None
    ) -> tuple[list[Packed], set[int], list[str]]:
        """Token vectors of each passage, all its windows one after another; which were computed now; notes."""
        keys = [text_key(passage) for passage in passages]
        model = self._key(limits)
        kept = self._vectors.get_packed(model, keys)
        fresh = {place for place, one in enumerate(kept) if one is None}
        first = {keys[place]: place for place in sorted(fresh, reverse=True)}  # equal passages are encoded once
        todo = sorted(first.values())
        notes: list[str] = []
        made: dict[str, Packed] = {}
        if todo:
            pieces = self._reader.read([clean(passages[place]) for place in todo], limits.max_document_tokens)
            space = self._space(limits)
            inputs = [
                (number, self._frame.join(piece.ids[start:end]))
                for number, piece in enumerate(pieces)
                for start, end in windows(len(piece), space, limits.overlap_tokens)
            ]
            with self._model.lend() as encoder:
                outcome = run(
                    [len(tokens) for _, tokens in inputs],
                    self._budget,
                    lambda batch: self._encode(encoder, [inputs[index][1] for index in batch]),
                    crew=self._crew,
                    padded=self._placement.padded,
                    progress=progress,
                    cancel=cancel,
                    forget=lambda: free(self._placement.device),
                )
            self._budget = min(self._budget, outcome.budget)
            notes += outcome.notes
            groups: list[list[NDArray[np.float32]]] = [[] for _ in todo]
            for (number, _), vectors in zip(inputs, outcome.results, strict=True):
                groups[number].append(vectors)
            together = [np.concatenate(group) for group in groups]
            self._vectors.put_many(model, [keys[place] for place in todo], together)
            made = {keys[place]: pack(vectors) for place, vectors in zip(todo, together, strict=True)}
        return [one if one is not None else made[key] for key, one in zip(keys, kept, strict=True)], fresh, notes

    def _layouts(self, passages: Sequence[str], packed: Sequence[Packed], limits: Limits) -> list[_Layout]:
        """Each passage's windows; only one that needs several, or may have been cut, is tokenised, and only once."""
        space = self._space(limits)
        bound = min(space + 1, limits.max_document_tokens)
        lengths = [len(one.codes) - self._frame.specials for one in packed]
        known = {place: (self._key(limits), text_key(passages[place])) for place, n in enumerate(lengths) if n >= bound}
        unknown = [place for place, key in known.items() if key not in self._layouts_kept]
        pieces = self._reader.read([clean(passages[place]) for place in unknown], limits.max_document_tokens)
        for place, piece in zip(unknown, pieces, strict=True):
            cuts = windows(len(piece), space, limits.overlap_tokens)
            stretches = tuple(piece.stretch(start, end) for start, end in cuts)
            sizes = tuple(end - start for start, end in cuts)
            self._layouts_kept[known[place]] = _Layout(len(piece), piece.truncated, sizes, stretches)
        found = [
            self._layouts_kept[known[place]] if place in known else _Layout(length, 0, (length,), ())
            for place, length in enumerate(lengths)
        ]
        if len(self._layouts_kept) > _LAYOUTS:
            self._layouts_kept.clear()
        return found

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

    def _space(self, limits: Limits) -> int:
        return room(limits, self._contract.native_window)[0] - self._frame.specials

    def _key(self, limits: Limits) -> str:
        """Everything but the text that a passage's vectors depend on."""
        parts = (self._space(limits), limits.overlap_tokens, limits.max_document_tokens)
        return f"{self.model} {self._placement.number} {' '.join(map(str, parts))}"


def _scored(sums: Sequence[float], width: int, layout: _Layout, limits: Limits, *, cached: bool) -> Scored:
    """One passage from its windows' sums over `width` query tokens."""
    means = [_score(one / width) for one in sums]
    window = None
    if len(sums) > 1:
        best = winner(sums)
        window = Span(*layout.stretches[best], means[best])
    return Scored(
        logit=combine(sums, limits.long_documents),
        score=combine(means, limits.long_documents),
        window=window,
        tokens=layout.tokens,
        truncated=layout.truncated,
        cached=cached,
    )


def _score(mean: float) -> float:
    """A mean of cosines without the last bit of rounding beyond [-1, 1]."""
    return max(-1.0, min(1.0, mean))


def _projection(folder: Path) -> torch.Tensor | None:
    """The linear layer of a ColBERT-style folder, (out, H); None where there is none."""
    files = _dense(folder)
    if not files:
        return None
    from safetensors.torch import load_file

    weight = load_file(files[0]).get("linear.weight")
    if weight is None:
        raise BadCheckpoint(f"{files[0]} has no linear.weight: download or copy it again.")
    return weight.float()


def _dense(folder: Path) -> tuple[Path, ...]:
    file = folder / "1_Dense" / "model.safetensors"
    return (file,) if file.is_file() else ()


def _contract(folder: Path, max_window: int | None, overrides: Mapping[str, Any]) -> ScoreContract:
    config = read_config(folder)
    window = int(config.get("max_position_embeddings", 512))
    settings = base_folder(folder, config) / "sentence_bert_config.json"
    told = read_json(settings).get("max_seq_length") if settings.is_file() else None
    window = min(one for one in (window, told, max_window) if one)
    known: dict[str, Any] = {
        "kind": "late-interaction",
        "low": -1.0,
        "high": 1.0,
        "normalisation": "mean of token maxima",
        "native_window": window,
        "long_documents": "windows with overlap; the best window is the passage's score",
        "cutoff": None,
        "licence": "not stated",
    }
    return ScoreContract(**(known | dict(overrides)))
