"""A folder of many files as one process sees it: time and memory of a run, printed as JSON.

Run as `python -m app.bench.many FOLDER INDEX`, so that neither the caller's memory nor its caches count.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rerank.models.primitives import bound_primitives

_WORDS = 2_000
"""Size of the vocabulary that texts are drawn from."""
_LENGTHS = (8, 32)
"""Words of a file, at least and at most: one chunk."""
_LOOK = 0.1
"""Seconds between two looks at what the processes that read files hold."""


def fill(folder: Path, count: int, seed: int = 7) -> None:
    """Write so many small text files, the same ones for the same seed, a hundred to a folder."""
    draw = random.Random(seed)
    letters = "abcdefghijklmnoprstuvw"
    words = ["".join(draw.choices(letters, k=draw.randint(3, 9))) for _ in range(_WORDS)]
    for number in range(count):
        place = folder / f"{number // 100:03}"
        place.mkdir(parents=True, exist_ok=True)
        text = " ".join(draw.choices(words, k=draw.randint(*_LENGTHS)))
        (place / f"{number:05}.txt").write_text(f"File {number}. {text}.\n", encoding="utf-8")


def measured(folder: Path, index: Path) -> dict[str, Any]:
    """What an ingest of the folder in a process of its own took.

    `seconds` of the run, `process_seconds` with the start of Python, `memory_mib` at most held by the process and
    `reader_memory_mib` by the one that reads files (both None where the system does not tell), `outcomes`.
    """
    started = time.perf_counter()
    done = subprocess.run(  # noqa: S603  our own interpreter and our own code
        [sys.executable, "-m", "app.bench.many", str(folder), str(index)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)},
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return {**found, "process_seconds": round(time.perf_counter() - started, 3)}


def _run(folder: Path, place: Path) -> dict[str, Any]:
    from indexer.embed.open import open_embedder
    from indexer.index import Index

    bound_primitives()  # as every command does
    readers = [0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_LOOK):
            readers[0] = max([readers[0], *map(_most, _children())])

    threading.Thread(target=watch, daemon=True).start()
    with Index.open(place, open_embedder(defer=True), owner="secondlook bench ingest") as index:
        report = index.sync(folder)
    done.set()
    own = _most(os.getpid())
    return {
        "files": len(report.outcomes),
        "outcomes": dict(sorted(report.counts.items())),
        "seconds": round(report.seconds, 3),
        "memory_mib": own // 1024 or None,
        "reader_memory_mib": readers[0] // 1024 or None,
    }


def _most(process: int) -> int:
    """Most memory that a process has held so far, in KiB; 0 where the system does not tell.

    Not `ru_maxrss`: that of a child begins with what its parent held when it was started.
    """
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def _children() -> Iterator[int]:
    for file in Path("/proc/self/task").glob("*/children"):
        try:
            yield from map(int, file.read_text(encoding="ascii").split())
        except OSError:  # the thread ended meanwhile
            continue


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_run(Path(sys.argv[1]), Path(sys.argv[2]))))
