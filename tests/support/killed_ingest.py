"""Ingest folders in processes of their own that die at a given moment, as told line by line on standard input.

A line is a JSON object: folder, index, and optionally `calls` (die at that call into the indexer's own code) or
`seconds` (be killed from outside after that time). The answer is one JSON line: signal, calls, seconds.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

from hash_embedder import HashEmbedder

import indexer.vectors.edge  # noqa: F401  so that a fork has nothing left to import
from indexer.index import Index

WATCHED = ("generation.py", "catalog.py", "edge.py", "sync.py", "transaction.py")


def ingest(folder: Path, index: Path, fatal: int) -> int:
    """Return how many calls the run made; never returns from the fatal one."""
    calls = 0

    def watch(frame: FrameType, event: str, _: Any) -> None:
        nonlocal calls
        if event in {"call", "return"} and frame.f_code.co_filename.endswith(WATCHED):
            calls += 1
            if calls == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    with Index.open(index, HashEmbedder()) as opened:
        threading.setprofile(watch)
        sys.setprofile(watch)
        opened.sync(folder)
        sys.setprofile(None)
    return calls


def run(asked: dict[str, Any]) -> dict[str, Any]:
    """Return how a run in a fork of this process ended."""
    started = time.perf_counter()
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        calls = ingest(Path(asked["folder"]), Path(asked["index"]), asked.get("calls") or 0)
        os.write(writable, str(calls).encode())
        os._exit(0)
    os.close(writable)
    if asked.get("seconds") is not None:
        time.sleep(asked["seconds"])
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with os.fdopen(readable, "rb") as answer:
        calls = answer.read()
    return {
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        "status": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        "calls": int(calls or 0),
        "seconds": time.perf_counter() - started,
    }


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(json.loads(line))) + "\n")
        sys.stdout.flush()
