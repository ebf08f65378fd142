"""One generation of an index: a catalog and its vectors, kept in step through any crash.

Vectors are written and flushed before the catalog commits; what is deleted leaves the catalog first. So a crash can
only leave vectors without a row, which `repair` sweeps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer import bm25, tables
from indexer.catalog import Catalog
from indexer.chunk import Chunk
from indexer.documents import Draft
from indexer.embedder import Embedder
from indexer.split import DEFAULT_OVERLAP, DEFAULT_SIZE, SPLITTER_VERSION
from indexer.store import Point, Sparse, VectorStore
from indexer.terms import ANALYZER_VERSION
from indexer.terms import terms as terms_of

DRIFT = 0.01
"""Relative change of the average chunk length above which the stored BM25 weights are computed anew."""
_OPTIMIZE_SHARE = 20
"""The engine tidies up after a run that wrote at least one chunk in this many."""


@dataclass(frozen=True, slots=True)
class Splitting:
    """How documents are cut, in tokens of the embedding model."""

    size: int = DEFAULT_SIZE
    overlap: int = DEFAULT_OVERLAP


@dataclass(frozen=True, slots=True)
class Generation:
    """Catalog and vectors that belong together."""

    folder: Path
    catalog: Catalog
    store: VectorStore

    def close(self) -> None:
        """Release both."""
        self.store.close()
        self.catalog.close()

    def write(
        self,
        drafts: Sequence[Draft],
        embedder: Embedder,
        run: int,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Store documents: vectors first, then the catalog, then what they replace is deleted.

        A text that is stored already, here or under another name, is not embedded again.
        """
        chunks = [chunk for draft in drafts for chunk in draft.chunks]
        counts = [count for draft in drafts for count in draft.counts]
        if chunks:
            self._write_vectors(chunks, counts, embedder, progress)
        gone = self.catalog.write(drafts, run)
        self.store.delete(gone)

    def remove(self, document_ids: Sequence[int]) -> None:
        """Delete documents: from the catalog first."""
        self.store.delete(self.catalog.remove(document_ids))

    def query_weights(self, words: Sequence[str]) -> dict[str, tuple[int, float]]:
        """Return term id and weight of each of the words that some chunk holds: the query side of BM25."""
        frequencies = self.catalog.frequencies(words)
        statistics = self.catalog.statistics()
        weights = bm25.query_weights(
            words, {term: pair[1] for term, pair in frequencies.items()}, statistics.chunks, statistics.average_idf
        )
        return {term: (frequencies[term][0], weight) for term, weight in weights.items()}

    def document_weights(self, counts: Mapping[str, int]) -> dict[str, float]:
        """Return the stored side of BM25 for a chunk with these terms."""
        average = self.catalog.get("weighted_at") or self.catalog.statistics().average_length
        return bm25.document_weights(counts, sum(counts.values()), average) if average else {}

    def settle(self, written: int) -> None:
        """Finish a run: weights recomputed where the average length moved, the engine tidied, everything flushed."""
        average = self.catalog.statistics().average_length
        at = self.catalog.get("weighted_at")
        if average and (at is None or self.catalog.get("reweighting") or abs(average - at) > DRIFT * at):
            # the mark makes the next run start over if this one is killed between the two
            self.catalog.put(reweighting=True, weighted_at=average)
            self.store.reweight(self._weights(average))
            self.store.flush()
            self.catalog.put(reweighting=False)
        if written * _OPTIMIZE_SHARE >= self.catalog.counts()[1]:
            self.store.optimize()
        self.store.flush()

    def repair(self) -> None:
        """Bring both sides to the same ids after a crash.

        Vectors without a row are deleted; documents with a missing vector are forgotten, to be read again.
        """
        rows, vectors = self.catalog.ids(), set(self.store.ids())
        self.store.delete(sorted(vectors - rows))
        lost = self.catalog.documents_of(sorted(rows - vectors))
        if lost:
            self.remove(sorted(lost))

    def problems(self) -> list[str]:
        """Return what is wrong, one sentence each; empty when catalog, dense and sparse hold the same chunks."""
        rows, vectors = self.catalog.ids(), set(self.store.ids())
        found = self.catalog.problems()
        if rows - vectors:
            found.append(f"{len(rows - vectors)} chunks have no vectors: run `secondlook ingest` again.")
        if vectors - rows:
            found.append(f"{len(vectors - rows)} vectors belong to no chunk: run `secondlook ingest` again.")
        return found

    def _write_vectors(
        self,
        chunks: Sequence[Chunk],
        counts: Sequence[Counter[str]],
        embedder: Embedder,
        progress: Callable[[int], None] | None,
    ) -> None:
        dense = self._dense(chunks, embedder, progress)
        numbers = self.catalog.term_ids({term for count in counts for term in count})
        average = self.catalog.get("weighted_at")
        if not average:
            average = sum(count.total() for count in counts) / len(counts) or 1.0
            self.catalog.put(weighted_at=average)
        self.store.upsert(
            [
                Point(chunk.id, chunk.document, vector, _numbered(count, numbers, average))
                for chunk, count, vector in zip(chunks, counts, dense, strict=True)
            ]
        )
        self.store.flush()

    def _dense(
        self, chunks: Sequence[Chunk], embedder: Embedder, progress: Callable[[int], None] | None
    ) -> list[NDArray[np.float32]]:
        texts = {chunk.sha256: chunk.text for chunk in chunks}
        twins = self.catalog.same_text(list(texts))
        stored = self.store.vectors(list(twins.values()))
        known = {digest: stored[twin] for digest, twin in twins.items() if twin in stored}
        new = [digest for digest in texts if digest not in known]
        if new:
            known |= dict(zip(new, embedder.passages([texts[digest] for digest in new], progress), strict=True))
        return [known[chunk.sha256] for chunk in chunks]

    def _weights(self, average: float) -> Iterator[tuple[str, Sparse]]:
        everything = self.catalog.all_chunks()
        while page := list(islice(everything, 1000)):
            counts = [Counter(terms_of(chunk.text)) for chunk in page]
            numbers = self.catalog.term_ids({term for count in counts for term in count})
            for chunk, count in zip(page, counts, strict=True):
                yield chunk.id, _numbered(count, numbers, average)


def fingerprint(embedder: Embedder, splitting: Splitting) -> dict[str, str]:
    """Return what an index depends on: another value of any of these asks for a new index."""
    return {
        "embedding model": embedder.name,
        "dimension": str(embedder.dimension),
        "splitter": f"{SPLITTER_VERSION}, {splitting.size} tokens, {splitting.overlap} overlap",
        "analyzer": ANALYZER_VERSION,
        "BM25": f"k1={bm25.K1}, b={bm25.B}",
        "format": tables.FORMAT,
    }


def _numbered(count: Counter[str], numbers: Mapping[str, int], average: float) -> dict[int, float]:
    weights = bm25.document_weights(count, count.total(), average)
    return {numbers[term]: weight for term, weight in weights.items()}
