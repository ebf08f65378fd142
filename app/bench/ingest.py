"""How fast a folder becomes an index: end to end, by our encoder and by the library, and against bare embedding."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import data
from app.bench import many
from app.bench.machine import facts
from app.bench.record import Say

if TYPE_CHECKING:
    from indexer.embed.contract import Embedder
    from indexer.report import IngestReport


_WARM = ["warm up " * 60] * 8
ROUNDS = 3
"""How often both sides are measured, one after the other."""
BARE = 400
"""Chunks that the bare embedding is measured on: more than that only takes longer."""
MANY = 5000
"""Files of the folder that memory and the second run are measured over."""


def run(
    folder: Path,
    json_path: Path | None = None,
    *,
    limit: int | None = None,
    bare: int | None = BARE,
    rounds: int = ROUNDS,
    many: int = MANY,
    say: Say = lambda _: None,
) -> dict[str, Any]:
    """Chunks per second of a whole ingest and of the bare `SentenceTransformer.encode(texts)`, in this process.

    The packaged model; all are loaded and warmed before they are timed, and take turns. The whole ingest is timed a
    second time with the same model read by sentence-transformers in batches of as many tokens: `stack_ratio` is what
    our own encoder gains end to end. Each figure is the median over the rounds, a ratio that of the rounds' ratios. The
    shares are seconds of work by stage over the wall time: stages overlap, so they may add up to more than 1. On a
    machine with other work to do, `ratio` (wall time) is noise, and `processor_ratio` (seconds of processor time a
    chunk, the bare embedding's over ours) is less so.

    Args:
        folder: documents.
        json_path: where the result is written, too.
        limit: only so many files, evenly spread over the folder's files by name.
        bare: only so many chunks for the bare embedding, evenly spread; its rate is what is compared. None for all.
        rounds: how often.
        many: files of a made-up folder whose ingest is measured for memory, and again unchanged; 0 leaves that out.
        say: told what is being done, a line at a time.

    Raises:
        FolderError: the folder holds nothing readable.
    """
    from indexer.embed.local import LocalEmbedder
    from indexer.embed.open import open_embedder

    embedder = open_embedder()
    library = LocalEmbedder.open(str(data.minilm_folder()), name=data.MINILM, library=True)
    for one in (embedder, library):
        one.passages(_WARM)
    baseline = _Bare()
    with tempfile.TemporaryDirectory(prefix="secondlook-bench-") as temporary:
        place = folder if limit is None else _some(folder, Path(temporary) / "folder", limit)
        ours: list[_Ours] = []
        other: list[_Ours] = []
        theirs: list[tuple[float, float]] = []
        for number in range(rounds):
            pair = [(ours, embedder), (other, library)]
            for into, model in pair if number % 2 == 0 else reversed(pair):
                into.append(_ingest(place, Path(temporary) / f"index-{number}-{into is ours}", model))
            texts = ours[0].texts
            chosen = _spread(texts, bare)
            theirs.append(baseline.measure(chosen))
            say(
                f"round {number + 1} of {rounds}: {ours[-1].rate:.1f} chunks/s, by the library "
                f"{other[-1].rate:.1f} chunks/s, bare {theirs[-1][0]:.1f} chunks/s"
            )
    first = ours[0].report
    rates = [one.rate for one in ours]
    gains = [one.rate / slow.rate for one, slow in zip(ours, other, strict=True)]
    stages = {name: [one.report.stages[name] for one in ours] for name in first.stages}
    result: dict[str, Any] = {
        "folder": folder.name,
        "files": len(first.outcomes),
        "outcomes": dict(sorted(first.counts.items())),
        "chunks": first.chunks,
        "distinct_chunks": len(ours[0].texts),
        "rounds": rounds,
        "seconds": round(median(one.report.seconds for one in ours), 3),
        "chunks_per_second": round(median(rates), 2),
        "runtime": embedder.runtime,
        "library_chunks_per_second": round(median(one.rate for one in other), 2),
        "stack_ratio": round(median(gains), 3),
        "stack_ratios": [round(gain, 3) for gain in gains],
        "stack_processor_ratio": round(
            median(slow.processor / one.processor for one, slow in zip(ours, other, strict=True)), 3
        ),
        "bare_chunks": len(chosen),
        "bare_chunks_per_second": round(median(rate for rate, _ in theirs), 2),
        "ratio": round(median(rate / bare_rate for rate, (bare_rate, _) in zip(rates, theirs, strict=True)), 3),
        "ratios": [round(rate / bare_rate, 3) for rate, (bare_rate, _) in zip(rates, theirs, strict=True)],
        "processor_ratio": round(
            median(
                spent / len(chosen) / (one.processor / len(one.texts))
                for one, (_, spent) in zip(ours, theirs, strict=True)
            ),
            3,
        ),
        "stage_seconds": {name: round(median(spent), 3) for name, spent in stages.items()},
        "shares": {
            name: round(median(one.report.stages[name] / one.report.seconds for one in ours), 3) for name in stages
        },
        "again_seconds": round(median(one.again for one in ours), 3),
        "many": _many(many, say) if many else None,
        "machine": facts(),
    }
    if json_path is not None:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


@dataclass(frozen=True, slots=True)
class _Ours:
    """One ingest into a fresh index."""

    report: IngestReport
    again: float
    """Seconds of a second run, over the unchanged folder."""
    texts: list[str]
    """The distinct texts of its chunks: those that were embedded."""
    processor: float
    """Seconds of processor time, reading process included."""

    @property
    def rate(self) -> float:
        """Distinct chunks per second, end to end."""
        return len(self.texts) / self.report.seconds


def _ingest(folder: Path, place: Path, embedder: Embedder) -> _Ours:
    from indexer.index import Index

    with Index.open(place, embedder, owner="secondlook bench ingest") as index:
        started = _processor()
        first = index.sync(folder)
        spent = _processor() - started
        again = index.sync(folder)
        texts = list(dict.fromkeys(chunk.indexed for chunk in index.all_chunks()))
    return _Ours(first, again.seconds, texts, spent)


class _Bare:
    """The library's default: fp32, batches of 32 sorted by length; loaded and warmed once."""

    def __init__(self) -> None:
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(str(data.minilm_folder()), local_files_only=True)
        self._model.encode(_WARM)

    def measure(self, texts: Sequence[str]) -> tuple[float, float]:
        """Chunks per second, and processor seconds."""
        started, spent = time.perf_counter(), _processor()
        self._model.encode(list(texts), show_progress_bar=False)
        return len(texts) / (time.perf_counter() - started), _processor() - spent


def _spread(texts: list[str], count: int | None) -> list[str]:
    """At most `count` of the texts, evenly spread; all of them for None."""
    if count is None or count >= len(texts):
        return texts
    return [texts[place * len(texts) // count] for place in range(count)]


def _many(count: int, say: Say) -> dict[str, Any]:
    """What a folder of `count` small files and one of a tenth of them take, each in a process of its own."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="secondlook-bench-") as temporary:
        for name, files in (("tenth", max(1, count // 10)), ("whole", count)):
            folder, index = Path(temporary) / name, Path(temporary) / f"{name}-index"
            many.fill(folder, files)
            say(f"a folder of {files} files")
            found[name] = many.measured(folder, index)
        say("the same folder, unchanged")
        found["again"] = many.measured(folder, index)
    return found


def _processor() -> float:
    """Processor seconds of this process and its ended children so far."""
    return sum(os.times()[:4])


def _some(folder: Path, into: Path, limit: int) -> Path:
    """A copy of at most `limit` of the folder's files, evenly spread by name."""
    from indexer.ingest.scan import scan

    found, _ = scan(folder)
    for one in found[:: max(1, -(-len(found) // limit))]:
        target = into / one.path.relative_to(folder.resolve())
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(one.path, target)
    return into
