"""Whether an index is whole, and how it is made whole again without its folder.

The catalog is the truth: what the engine holds of each chunk is compared with what the chunk's text gives today.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from indexer.generation import numbered
from indexer.parts import parts
from indexer.terms.analyzer import terms as terms_of
from indexer.vectors.common import payload_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from indexer.chunk import Chunk
    from indexer.embed.contract import Embedder
    from indexer.generation import Generation
    from indexer.vectors.contract import Sparse, StoredPoint

_BATCH = 256
"""Chunks that are compared, embedded or written at once."""
_CLOSE = 1e-4
"""Relative difference between two weights that are the same: float32 keeps seven digits."""
_UNIT = 1e-2
"""How far the length of a stored vector may be from 1."""


@dataclass(slots=True)
class Findings:
    """What was seen of every chunk: counts, and the ids of those that are not as they should be."""

    chunks: int = 0
    length: int = 0
    frequencies: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    """Chunks without vectors."""
    stray: list[str] = field(default_factory=list)
    """Vectors without a chunk."""
    foreign: list[str] = field(default_factory=list)
    """Chunks whose dense vector was made from another text, is no unit vector, or is filed under another document."""
    misweighted: list[str] = field(default_factory=list)
    """Chunks whose BM25 weights are not those of their text."""

    @property
    def counted(self) -> tuple[int, int, dict[str, int]]:
        """What the catalog should have counted: chunks, their length in terms, document frequencies."""
        return self.chunks, self.length, dict(self.frequencies)


def look(generation: Generation) -> Findings:
    """What is wrong with an index, by comparing every chunk with what is stored of it, a batch at a time."""
    found = Findings()
    numbers: dict[str, int] = {}
    average = generation.catalog.get("weighted_at")
    seen: set[str] = set()
    for page in parts(generation.catalog.all_chunks(), _BATCH):
        held = generation.store.contents([chunk.id for chunk in page])
        counts = [Counter(terms_of(chunk.indexed)) for chunk in page]
        numbers |= generation.catalog.known_terms({term for count in counts for term in count} - numbers.keys())
        for chunk, count in zip(page, counts, strict=True):
            seen.add(chunk.id)
            found.chunks += 1
            found.length += count.total()
            found.frequencies.update(count.keys())
            stored = held.get(chunk.id)
            if stored is None:
                found.lost.append(chunk.id)
            elif not _is_of(stored, chunk):
                found.foreign.append(chunk.id)
            elif not average or not _same(stored.sparse, count, numbers, average):
                found.misweighted.append(chunk.id)
    found.stray = sorted(chunk for chunk in generation.store.ids() if chunk not in seen)
    return found


def problems(generation: Generation) -> list[str]:
    """What is wrong, one sentence each; empty when catalog, dense and sparse hold the same content."""
    found = look(generation)
    mend = ": run `secondlook verify --repair`."
    said: list[str] = []
    count, length, kept = generation.catalog.counted()
    if (count, length) != (found.chunks, found.length):
        said.append(
            f"The catalog's totals are {(count, length)}, its chunks add up to {found.chunks, found.length}{mend}"
        )
    if kept != found.frequencies:
        wrong = len(kept.items() ^ found.frequencies.items())
        said.append(f"The catalog's document frequencies are wrong for {wrong} terms{mend}")
    if found.lost:
        said.append(f"{len(found.lost)} chunks have no vectors{mend}")
    if found.stray:
        said.append(f"{len(found.stray)} vectors belong to no chunk{mend}")
    if found.foreign:
        said.append(f"{len(found.foreign)} chunks have the vector of another text or document, or a broken one{mend}")
    if found.misweighted:
        said.append(f"{len(found.misweighted)} chunks have other BM25 weights than their text gives{mend}")
    return said


def repair(generation: Generation, embedder: Embedder) -> list[str]:
    """What was done to make catalog, dense and sparse hold the same content; empty where all was well.

    Vectors without a chunk are deleted, chunks without vectors or with another text's are embedded from the catalog's
    text, wrong BM25 weights are computed and wrong counts counted anew.
    """
    found = look(generation)
    done: list[str] = []
    # a vector that is not to be trusted must be gone before another chunk of the same text takes it over
    generation.store.delete([*found.stray, *found.foreign])
    if found.stray:
        done.append(f"Deleted {len(found.stray)} vectors that belong to no chunk.")
    _embed(generation, embedder, [*found.lost, *found.foreign])
    if found.lost:
        done.append(f"Embedded {len(found.lost)} chunks that had no vectors.")
    if found.foreign:
        done.append(f"Embedded {len(found.foreign)} chunks anew that had another text's or document's vector.")
    average = generation.catalog.get("weighted_at")
    for start in range(0, len(found.misweighted) if average else 0, _BATCH):
        generation.check_space()
        chunks = generation.catalog.chunks(found.misweighted[start : start + _BATCH])
        generation.reweight(chunks.values(), average)
    if found.misweighted:
        done.append(f"Computed the BM25 weights of {len(found.misweighted)} chunks anew.")
    if generation.catalog.counted() != found.counted:
        generation.catalog.put_counted(*found.counted)
        done.append("Counted chunks and terms of the catalog anew.")
    if done:
        generation.settle(len(found.lost) + len(found.foreign))
    return done


def _embed(generation: Generation, embedder: Embedder, ids: list[str]) -> None:
    for start in range(0, len(ids), _BATCH):
        chunks = list(generation.catalog.chunks(ids[start : start + _BATCH]).values())
        counts = [Counter(terms_of(chunk.indexed)) for chunk in chunks]
        generation.check_space()
        generation.write_vectors(chunks, counts, generation.embed(chunks, embedder))


def _is_of(stored: StoredPoint, chunk: Chunk) -> bool:
    """Whether the vector is one, made from this chunk's text and filed under its document."""
    length = float(np.linalg.norm(stored.dense))
    return (
        stored.text == chunk.digest
        and stored.document == payload_name(chunk.document)
        and math.isfinite(length)
        and abs(length - 1) < _UNIT
    )


def _same(stored: Sparse, count: Mapping[str, int], numbers: Mapping[str, int], average: float) -> bool:
    expected = numbered(count, numbers, average)
    return (
        len(expected) == len(count)
        and stored.keys() == expected.keys()
        and all(math.isclose(stored[term], weight, rel_tol=_CLOSE) for term, weight in expected.items())
    )
