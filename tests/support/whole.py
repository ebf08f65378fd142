"""Everything that can be observed of an index, and the claim that it is whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hash_embedder import HashEmbedder

from indexer.index import Index

QUERIES = ("walrus", "number 7", "changed", "alpha beta")


def copy_index(source: Path, target: Path) -> None:
    """Copy an index folder; the engine's files are mostly holes, which stay holes."""
    shutil.copytree(source, target, copy_function=_copy_with_holes)


def _copy_with_holes(source: str, target: str) -> None:
    with Path(source).open("rb") as reading, Path(target).open("wb") as writing:
        size = writing.truncate(os.fstat(reading.fileno()).st_size)
        start = end = 0
        while end < size:
            try:
                start = os.lseek(reading.fileno(), end, os.SEEK_DATA)
            except OSError:  # nothing but a hole is left
                break
            end = os.lseek(reading.fileno(), start, os.SEEK_HOLE)
            os.lseek(writing.fileno(), start, os.SEEK_SET)
            os.write(writing.fileno(), os.pread(reading.fileno(), end - start, start))


def content(index: Path) -> dict[str, Any]:
    """Chunks, documents and vectors of an index that is whole."""
    with Index.open(index, HashEmbedder(), create=False) as opened:
        return content_of(opened)


def content_of(opened: Index) -> dict[str, Any]:
    """The same of an open index: what is found by BM25 is compared with rank-bm25 over the same chunks."""
    assert opened.verify() == []
    chunks = {chunk.id: chunk for chunk in opened.all_chunks()}
    for query in QUERIES if chunks else ():
        with opened.snapshot() as now:
            found, exact = now.sparse(query, 500), now.sparse(query, 500, "rank-bm25")
        assert {hit.chunk_id for hit in found} == {hit.chunk_id for hit in exact}
        scores = {hit.chunk_id: hit.score for hit in exact}
        for hit in found:  # weights may lag the average length by one percent
            assert hit.score == pytest.approx(scores[hit.chunk_id], rel=0.02, abs=0.01)
    with opened._generations.reading() as generation:
        vectors = generation.store.vectors(list(chunks))
    return {
        "chunks": chunks,
        "documents": [(one.document, one.sha256, one.chunks, one.collection) for one in opened.documents()],
        "vectors": {key: tuple(np.round(value, 5)) for key, value in sorted(vectors.items())},
    }
