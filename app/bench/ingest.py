"""How fast a folder becomes an index: end to end, against the bare embedding of the same chunk texts."""

from __future__ import annotations

import gc
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.embedder import Embedder
    from indexer.report import IngestReport


def run(
    folder: Path, json_path: Path | None = None, limit: int | None = None, bare: int | None = None
) -> dict[str, Any]:
    """Return chunks per second of a whole ingest and of the bare `SentenceTransformer.encode(texts)`, in this process.

    The packaged model; both are loaded and warmed before they are timed. The shares are seconds of work by stage over
    the wall time: stages overlap, so they may add up to more than 1. On a machine with other work to do, `ratio` (wall
    time) is noise, and `processor_ratio` (seconds of processor time a chunk, the bare embedding's over ours) is not.

    Args:
        folder: documents.
        json_path: where the result is written, too.
        limit: only so many files, evenly spread over the folder's files by name.
        bare: only so many chunks for the bare embedding, evenly spread; its rate is what is compared.

    Raises:
        FolderError: the folder holds nothing readable.
    """
    from indexer.embedders import open_embedder

    embedder = open_embedder()
    embedder.passages(["warm up " * 60] * 8)
    with tempfile.TemporaryDirectory(prefix="secondlook-bench-") as temporary:
        place = folder if limit is None else _some(folder, Path(temporary) / "folder", limit)
        first, again, texts, processor = _ingest(place, Path(temporary) / "index", embedder)
    peak = _peak()
    embedded = list(dict.fromkeys(texts))
    chosen = embedded if bare is None or bare >= len(embedded) else embedded[:: -(-len(embedded) // bare)]
    del embedder
    gc.collect()
    bare_rate, bare_processor = _bare(chosen)
    stages = {name: round(spent, 3) for name, spent in first.stages.items()}
    result: dict[str, Any] = {
        "folder": folder.name,
        "files": len(first.outcomes),
        "outcomes": dict(sorted(first.counts.items())),
        "chunks": len(texts),
        "distinct_chunks": len(embedded),
        "seconds": round(first.seconds, 3),
        "chunks_per_second": round(len(embedded) / first.seconds, 2),
        "bare_chunks": len(chosen),
        "bare_chunks_per_second": round(bare_rate, 2),
        "ratio": round(len(embedded) / first.seconds / bare_rate, 3),
        "processor_ratio": round(bare_processor / len(chosen) / (processor / len(embedded)), 3),
        "stage_seconds": stages,
        "shares": {name: round(spent / first.seconds, 3) for name, spent in stages.items()},
        "again_seconds": round(again.seconds, 3),
        "peak_memory_mib": peak,
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
    }
    if json_path is not None:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        json_path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def _ingest(folder: Path, place: Path, embedder: Embedder) -> tuple[IngestReport, IngestReport, list[str], float]:
    """The reports of a first and a second run, the texts of all chunks, and the first run's processor seconds."""
    from indexer.index import Index

    with Index.open(place, embedder, owner="secondlook bench ingest") as index:
        started = _processor()
        first = index.sync(folder)
        spent = _processor() - started
        again = index.sync(folder)
        return first, again, [chunk.text for chunk in index.all_chunks()], spent


def _bare(texts: Sequence[str]) -> tuple[float, float]:
    """Chunks per second, and processor seconds, of the library's default: fp32, batches of 32 sorted by length."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(data.minilm_folder()), local_files_only=True)
    model.encode(["warm up " * 60] * 8)
    started, spent = time.perf_counter(), _processor()
    model.encode(list(texts), show_progress_bar=False)
    return len(texts) / (time.perf_counter() - started), _processor() - spent


def _processor() -> float:
    """Processor seconds of this process and its ended children so far."""
    return sum(os.times()[:4])


def _some(folder: Path, into: Path, limit: int) -> Path:
    """A copy of at most `limit` of the folder's files, evenly spread by name."""
    from indexer.scan import scan

    found, _ = scan(folder)
    for one in found[:: max(1, -(-len(found) // limit))]:
        target = into / one.path.relative_to(folder.resolve())
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(one.path, target)
    return into


def _peak() -> int | None:
    """Most memory this process and any one of its children ever held, in MiB; None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    used = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used) * unit // 2**20
