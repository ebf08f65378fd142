"""Listwise reranking: all passages and the query in one prompt, scored by cosine (arXiv 2509.25085)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from rerank.base import BaseScorer, check, clean, stop_if
from rerank.errors import BadInput, OutOfMemory
from rerank.listwise.model import ListwiseModel, load_listwise
from rerank.listwise.passes import PassageVectors, merge, passes
from rerank.listwise.prompt import prompt, without_markers
from rerank.loading import DEFAULT, Loading
from rerank.models.batching import short_of_memory
from rerank.models.checkpoint import weight_files
from rerank.models.device import Placement, choose, free
from rerank.models.held import Held
from rerank.models.revision import Revision
from rerank.models.running import Cancel, Progress, Runtime
from rerank.profiles import LISTWISE
from rerank.scorer import NO_LIMITS, Limits, Profile, ScoreContract, Scored, Scoring
from rerank.scores_cache import text_key

PASSAGES_PER_PASS = 64
"""The model card's figure; the published code goes up to 125."""
DOCUMENT_TOKENS = 2048
QUERY_TOKENS = 512
"""Limits of the published `rerank`."""
_JOINTS = 2
"""Tokens that joining a passage to the text around it can add."""


@dataclass(frozen=True, slots=True)
class _Text:
    text: str
    tokens: int
    truncated: int


