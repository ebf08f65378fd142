"""How fast the second stage is on this machine, against `CrossEncoder.predict` on the same pairs and weights."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.bench import record
from app.bench.baseline import Baseline, best, default
from app.bench.head import fit
from app.bench.machine import ceiling, facts, peak_memory
from app.bench.plan import DOCUMENTS, GRID, MIXED, PER_PASS, Cell, Clock, planned
from app.bench.readings import readings
from app.bench.record import Say
from app.bench.shapes import SHAPES, ModelShape, write, write_pointwise_twin
from app.bench.texts import BenchTexts, read
from data.shipped import minilm_folder, path
from rerank.loading import Loading
from rerank.ranking import order

if TYPE_CHECKING:
    from rerank.listwise.scorer import ListwiseScorer
    from rerank.models.device import Placement
    from rerank.pointwise.cross_encoder import CrossEncoderScorer

_TOP = 10
_CANDIDATES = 200
"""Passages that late interaction is measured with."""
_QUICK_BUDGET = 45.0
_CPU_BUDGET = 900.0
_FITTED = "minilm"
"""The shape with real weights and a fitted head: only there does an overlap say much, so more time goes into it."""


def run(
    device: str | None = None,
    shapes: Sequence[str | ModelShape] | None = None,
    grid: Sequence[Cell] | None = None,
    *,
    quick: bool = False,
    corpus: Path | None = None,
    json_path: Path | None = None,
    resume: bool = False,
    budget_seconds: float | None = None,
    say: Say = lambda _line: None,
) -> dict[str, Any]:
    """Everything that was measured, ready for JSON: the machine, one entry per cell, and what was skipped and why.

    Args:
        device: as for `rerank.models.device.choose`.
        shapes: names from `SHAPES`, or shapes of your own; all of `SHAPES` if None, MiniLM alone with `quick`.
        grid: cells; all of `GRID` if None.
        quick: only passages of mixed length and one round, for an answer within a minute on two cores.
        corpus: folder of texts; the sample documents if None.
        json_path: where to write the same as a file, after every cell.
        resume: keep what that file holds and measure only what it lacks.
        budget_seconds: begin no cell that would end later, save the one that `quick` is for; None means 900 on a CPU,
            45 with `quick`, no end on a GPU.
        say: told one line whenever something was measured.

    Raises:
        KeyError: a shape that is not in `SHAPES`.
        BadInput: a device that cannot be had.
        NoTextsError: a corpus without text.
        OtherRunError: a file to resume that was measured elsewhere or otherwise.
    """
    from rerank.models.device import choose

    placement = choose(device)
    if budget_seconds is None and quick:
        budget_seconds = _QUICK_BUDGET
    elif budget_seconds is None and placement.device.type == "cpu":
        budget_seconds = _CPU_BUDGET
    clock = Clock(budget_seconds)
    found: dict[str, Any] = {
        "benchmark": "rerank",
        "machine": facts(),
        "runtime": asdict(placement.runtime),
        "documents": DOCUMENTS,
        "corpus": corpus.resolve().name if corpus else "sample",
        "cells": [],
        "skipped": [],
    }
    if resume and json_path is not None:
        found = record.resumed(json_path, found)
    asked = shapes or (("minilm",) if quick else tuple(SHAPES))
    wanted = [SHAPES[one] if isinstance(one, str) else one for one in asked]
    done = record.known(found)
    limits = {shape.name: _limit(shape, placement) for shape in wanted}
    sizes: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="secondlook-bench-") as room:
        bench: _Bench | None = None
        for shape, cell in planned(wanted, grid or ((MIXED,) if quick else GRID)):
            if (shape.name, cell.title) in done:
                continue
            limit, work = limits[shape.name], shape.work(cell.lengths(shape))
            rounds = 1 if quick else clock.rounds(shape, work, limit)
            refusal = None if quick and cell == MIXED else clock.refusal(shape, work, limit, rounds)
            if refusal is not None:
                entry: dict[str, Any] = {"shape": shape.name, "cell": cell.title, "reason": refusal}
                say(f"{shape.name}: {cell.title}: {refusal}")
            else:
                if bench is None or bench.shape != shape:
                    if bench is not None:
                        bench.close()
                    bench = _Bench(shape, Path(room) / shape.name, placement, corpus, limit, sizes)
                entry = bench.measure(cell, clock, rounds, overlap=3 if quick else 50)
                faster = entry["ratio_to_predict_default"]
                say(f"{shape.name}: {cell.title}: {entry['seconds']:.3f} s, {faster:.2f} x default")
            record.add(found, entry)
            record.write(json_path, found)
    cross = [one for one in found["cells"] if (one["shape"], one["cell"]) == (_FITTED, MIXED.title)]
    if cross and "late_interaction" not in found and any(shape.name == _FITTED for shape in wanted):
        found["late_interaction"] = _late_interaction(placement, corpus, cross[0], say)
    record.write(json_path, found)
    return found


def _limit(shape: ModelShape, placement: Placement) -> float:
    """The machine's ceiling for the shape's matrices, in operations per second."""
    rows = 2048 if placement.device.type == "cpu" else 32768
    return ceiling(shape.linears(), rows, placement.device, placement.dtype)


def table(found: dict[str, Any]) -> str:
    """The same as a table for people, one line per cell."""
    head = (
        f"{'shape':11}{'cell':32}{'pairs/s':>9}{'x default':>10}{'x best':>8}{'of ceiling':>11}{'top 10':>8}{'GiB':>7}"
    )
    lines = [head]
    for cell in found["cells"]:
        overlap = cell["top10_overlap"]
        lines.append(
            f"{cell['shape']:11}{cell['cell']:32}{cell['pairs_per_second']:9.1f}{cell['ratio_to_predict_default']:10.2f}"
            f"{cell['ratio_to_predict_best']:8.2f}{cell['fraction_of_ceiling']:11.2f}"
            f"{'-' if overlap is None else format(overlap, '.3f'):>8}{cell['peak_memory_bytes'] / 2**30:7.2f}"
        )
    lines += [f"{one['shape']:11}{one['cell']:32}skipped: {one['reason']}" for one in found["skipped"]]
    late = found.get("late_interaction")
    if late:
        lines.append(
            f"late interaction, {late['candidates']} kept candidates: {late['seconds'] * 1000:.1f} ms, "
            f"1/{late['ratio_to_cross_encoder']:.0f} of the MiniLM cross-encoder's time"
        )
    return "\n".join(lines)


class _Bench:
    """A shape with everything that is compared: our scorer and both baselines, over the same weights and texts."""

    def __init__(
        self,
        shape: ModelShape,
        room: Path,
        placement: Placement,
        corpus: Path | None,
        limit: float,
        sizes: dict[str, int],
    ) -> None:
        """Load everything; `sizes` holds each shape's better batch size, for when a shape comes back."""
        from rerank.models.tokens import Tokeniser

        self._sizes = sizes
        self.shape, self._placement, self._limit = shape, placement, limit
        twin = room.with_name(f"{room.name}-twin") if shape.kind == "qwen3" else room
        new = not room.is_dir()
        if new:
            write(shape, room)
        self._texts = read(corpus or path("sample"), Tokeniser(room).tokenizer)
        if new and shape.name == _FITTED:
            fit(room, self._texts)
        if new and twin != room:
            write_pointwise_twin(shape, room, twin)
        self._room, self._twin = room, twin
        self._scorer = _scorer(shape, room, placement)
        self._plain = default(twin, placement)
        self._tuned: Baseline | None = None

    def measure(self, cell: Cell, clock: Clock, rounds: int, overlap: int) -> dict[str, Any]:
        """The figures of a cell; `overlap` real queries at most are compared with fp32, as time allows."""
        query, passages = _texts(cell, self._texts)
        pairs, lengths = _readings(self._scorer, self._room, query, passages, self._texts)
        work = self.shape.work(lengths)
        if self._tuned is None:
            self._tuned = best(self._twin, self._placement, pairs[:32], self._sizes.get(self.shape.name))
            self._sizes[self.shape.name] = self._tuned.batch
        entry = _measure(self._scorer, (self._plain, self._tuned), query, passages, pairs, rounds)
        entry["fraction_of_ceiling"] = work / entry["seconds"] / self._limit
        clock.learn(self.shape, work, entry["seconds_predict_default"], self._limit)
        if self.shape.kind == "qwen3":
            entry["top10_overlap"] = None  # the baseline scores pairs, the listwise model lists: other numbers
        elif cell == MIXED:
            entry |= self._overlap(self._affordable(clock, work, overlap))
        return {
            "shape": self.shape.name,
            "like": self.shape.like,
            "cell": cell.title,
            "query_tokens": cell.query_tokens,
            "document_tokens": cell.document_tokens,
            "inputs": len(pairs),
            "input_tokens": sum(lengths),
            "device": str(self._placement.device),
            "kernel": self._scorer.runtime.kernel,
            "dtype": self._scorer.runtime.dtype,
            "predict_best": self._tuned.title,
            "ceiling_flops": self._limit,
        } | entry

    def close(self) -> None:
        """Give the memory back."""
        from rerank.models.device import free

        self._scorer.release()
        del self._scorer, self._plain, self._tuned
        free(self._placement.device)

    def _affordable(self, clock: Clock, work: float, most: int) -> int:
        """How many queries' overlap with fp32 there is time for beside the cells: each is two scorings of ours."""
        if clock.left is None:
            return most
        part = 0.5 if self.shape.name == _FITTED else 0.05
        return min(most, int(clock.left * part / clock.default(self.shape, work, self._limit)))

    def _overlap(self, many: int) -> dict[str, Any]:
        """The overlap with fp32 scores over real queries and their BM25 candidates; nothing where there are none."""
        if many < 1:
            return {}
        exact = _scorer(self.shape, self._room, self._placement, "fp32")
        shared: list[float] = []
        for query in self._texts.queries[:many]:
            passages = self._texts.candidates(query, DOCUMENTS)
            pair = ([one.logit for one in by.score(query, passages).scored] for by in (self._scorer, exact))
            shared.append(_shared(*pair))
        exact.release()
        return {"top10_overlap": statistics.fmean(shared), "overlap_queries": len(shared)}


