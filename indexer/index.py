"""The index of one or several folders: its life. What a query reads of it is `indexer.snapshot`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from indexer.catalog.documents import DocumentInfo
from indexer.chunk import Chunk
from indexer.embed.contract import Embedder
from indexer.errors import IndexerError, StoreError
from indexer.generation import Generation, Splitting, fingerprint
from indexer.generations import CURRENT, FIRST, Generations
from indexer.ingest import audit
from indexer.ingest.plan import check_name, foreseen
from indexer.ingest.scan import scan
from indexer.ingest.sync import IngestListener, Sync
from indexer.lock import Lock, acquire
from indexer.report import FileOutcome, IngestOptions, IngestReport
from indexer.snapshot import Snapshot
from indexer.split.split import DEFAULT_OVERLAP, DEFAULT_SIZE
from indexer.terms import near
from indexer.terms.exact import ExactBM25
from indexer.vectors.contract import VectorStore
from rerank.models.running import Cancel


class Index:
    """An open index; made by `Index.open`. Searching is safe from any thread, also while a folder is being ingested."""

    def __init__(
        self, path: Path, embedder: Embedder, splitting: Splitting, lock: Lock, generations: Generations
    ) -> None:
        self._path = path
        self._embedder = embedder
        self._splitting = splitting
        self._lock = lock
        self._generations = generations
        self._syncing = threading.Lock()
        self._closing = Cancel()
        self._exact: tuple[Generation, int, ExactBM25] | None = None

    @classmethod
    def open(
        cls,
        path: Path,
        embedder: Embedder,
        *,
        store_url: str | None = None,
        collection: str = "secondlook",
        api_key: str | None = None,
        create: bool = True,
        rebuild: bool = False,
        owner: str = "another command",
        size: int = DEFAULT_SIZE,
        overlap: int = DEFAULT_OVERLAP,
    ) -> Index:
        """The index in a folder, created where there is none unless `create` is false.

        Vectors are kept in this process, or on the Qdrant server at `store_url`. With `rebuild`, an index that was
        built with other settings opens too; until it is ingested into, which replaces it, it answers no queries.
        `owner` is what other processes are told about this one.

        Raises:
            StoreLocked: another process holds the index; the message says which.
            FingerprintMismatch: it was built with other settings; the message names both and the command that rebuilds.
            StoreError: there is none and `create` is false, or it cannot be opened.
        """
        if not create and not (path / CURRENT).is_file():
            raise StoreError(f"There is no index at {path}: build one with `secondlook ingest FOLDER`.")

        def connect(number: int, folder: Path) -> VectorStore:
            if store_url is None:
                from indexer.vectors.edge import EdgeStore

                return EdgeStore.open(folder / "vectors", embedder.dimension)
            from indexer.vectors.server import ServerStore

            name = collection if number == FIRST else f"{collection}-{number}"
            return ServerStore.connect(store_url, name, embedder.dimension, api_key)

        lock = acquire(path, owner)
        splitting = Splitting(size, overlap)
        try:
            generations = Generations(path, fingerprint(embedder, splitting), connect, shared=store_url is not None)
            generations.open(tolerate_mismatch=rebuild)
        except BaseException:
            lock.release()
            raise
        return cls(path, embedder, splitting, lock, generations)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop a running ingestion, close everything, and give the folder up. Closing twice is fine."""
        self._closing.request()
        with self._syncing:
            self._generations.close()
            self._lock.release()

    @property
    def path(self) -> Path:
        """The index's folder."""
        return self._path

    @property
    def embedder(self) -> Embedder:
        """The model that its vectors come from."""
        return self._embedder

    @property
    def description(self) -> str:
        """The vector engine, version and place, in one line."""
        with self._generations.reading() as now:
            return now.store.description

    def set_url(self, url: str | None) -> None:
        """Tell other processes where this one takes work over HTTP."""
        self._lock.set_url(url)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """What a query reads, the same from its first look to its last, whatever is ingested or rebuilt meanwhile."""
        with self._generations.reading() as now:
            yield Snapshot(now, self._embedder, self._exact_index)

    def all_chunks(self) -> Iterator[Chunk]:
        """Every chunk, in order of id."""
        with self._generations.reading() as now:
            yield from now.catalog.all_chunks()

    def documents(self) -> list[DocumentInfo]:
        """Every indexed document, by name."""
        with self._generations.reading() as now:
            return now.catalog.documents()

    def roots(self) -> list[str]:
        """The folders that were ingested."""
        with self._generations.reading() as now:
            return [str(root) for root in now.catalog.roots()]

    def counts(self) -> tuple[int, int]:
        """How many documents and chunks there are."""
        with self._generations.reading() as now:
            return now.catalog.counts()

    def verify(self) -> list[str]:
        """What is wrong, one sentence each; empty when the vectors held are those of the catalog's chunks and texts."""
        with self._generations.reading() as now:
            return audit.problems(now)

    def repair(self) -> list[str]:
        """Make the index whole and return what was done, one sentence each; empty where nothing had to be.

        Raises:
            IndexerError: an ingestion is running.
        """
        with self._alone(), self._generations.reading() as now:
            return audit.repair(now, self._embedder)

    def near_duplicates(self) -> list[list[str]]:
        """Groups of documents whose texts resemble each other, by name."""
        with self._generations.reading() as now:
            return near.alike(now.catalog.all_signatures())

    def delete(self, document: str) -> bool:
        """Remove a document by name and return whether it was there; it comes back if its file is ingested again.

        Raises:
            IndexerError: an ingestion is running.
        """
        with self._alone(), self._generations.reading() as now:
            found = now.catalog.find(document)
            if found is not None:
                now.remove([found])
                now.settle(0)
            return found is not None

    def sync(
        self,
        folder: Path,
        options: IngestOptions | None = None,
        *,
        progress: IngestListener | None = None,
        cancel: Cancel | None = None,
    ) -> IngestReport:
        """What was done to each file to bring the folder into the index; see `indexer.ingest.sync.Sync.run`.

        Raises:
            BadName: the collection cannot be called so.
            FolderError: the folder is missing, empty, or holds nothing readable; the index is as it was.
            IndexerError: an ingestion is running already.
        """
        asked, stop = options or IngestOptions(), Cancel(self._closing, cancel)

        def run(generation: Generation, root: Path, into: str | None) -> IngestReport:
            work = Sync(generation, root, self._embedder, self._splitting, self._path, into, progress, stop)
            return work.run(dry_run=asked.dry_run, allow_empty=asked.allow_empty)

        if asked.collection is not None:
            check_name(asked.collection)
        with self._alone():
            if asked.rebuild or not self._generations.matches:
                return foreseen(folder, self._path) if asked.dry_run else self._rebuild(folder, asked.collection, run)
            with self._generations.reading() as now:
                return run(now, folder, asked.collection)

    def _rebuild(
        self, folder: Path, collection: str | None, run: Callable[[Generation, Path, str | None], IngestReport]
    ) -> IngestReport:
        scan(folder, self._path)
        roots = self._generations.roots()
        roots.setdefault(folder.resolve(), "")
        if collection is not None:
            roots[folder.resolve()] = collection
        number = self._generations.next
        generation = self._generations.begin(number)
        reports: list[IngestReport] = []
        try:
            for root, into in roots.items():
                reports.append(run(generation, root, into))
                if reports[-1].cancelled:
                    break
        except BaseException:
            generation.close()
            raise
        if reports[-1].cancelled:
            generation.close()
        else:
            self._generations.switch(number, generation)
        return reports[0] if len(reports) == 1 else _joined(reports)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._closing:
            raise StoreError(f"The index {self._path} is closed: open it again.")
        if not self._syncing.acquire(blocking=False):
            raise IndexerError(f"An ingestion into {self._path} is running already: wait for it, or cancel it.")
        try:
            yield
        finally:
            self._syncing.release()

    def _exact_index(self, now: Generation) -> ExactBM25:
        """The rank-bm25 index over all chunks as of the last write."""
        writes = now.catalog.writes
        if self._exact is None or self._exact[:2] != (now, writes):
            chunks = list(now.catalog.all_chunks())
            made = ExactBM25(
                [one.id for one in chunks], [one.indexed for one in chunks], [one.document for one in chunks]
            )
            self._exact = (now, writes, made)
        return self._exact[2]


def _joined(reports: Sequence[IngestReport]) -> IngestReport:
    """One report over several folders; each file with its folder's path."""
    outcomes = [
        FileOutcome(f"{report.folder}/{one.file}", one.outcome, one.reason, one.chunks, one.tokens, one.seconds)
        for report in reports
        for one in report.outcomes
    ]
    return IngestReport(
        ", ".join(report.folder for report in reports),
        tuple(sorted(outcomes, key=lambda one: one.file)),
        sum(report.seconds for report in reports),
        any(report.cancelled for report in reports),
    )
