"""Whether an index is whole, and how it is made whole again without its folder."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from indexer.terms import terms as terms_of

if TYPE_CHECKING:
    from indexer.catalog import Catalog
    from indexer.embedder import Embedder
    from indexer.generation import Generation

_BATCH = 256
"""Chunks that are embedded and written at once."""


def problems(catalog: Catalog) -> list[str]:
    """Return what is inconsistent within a catalog: totals and term frequencies against the chunks."""
    count, length, frequencies = _count(catalog)
    stored_count, stored_length, kept = catalog.counted()
    found: list[str] = []
    if (stored_count, stored_length) != (count, length):
        found.append(f"The catalog's totals are {(stored_count, stored_length)}, its chunks add up to {count, length}.")
    if kept != frequencies:
        found.append(
            f"The catalog's document frequencies are wrong for {len(kept.items() ^ frequencies.items())} terms."
        )
    return found


def repair(generation: Generation, embedder: Embedder) -> list[str]:
    """Return what was done to make catalog, dense and sparse hold the same chunks; empty where all was well.

    Vectors without a chunk are deleted, chunks without vectors are embedded from the catalog's text, and wrong counts
    are counted anew.
    """
    done: list[str] = []
    rows, vectors = generation.catalog.ids(), set(generation.store.ids())
    stray, lost = sorted(vectors - rows), sorted(rows - vectors)
    if stray:
        generation.store.delete(stray)
        done.append(f"Deleted {len(stray)} vectors that belong to no chunk.")
    for start in range(0, len(lost), _BATCH):
        chunks = list(generation.catalog.chunks(lost[start : start + _BATCH]).values())
        counts = [Counter(terms_of(chunk.indexed)) for chunk in chunks]
        generation.check_space()
        generation.write_vectors(chunks, counts, generation.embed(chunks, embedder))
    if lost:
        done.append(f"Embedded {len(lost)} chunks that had no vectors.")
    if problems(generation.catalog):
        generation.catalog.put_counted(*_count(generation.catalog))
        done.append("Counted chunks and terms of the catalog anew.")
    if done:
        generation.settle(len(lost))
    return done


def _count(catalog: Catalog) -> tuple[int, int, dict[str, int]]:
    count = length = 0
    frequencies: Counter[str] = Counter()
    for chunk in catalog.all_chunks():
        counts = Counter(terms_of(chunk.indexed))
        count, length = count + 1, length + counts.total()
        frequencies.update(counts.keys())
    return count, length, dict(frequencies)