def _scorer(shape: ModelShape, folder: Path, placement: Placement, number: str | None = None) -> Any:  # noqa: ANN401  (either family)
    """Our scorer over the folder, keeping no scores."""
    device = str(placement.device)
    if shape.kind == "qwen3":
        from rerank.listwise.scorer import ListwiseScorer

        return ListwiseScorer.open(folder, shape.name, Loading(device=device))
    from rerank.pointwise.cross_encoder import CrossEncoderScorer

    return CrossEncoderScorer.open(folder, shape.name, Loading(device=device, dtype=number))


def _texts(cell: Cell, texts: BenchTexts) -> tuple[str, list[str]]:
    query = texts.query(cell.query_tokens) if cell.query_tokens else texts.queries[0]
    if cell.document_tokens:
        return query, texts.passages(DOCUMENTS, cell.document_tokens)
    return query, texts.mixed(DOCUMENTS)


def _readings(
    scorer: CrossEncoderScorer | ListwiseScorer, folder: Path, query: str, passages: Sequence[str], texts: BenchTexts
) -> tuple[list[tuple[int, str, str]], list[int]]:
    """The pairs that both sides read, windows of long passages apart, and our tokens per forward."""
    from rerank.pointwise.cross_encoder import CrossEncoderScorer

    if isinstance(scorer, CrossEncoderScorer):
        return readings(folder, scorer.contract.native_window, query, passages)
    pairs = [(number, query, passage) for number, passage in enumerate(passages)]
    per_token = len(texts.offsets) / len(texts.text)
    sizes = [round(len(passage) * per_token) for passage in passages]
    return pairs, [sum(sizes[i : i + PER_PASS]) for i in range(0, len(sizes), PER_PASS)]


