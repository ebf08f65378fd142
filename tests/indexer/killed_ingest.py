"""Ingest a folder in a process of its own, and die at a given call into the indexer's own code.

Usage: killed_ingest.py FOLDER INDEX CALLS   (0: live, and print how many calls there were)
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

WATCHED = ("generation.py", "catalog.py", "edge_store.py", "sync.py")


class HashEmbedder:
    """Vectors from a hash of the text: reproducible, and no model to load in every process."""

    name = "hash"
    dimension = 16
    runtime = "none"

    def count_tokens(self, text: str) -> int:
        """Words."""
        return len(text.split())

    def passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Shape (n, 16)."""
        rows = [np.frombuffer(hashlib.sha256(text.encode()).digest(), np.uint16).astype(np.float32) for text in texts]
        vectors = np.stack(rows) + 1
        if progress is not None:
            progress(len(texts))
        scaled: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return scaled

    def query(self, text: str) -> NDArray[np.float32]:
        """Shape (16,)."""
        vector: NDArray[np.float32] = self.passages([text])[0]
        return vector


def main(folder: Path, index: Path, fatal: int) -> None:
    from indexer.index import Index

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
    sys.stdout.write(f"{calls}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
