"""How fast the second stage is on this machine, against `CrossEncoder.predict` on the same pairs and weights."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.bench.baseline import Baseline, best, default
from app.bench.head import fit
from app.bench.machine import ceiling, facts, peak_memory
from app.bench.shapes import SHAPES, Shape, write, write_pointwise_twin
from app.bench.texts import Texts, read
from data.shipped import minilm_folder, path
from rerank.base import order

if TYPE_CHECKING:
    from rerank.cross_encoder import CrossEncoderScorer
    from rerank.device import Placement
    from rerank.listwise import ListwiseScorer

Say = Callable[[str], None]

DOCUMENTS = 100
"""Passages per cell, as in the table published with jina-reranker-v1."""
_TOP = 10
_CANDIDATES = 200
"""Passages that late interaction is measured with."""
_QUICK_BUDGET = 45.0
_CPU_BUDGET = 900.0
_GUESS = 0.4
"""Share of the matmul ceiling that the default baseline is expected to reach, until it has been measured."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement: a query against passages."""

    query_tokens: int
    """0 for a real query."""
    document_tokens: int
    """0 for passages of mixed length, mean about 160."""

    @property
    def title(self) -> str:
        """The cell in words."""
        query = f"query {self.query_tokens}" if self.query_tokens else "real query"
        return f"{query}, documents {self.document_tokens or 'mixed, mean 160'}"


MIXED = Cell(0, 0)
GRID = (MIXED, *(Cell(query, document) for query in (64, 128, 256, 512) for document in (256, 512, 1024, 2048, 4096)))


class _Clock:
    """What is left of a budget, and what one operation has cost so far."""

    def __init__(self, budget: float | None) -> None:
        self._until = None if budget is None else time.perf_counter() + budget
        self.seconds_per_work: float | None = None

    @property
    def left(self) -> float | None:
        return None if self._until is None else self._until - time.perf_counter()

    def refusal(self, expected: float) -> str | None:
        """Why something that takes `expected` seconds is not begun."""
        left = self.left
        if left is None or expected <= left:
            return None
        return f"would take about {expected:.0f} s and {max(left, 0):.0f} s of the budget are left"


def run(
    device: str | None = None,
    shapes: Sequence[str | Shape] | None = None,
    grid: Sequence[Cell] | None = None,
    *,
    quick: bool = False,
    corpus: Path | None = None,
    json_path: Path | None = None,
    budget_seconds: float | None = None,
    say: Say = lambda _line: None,
) -> dict[str, Any]:
    """Everything that was measured, ready for JSON: the machine, one entry per cell, and what was skipped and why.

    Args:
        device: as for `rerank.device.choose`.
        shapes: names from `SHAPES`, or shapes of your own; all of `SHAPES` if None, MiniLM alone with `quick`.
        grid: cells; all of `GRID` if None.
        quick: only passages of mixed length and one round, for an answer within a minute on two cores.
        corpus: folder of texts; the sample documents if None.
        json_path: where to write the same as a file.
        budget_seconds: begin no cell that would end later; None means 900 on a CPU, 45 with `quick`, no end on a GPU.
        say: told one line whenever something was measured.

    Raises:
        KeyError: a shape that is not in `SHAPES`.
        BadInput: a device that cannot be had.
        NoTextsError: a corpus without text.
    """
    from rerank.device import choose

    placement = choose(device)
    if budget_seconds is None and quick:
        budget_seconds = _QUICK_BUDGET
    elif budget_seconds is None and placement.device.type == "cpu":
        budget_seconds = _CPU_BUDGET
    clock = _Clock(budget_seconds)
    cells: list[dict[str, Any]] = []
    skipped: list[dict[str, Any]] = []
    found: dict[str, Any] = {
        "benchmark": "rerank",
        "machine": facts(),
        "runtime": asdict(placement.runtime),
        "documents": DOCUMENTS,
        "cells": cells,
        "skipped": skipped,
    }
    asked = shapes or (("minilm",) if quick else tuple(SHAPES))
    wanted = [SHAPES[one] if isinstance(one, str) else one for one in asked]
    with tempfile.TemporaryDirectory(prefix="secondlook-bench-") as folder:
        for shape in wanted:
            clock.seconds_per_work = None
            for entry in _shape(
                shape,
                Path(folder),
                placement,
                grid or ((MIXED,) if quick else GRID),
                clock,
                corpus,
                quick=quick,
                say=say,
            ):
                (skipped if "reason" in entry else cells).append(entry)
        if any(shape.name == "minilm" for shape in wanted) and cells:
            found["late_interaction"] = _late_interaction(placement, corpus, cells[0], say)
    if json_path is not None:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


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