def _measure(
    scorer: CrossEncoderScorer | ListwiseScorer,
    baselines: tuple[Baseline, Baseline],
    query: str,
    passages: Sequence[str],
    readings: Sequence[tuple[int, str, str]],
    rounds: int,
) -> dict[str, Any]:
    """Times in turn, round by round, so that whatever else the machine does hits all three alike."""
    pairs = [(asked, text) for _, asked, text in readings]
    scorer.score(query, passages[:4])
    for baseline in baselines:
        baseline.predict(pairs[:4])
    ours: list[float] = []
    theirs: tuple[list[float], list[float]] = ([], [])
    memory = 0
    scores: list[float] = []
    reference: list[float] = []

    def score() -> None:
        nonlocal scores
        scores = [one.logit for one in scorer.score(query, passages).scored]

    for _ in range(rounds):
        for number, baseline in enumerate(baselines):
            began = time.perf_counter()
            values = baseline.predict(pairs)
            theirs[number].append(time.perf_counter() - began)
            if number == 0:
                reference = _by_passage(values, readings, len(passages))
        began = time.perf_counter()
        if memory:
            score()
        else:
            memory = peak_memory(scorer_device(scorer), score)
        ours.append(time.perf_counter() - began)
    seconds = statistics.median(ours)
    return {
        "seconds": seconds,
        "seconds_predict_default": statistics.median(theirs[0]),
        "seconds_predict_best": statistics.median(theirs[1]),
        "rounds": rounds,
        "pairs_per_second": len(passages) / seconds,
        "ratio_to_predict_default": statistics.median(a / b for a, b in zip(theirs[0], ours, strict=True)),
        "ratio_to_predict_best": statistics.median(a / b for a, b in zip(theirs[1], ours, strict=True)),
        "top10_overlap": _shared(scores, reference),
        "overlap_queries": 1,
        "peak_memory_bytes": memory,
    }