class ListwiseScorer(BaseScorer):
    """A model of the jina-reranker-v3 shape; each score depends on the other passages of the call and their order."""

    def __init__(
        self, folder: Path, name: str, loading: Loading, *, placement: Placement, contract: ScoreContract
    ) -> None:
        self._name, self._placement, self._contract = name, placement, contract
        self._per_pass = PASSAGES_PER_PASS if loading.passages_per_pass is None else loading.passages_per_pass
        self._cache = loading.scores
        self._revision = Revision(folder)

        def make() -> ListwiseModel:
            self._revision.require_same()
            return load_listwise(folder, placement.device, placement.dtype)

        self._model = Held(make, loading.idle_seconds)

    @classmethod
    def open(cls, folder: Path, name: str, loading: Loading = DEFAULT, profile: Profile | None = None) -> Self:
        """The scorer over the model in `folder`, its weights loaded and checked; its contract is the profile's.

        Raises:
            BadCheckpoint: incomplete, damaged, or not of this shape.
            BadInput: a device, number type or kernel that this model cannot use here.
        """
        if loading.dtype == "int8":
            raise BadInput("int8 is not made for listwise models: use bf16 or fp32.")
        if loading.kernel not in (None, "auto", "sdpa"):
            raise BadInput(f"Listwise models read one sequence at a time: use the kernel sdpa, not {loading.kernel}.")
        if loading.passages_per_pass is not None and loading.passages_per_pass < 1:
            raise BadInput(f"{loading.passages_per_pass} passages per pass: there must be at least 1.")
        contract = LISTWISE if profile is None else profile.contract
        weight_files(folder)
        scorer = cls(folder, name, loading, placement=choose(loading.device, loading.dtype, "sdpa"), contract=contract)
        with scorer._model.lend() as model:
            scorer._contract = replace(contract, native_window=model.window)
        return scorer

    @property
    def name(self) -> str:
        """The profile name or path it was loaded by."""
        return self._name

    @property
    def contract(self) -> ScoreContract:
        """Cosines in [-1, 1], relative to the list."""
        return self._contract

    @property
    def runtime(self) -> Runtime:
        """Where and how it runs."""
        return self._placement.runtime

    def score(
        self,
        query: str,
        passages: Sequence[str],
        *,
        limits: Limits = NO_LIMITS,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Scoring:
        """One `Scored` per passage, in input order.

        Passages are read whole up to the smaller of `limits.max_document_tokens` and 2048 tokens; `max_length`,
        overlap and long-document rule do not apply, for there are no windows.
        """
        check(query, passages)
        stop_if(cancel)
        start = time.perf_counter()
        with self._model.lend() as model:
            asked, texts, room = self._cut(model, query, passages, limits)
            cut = time.perf_counter()
            keys = [text_key(one.text) for one in texts]
            whole = f"{self._name}@{self._revision} {self._placement.number} {room} {text_key(' '.join(keys))}"
            known = self._cache.get_many(whole, asked.text, keys) if self._cache is not None else []
            scored = [one for one in known if one is not None]
            notes = _notes(asked, texts)
            if len(scored) < len(texts):
                read = self._read(model, asked.text, texts, room, notes, progress, cancel)
                scored = [
                    Scored(value, value, tokens=one.tokens, truncated=one.truncated)
                    for value, one in zip(merge(read), texts, strict=True)
                ]
                if self._cache is not None:
                    self._cache.put_many(whole, asked.text, keys, scored)
            elif progress:
                progress(len(texts), len(texts))
        end = time.perf_counter()
        return Scoring(
            tuple(scored),
            end - start,
            f"{self._name}@{self._revision}",
            query_tokens=asked.tokens,
            query_truncated=asked.truncated,
            notes=tuple(notes),
            stages=(("tokenise", cut - start), ("score", end - cut)),
        )

    def release(self) -> None:
        """Give the memory back; the next call loads the model again."""
        self._model.release()
        free(self._placement.device)

    def _cut(
        self, model: ListwiseModel, query: str, passages: Sequence[str], limits: Limits
    ) -> tuple[_Text, list[_Text], tuple[int, int]]:
        """The texts within their limits, and (tokens for passages in a pass, tokens of the longest passage)."""
        most = min(limits.max_query_tokens, QUERY_TOKENS, model.window // 4)
        if most < 1 or limits.max_document_tokens < 1:
            raise BadInput("The limits for query and passages must be at least 1 token.")
        asked = _cut(model, query, most)
        frame = len(model.encode(prompt(asked.text, []))) + 2 * _JOINTS
        room = model.window - frame
        longest = min(limits.max_document_tokens, DOCUMENT_TOKENS, room - self._frame(model))
        if longest < 1:
            raise BadInput("The query leaves no room for a passage: shorten it.")
        return asked, [_cut(model, passage, longest) for passage in passages], (room, longest)

    def _frame(self, model: ListwiseModel) -> int:
        """Most tokens around a passage: its tags, its number and its marker."""
        tagged, bare = prompt("", ["", ""]), prompt("", [""])
        widest = len(model.encode(str(self._per_pass)))
        return len(model.encode(tagged)) - len(model.encode(bare)) + widest + _JOINTS

    def _read(
        self,
        model: ListwiseModel,
        query: str,
        texts: Sequence[_Text],
        room: tuple[int, int],
        notes: list[str],
        progress: Progress | None,
        cancel: Cancel | None,
    ) -> list[tuple[PassageVectors, PassageVectors]]:
        """Passage and query vectors of each pass; a pass that does not fit the device's memory is halved."""
        frame = self._frame(model)
        todo = passes([one.tokens + frame for one in texts], room[0], self._per_pass, room[1] + frame)
        todo.reverse()
        read: list[tuple[PassageVectors, PassageVectors]] = []
        while todo:
            stop_if(cancel)
            start, end = todo.pop()
            ids = model.encode(prompt(query, [one.text for one in texts[start:end]]))
            if len(ids) > model.window:
                raise BadInput(f"A prompt of {len(ids)} tokens exceeds {model.window}: lower max_document_tokens.")
            try:
                read.append(model.read(ids, end - start))
            except (MemoryError, RuntimeError) as full:
                if not short_of_memory(full):
                    raise
                free(self._placement.device)
                if end - start == 1:
                    raise OutOfMemory(
                        f"A passage of {texts[start].tokens} tokens does not fit into the memory of "
                        f"{self._placement.device}: lower max_document_tokens or use the CPU."
                    ) from full
                middle = (start + end) // 2
                todo += [(middle, end), (start, middle)]
                notes.append(f"{end - start} passages did not fit into memory at once and were read in two passes.")
                continue
            if progress:
                progress(end, len(texts))
        return read


def _cut(model: ListwiseModel, text: str, most: int) -> _Text:
    """The text without markers and within `most` tokens."""
    whole = without_markers(clean(text))
    ids = model.encode(whole)
    if len(ids) <= most:
        return _Text(whole, len(ids), 0)
    return _Text(without_markers(model.decode(ids[:most])), most, len(ids) - most)


def _notes(query: _Text, texts: Sequence[_Text]) -> list[str]:
    notes = []
    if query.truncated:
        notes.append(f"The query was cut to {query.tokens} tokens; {query.truncated} were not read.")
    cut = [one for one in texts if one.truncated]
    if cut:
        some = "1 passage was" if len(cut) == 1 else f"{len(cut)} passages were"
        notes.append(f"{some} cut; {sum(one.truncated for one in cut)} tokens were not read.")
    return notes