def _shape(
    shape: Shape,
    room: Path,
    placement: Placement,
    grid: Sequence[Cell],
    clock: _Clock,
    corpus: Path | None,
    *,
    quick: bool,
    say: Say,
) -> Iterator[dict[str, Any]]:
    """One entry per cell of a shape: measured, or with the reason why not."""
    limit = ceiling(
        shape.linears(), 2048 if placement.device.type == "cpu" else 32768, placement.device, placement.dtype
    )
    cheapest = DOCUMENTS * shape.work([200]) / (limit * _GUESS)
    refusal = clock.refusal(cheapest)
    if refusal is not None:
        for cell in grid:
            say(f"{shape.name}: {cell.title}: {refusal}")
            yield {"shape": shape.name, "cell": cell.title, "reason": refusal}
        return
    from rerank.text import Reader

    folder = write(shape, room / shape.name)
    texts = read(corpus or path("sample"), Reader(folder).tokenizer)
    if shape.name == "minilm":
        fit(folder, texts)
    scorer = _scorer(shape, folder, placement)
    twin = write_pointwise_twin(shape, folder, room / f"{shape.name}-twin") if shape.kind == "qwen3" else folder
    plain = default(twin, placement)
    tuned: Baseline | None = None
    for cell in grid:
        query, passages = _texts(cell, texts)
        readings, lengths = _readings(scorer, query, passages, texts)
        work = shape.work(lengths)
        rate = clock.seconds_per_work or 1 / (limit * _GUESS)
        refusal = clock.refusal(2.0 * work * rate)
        if refusal is not None:
            say(f"{shape.name}: {cell.title}: {refusal}")
            yield {"shape": shape.name, "cell": cell.title, "reason": refusal}
            continue
        if tuned is None:
            tuned = best(twin, placement, readings[:32])
        entry = _measure(scorer, (plain, tuned), query, passages, readings, rounds=1 if quick else 3)
        entry["fraction_of_ceiling"] = work / entry["seconds"] / limit
        clock.seconds_per_work = entry["seconds_predict_default"] / work
        if shape.kind == "qwen3":
            entry["top10_overlap"] = None  # the baseline scores pairs, the listwise model lists: other numbers
        elif cell == MIXED:
            entry |= _overlap(shape, folder, placement, texts, clock, work, most=3 if quick else 50)
        entry = {
            "shape": shape.name,
            "like": shape.like,
            "cell": cell.title,
            "query_tokens": cell.query_tokens,
            "document_tokens": cell.document_tokens,
            "inputs": len(readings),
            "input_tokens": sum(lengths),
            "device": str(placement.device),
            "kernel": scorer.runtime.kernel,
            "dtype": scorer.runtime.dtype,
            "predict_best": tuned.title,
            "ceiling_flops": limit,
        } | entry
        say(f"{shape.name}: {cell.title}: {entry['seconds']:.3f} s, {entry['ratio_to_predict_default']:.2f} x default")
        yield entry
    scorer.release()


def _scorer(shape: Shape, folder: Path, placement: Placement, number: str | None = None) -> Any:  # noqa: ANN401  (either family)
    """Our scorer over the folder, keeping no scores."""
    device = str(placement.device)
    if shape.kind == "qwen3":
        from rerank.listwise import ListwiseScorer
        from rerank.profiles import LISTWISE

        return ListwiseScorer.from_folder(folder, name=shape.name, contract=LISTWISE, device=device)
    from rerank.cross_encoder import CrossEncoderScorer

    return CrossEncoderScorer.from_folder(folder, name=shape.name, device=device, dtype=number)


def _texts(cell: Cell, texts: Texts) -> tuple[str, list[str]]:
    query = texts.query(cell.query_tokens) if cell.query_tokens else texts.queries[0]
    if cell.document_tokens:
        return query, texts.passages(DOCUMENTS, cell.document_tokens)
    return query, texts.mixed(DOCUMENTS)


def _readings(
    scorer: CrossEncoderScorer | ListwiseScorer, query: str, passages: Sequence[str], texts: Texts
) -> tuple[list[tuple[int, str, str]], list[int]]:
    """The pairs that both sides read, windows of long passages apart, and our tokens per forward."""
    from rerank.cross_encoder import CrossEncoderScorer

    if isinstance(scorer, CrossEncoderScorer):
        return scorer.readings(query, passages)
    pairs = [(number, query, passage) for number, passage in enumerate(passages)]
    per_token = len(texts.offsets) / len(texts.text)
    sizes = [round(len(passage) * per_token) for passage in passages]
    per_pass = 64
    return pairs, [sum(sizes[i : i + per_pass]) for i in range(0, len(sizes), per_pass)]


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


def _overlap(
    shape: Shape, folder: Path, placement: Placement, texts: Texts, clock: _Clock, work: float, most: int
) -> dict[str, Any]:
    """The overlap with fp32 scores over real queries, as many as the budget allows."""
    exact = _scorer(shape, folder, placement, "fp32")
    rough = _scorer(shape, folder, placement)
    shared: list[float] = []
    for number, query in enumerate(texts.queries[:most]):
        if shared and clock.refusal(work * (clock.seconds_per_work or 0.0)) is not None:
            break
        passages = texts.mixed(DOCUMENTS, first=number)
        ours, theirs = ([one.logit for one in scorer.score(query, passages).scored] for scorer in (rough, exact))
        shared.append(_shared(ours, theirs))
    return {"top10_overlap": statistics.fmean(shared), "overlap_queries": len(shared)}


def _late_interaction(placement: Placement, corpus: Path | None, cross: dict[str, Any], say: Say) -> dict[str, Any]:
    """Seconds for candidates whose token vectors are kept, against the cross-encoder's for as many."""
    from rerank.late_interaction import LateInteractionScorer
    from rerank.text import Reader

    texts = read(corpus or path("sample"), Reader(minilm_folder()).tokenizer)
    passages = texts.mixed(_CANDIDATES)
    scorer = LateInteractionScorer.from_folder(minilm_folder(), name="minilm", device=str(placement.device))
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