def scorer_device(scorer: CrossEncoderScorer | ListwiseScorer) -> Any:  # noqa: ANN401  (torch.device, not imported here)
    """The device a scorer runs on."""
    import torch

    return torch.device(scorer.runtime.device)


def _by_passage(values: Sequence[float], readings: Sequence[tuple[int, str, str]], many: int) -> list[float]:
    best_of = [float("-inf")] * many
    for value, (number, _, _) in zip(values, readings, strict=True):
        best_of[number] = max(best_of[number], value)
    return best_of


def _shared(scores: Sequence[float], reference: Sequence[float]) -> float:
    """The share of the ten best that both have in common."""
    ours, theirs = (set(order(one)[:_TOP]) for one in (scores, reference))
    return len(ours & theirs) / _TOP


def _late_interaction(placement: Placement, corpus: Path | None, cross: dict[str, Any], say: Say) -> dict[str, Any]:
    """Seconds for candidates whose token vectors are kept, against the cross-encoder's for as many."""
    from rerank.late.scorer import LateInteractionScorer
    from rerank.models.tokens import Tokeniser

    texts = read(corpus or path("sample"), Tokeniser(minilm_folder()).tokenizer)
    passages = texts.mixed(_CANDIDATES)
    scorer = LateInteractionScorer.open(minilm_folder(), "minilm", Loading(device=str(placement.device)))
    began = time.perf_counter()
    scorer.score(texts.queries[0], passages)
    cold = time.perf_counter() - began
    times: list[float] = []
    for query in texts.queries[:20]:
        began = time.perf_counter()
        scorer.score(query, passages)
        times.append(time.perf_counter() - began)
    seconds = statistics.median(times)
    as_many = cross["seconds"] * _CANDIDATES / DOCUMENTS
    say(f"late interaction: {seconds * 1000:.1f} ms warm, {cold:.2f} s cold")
    return {
        "candidates": _CANDIDATES,
        "seconds": seconds,
        "seconds_cold": cold,
        "ratio_to_cross_encoder": as_many / seconds,
    }
