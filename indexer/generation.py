"""One generation of an index: a catalog and its vectors, kept in step through any crash.

Vectors are written and flushed before the catalog commits; what is deleted leaves the catalog first. So a crash can
only leave vectors without a row, which `repair` sweeps.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.catalog import tables
from indexer.catalog.catalog import Catalog
from indexer.catalog.documents import Draft
from indexer.chunk import Chunk
from indexer.embed.contract import Embedder
from indexer.errors import StoreError
from indexer.parts import parts
from indexer.split.split import DEFAULT_OVERLAP, DEFAULT_SIZE, SPLITTER_VERSION
from indexer.terms import bm25
from indexer.terms.analyzer import ANALYZER_VERSION
from indexer.terms.analyzer import terms as terms_of
from indexer.vectors.contract import Point, Sparse, VectorStore

DRIFT = 0.01
"""Relative change of the average chunk length above which the stored BM25 weights are computed anew."""
RESERVE = 128 * 2**20
"""Bytes that must be free before anything is written: the engine's log and segments grow in steps of this order."""
PIECE = 512
"""Chunks that are embedded, and written, at once: what a long document takes does not grow with it."""
_PAGE = 1000
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

    def embed(
        self,
        chunks: Sequence[Chunk],
        embedder: Embedder,
        progress: Callable[[int], None] | None = None,
        recent: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> dict[str, NDArray[np.float32]]:
        """The dense vector of each text, by its digest.

        A text that is stored already, here or under another name, or is among `recent`, is not embedded again. The
        model gets `PIECE` texts at a time; `progress` gets the number of all that are done.
        """
        texts = {chunk.digest: chunk.indexed for chunk in chunks}
        known = {digest: vector for digest, vector in (recent or {}).items() if digest in texts}
        twins = self.catalog.same_text([digest for digest in texts if digest not in known])
        stored = self.store.vectors(list(twins.values()))
        known |= {digest: stored[twin] for digest, twin in twins.items() if twin in stored}
        new = [digest for digest in texts if digest not in known]
        for start in range(0, len(new), PIECE):
            piece = new[start : start + PIECE]
            told = None if progress is None else _counted_from(start, progress)
            known |= dict(zip(piece, embedder.passages([texts[digest] for digest in piece], told), strict=True))
        return known

    def write(self, drafts: Sequence[Draft], dense: Mapping[str, NDArray[np.float32]], run: int) -> None:
        """Store documents: vectors first, then the catalog, then what they replace is deleted.

        Raises:
            StoreError: the disk is almost full, or the store or the catalog refused.
        """
        self.check_space()
        chunks = [chunk for draft in drafts for chunk in draft.chunks]
        counts = [count for draft in drafts for count in draft.counts]
        if chunks:
            self.write_vectors(chunks, counts, dense)
        gone = self.catalog.write(drafts, run)
        self.store.delete(gone)

    def check_space(self, reserve: int = RESERVE) -> None:
        """Check that the disk has room: the engine maps its files into memory, and dies of a full disk unasked.

        Raises:
            StoreError: it has not; what was written before is whole.
        """
        free = shutil.disk_usage(self.folder).free
        if free < reserve:
            raise StoreError(
                f"The disk that holds the index {self.folder.parent} has only {free / 2**20:,.0f} MiB left: free some "
                f"space, then ingest again; what is done stays."
            )

    def remove(self, document_ids: Sequence[int]) -> None:
        """Delete documents: from the catalog first."""
        self.store.delete(self.catalog.remove(document_ids))

    def query_weights(self, words: Sequence[str]) -> dict[str, tuple[int, float]]:
        """The term id and weight of each of the words that some chunk holds: the query side of BM25."""
        frequencies = self.catalog.frequencies(words)
        statistics = self.catalog.statistics()
        weights = bm25.query_weights(
            words, {term: pair[1] for term, pair in frequencies.items()}, statistics.chunks, statistics.average_idf
        )
        return {term: (frequencies[term][0], weight) for term, weight in weights.items()}

    def average_length(self) -> float:
        """Terms of a chunk on average, as the stored side of BM25 was last computed; 0 while there is none."""
        return float(self.catalog.get("weighted_at") or self.catalog.statistics().average_length)

    def settle(self, written: int) -> None:
        """Finish a run: weights recomputed where the average length moved, the engine tidied, everything flushed."""
        average = self.catalog.statistics().average_length
        at = self.catalog.get("weighted_at")
        if average and (at is None or self.catalog.get("reweighting") or abs(average - at) > DRIFT * at):
            # the mark makes the next run start over if this one is killed between the two
            self.catalog.put(reweighting=True, weighted_at=average)
            self.reweight(self.catalog.all_chunks(), average)
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

    def write_vectors(
        self, chunks: Sequence[Chunk], counts: Sequence[Counter[str]], dense: Mapping[str, NDArray[np.float32]]
    ) -> None:
        """Write and flush the points of chunks, `PIECE` at a time: dense vectors by digest, sparse ones by terms."""
        numbers = self.catalog.term_ids({term for count in counts for term in count})
        average = self.catalog.get("weighted_at")
        if not average:
            average = sum(count.total() for count in counts) / len(counts) or 1.0
            self.catalog.put(weighted_at=average)
        for start in range(0, len(chunks), PIECE):
            piece = zip(chunks[start : start + PIECE], counts[start : start + PIECE], strict=True)
            self.store.upsert(
                [
                    Point(one.id, one.document, dense[one.digest], numbered(count, numbers, average), one.digest)
                    for one, count in piece
                ]
            )
        self.store.flush()

    def reweight(self, chunks: Iterable[Chunk], average: float) -> None:
        """Compute the stored side of BM25 of chunks anew for that average length, and flush it."""
        self.store.reweight(self._weights(chunks, average))
        self.store.flush()

    def _weights(self, chunks: Iterable[Chunk], average: float) -> Iterator[tuple[str, Sparse]]:
        for page in parts(chunks, _PAGE):
            counts = [Counter(terms_of(chunk.indexed)) for chunk in page]
            numbers = self.catalog.term_ids({term for count in counts for term in count})
            for chunk, count in zip(page, counts, strict=True):
                yield chunk.id, numbered(count, numbers, average)


def _counted_from(start: int, progress: Callable[[int], None]) -> Callable[[int], None]:
    return lambda done: progress(start + done)


def fingerprint(embedder: Embedder, splitting: Splitting) -> dict[str, str]:
    """What an index depends on: another value of any of these asks for a new index."""
    return {
        "embedding model": embedder.name,
        "dimension": str(embedder.dimension),
        "splitter": f"{SPLITTER_VERSION}, {splitting.size} tokens, {splitting.overlap} overlap",
        "analyzer": ANALYZER_VERSION,
        "BM25": f"k1={bm25.K1}, b={bm25.B}",
        "format": tables.FORMAT,
    }


def numbered(count: Mapping[str, int], numbers: Mapping[str, int], average: float) -> dict[int, float]:
    """The stored side of BM25 by term id, of a chunk with these terms; terms without a number are left out."""
    weights = bm25.document_weights(count, sum(count.values()), average)
    return {numbers[term]: weight for term, weight in weights.items() if term in numbers}
