"""A folder brought into the index: only what changed is worked on, nothing is lost, nothing stale stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from indexer.catalog.documents import Draft
from indexer.embed.contract import Embedder
from indexer.errors import FolderError
from indexer.generation import Generation, Splitting
from indexer.ingest.plan import IngestPlan, draw_up
from indexer.ingest.prepare import Preparer, Ready
from indexer.ingest.scan import scan, shown
from indexer.read.by_name import DEFAULT_LIMIT
from indexer.report import WITH_TEXT, FileOutcome, IngestProgress, IngestReport
from rerank.models.running import Cancel

IngestListener = Callable[[IngestProgress], None]

BATCH = 256
"""Chunks that are gathered and committed together; a longer document is a batch of its own, committed as a whole."""
FIRST_BATCH = 32
"""Chunks of the first batch, doubled with each up to `BATCH`: embedding begins soon."""
_EXAMPLES = 3


class _Cancelled(Exception):
    """Raised out of the embedder's progress call; never leaves this file."""


@dataclass(slots=True)
class _Batch:
    """Files on their way through embedding and storing."""

    files: list[Ready]
    dense: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    """Vectors by text digest."""
    seconds: float = 0.0

    @property
    def drafts(self) -> list[Draft]:
        """What is to be written."""
        return [ready.draft for ready in self.files if ready.draft]

    @property
    def chunks(self) -> int:
        """Chunks in it."""
        return sum(len(draft.chunks) for draft in self.drafts)

    @property
    def bytes(self) -> int:
        """Size of its files."""
        return sum(ready.found.size for ready in self.files)


@dataclass(slots=True)
class Sync:
    """One run over one folder; `run` may be called once."""

    generation: Generation
    folder: Path
    embedder: Embedder
    splitting: Splitting
    leave_out: Path | None = None
    """A folder inside that is passed over: the index itself."""
    collection: str | None = None
    """The collection that the folder belongs to from now on; None leaves it where it is."""
    progress: IngestListener | None = None
    cancel: Cancel | None = None
    """Asked often; a cancelled run leaves a whole index."""
    limit: int = DEFAULT_LIMIT
    """Bytes above which a file is refused."""
    _started: float = field(default_factory=time.perf_counter)
    _outcomes: list[FileOutcome] = field(default_factory=list)
    _files: int = 0
    _chunks: int = 0
    _bytes: int = 0
    _bytes_done: float = 0.0
    _embedding: float = 0.0
    _storing: float = 0.0
    _recent: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    """Vectors of the batch that is being stored, which the catalog may not know yet."""

    def run(self, *, dry_run: bool = False, allow_empty: bool = False) -> IngestReport:
        """What was done to each file to make the index agree with the folder.

        With `dry_run` nothing is written, and the report says what would be done. Unless `allow_empty`, a folder
        without a readable file changes nothing: an unmounted disk must not wipe an index.

        Raises:
            FolderError: the folder is missing, empty, or holds nothing readable; the index is as it was.
            EmbedderError: the model failed; what was finished before stays.
            StoreError: the store or the catalog refused.
        """
        self._tell("scan")
        found, skipped = scan(self.folder, self.leave_out)
        self._outcomes += skipped
        if not found and not allow_empty:
            raise FolderError(self._nothing())
        catalog = self.generation.catalog
        if not dry_run and catalog.get("dirty"):
            self.generation.repair()
        plan = draw_up(catalog, self.folder, found, register=not dry_run)
        self._outcomes += plan.settled
        if self.collection is not None and not dry_run and plan.collection != self.collection:
            catalog.put_collection(plan.root_id, self.collection)
        self._files = len(found) + len(skipped)
        self._bytes = sum(one.size for one in plan.todo)
        preparer = Preparer(plan, self.embedder, self.splitting, self.limit)
        if dry_run:
            self._outcomes += [preparer.classify(one) for one in plan.todo]
            cancelled, removed = False, set(plan.gone) - preparer.moved
        elif plan.todo or plan.gone or catalog.get("dirty"):
            cancelled, removed = self._work(plan, preparer, allow_empty=allow_empty)
        else:
            cancelled, removed = False, set()
            self._require_text(allow_empty=allow_empty)
        self._outcomes += [FileOutcome(plan.file(name), "removed") for name in removed]
        self._tell("done")
        outcomes = tuple(sorted(self._outcomes, key=lambda one: (one.file, one.outcome)))
        stages = {**preparer.seconds, "embed": self._embedding, "store": self._storing}
        return IngestReport(shown(self.folder), outcomes, time.perf_counter() - self._started, cancelled, stages)

    def _work(self, plan: IngestPlan, preparer: Preparer, *, allow_empty: bool) -> tuple[bool, set[str]]:
        """Write, then delete, then settle; returns whether it was cancelled, and the names that were removed."""
        catalog = self.generation.catalog
        catalog.put(dirty=True)
        number = catalog.next_run()
        outdated: list[int] = []
        cancelled = False
        with ThreadPoolExecutor(1, thread_name_prefix="store") as writer:
            waiting: Future[_Batch] | None = None
            try:
                for files in self._batches(plan, preparer):
                    batch = self._embed(files, waiting)
                    if waiting is not None:
                        outdated += self._stored(waiting.result())
                    waiting = writer.submit(self._store, batch, number)
            except _Cancelled:
                cancelled = True
            if waiting is not None:
                outdated += self._stored(waiting.result())
        if cancelled:
            done = {one.file for one in self._outcomes}
            late = [one.file for one in plan.todo if one.file not in done]
            self._outcomes += [FileOutcome(file, "skipped", "The run was cancelled before this file.") for file in late]
        self._tell("settle")
        removed: set[str] = set()
        if not cancelled:
            self._require_text(allow_empty=allow_empty)
            removed = set(plan.gone) - preparer.moved
            self.generation.remove([*outdated, *(plan.gone[name].id for name in sorted(removed))])
        self.generation.settle(self._chunks)
        catalog.put(dirty=False)
        return cancelled, removed

    def _batches(self, plan: IngestPlan, preparer: Preparer) -> Iterator[list[Ready]]:
        """Yield files in batches of up to about `BATCH` chunks; the next one is read while this one is embedded."""
        now = time.time_ns()
        files = iter(plan.todo)
        size = FIRST_BATCH

        def gather() -> list[Ready]:
            nonlocal size
            enough, size = size, min(2 * size, BATCH)
            batch: list[Ready] = []
            chunks = 0
            for found in files:
                if self.cancel:
                    raise _Cancelled
                ready = preparer.prepare(found, now)
                batch.append(ready)
                chunks += len(ready.draft.chunks) if ready.draft else 0
                if chunks >= enough or len(batch) >= BATCH:
                    break
            return batch

        with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
            waiting = reader.submit(gather)
            while batch := waiting.result():
                waiting = reader.submit(gather)
                yield batch

    def _embed(self, files: list[Ready], storing: Future[_Batch] | None) -> _Batch:
        """The files with their vectors, while the batch before is being stored."""
        started = time.perf_counter()
        batch = _Batch(files)
        share = batch.bytes / max(1, batch.chunks)
        before = self._bytes_done

        def embedded(count: int) -> None:
            if self.cancel:
                raise _Cancelled
            if storing is None or storing.done():
                self._bytes_done = before + count * share
            self._tell("index", files[0].found.file, count)

        chunks = [chunk for draft in batch.drafts for chunk in draft.chunks]
        if chunks:
            batch.dense = self.generation.embed(chunks, self.embedder, embedded, self._recent)
            self._recent = batch.dense
        self._bytes_done = before
        batch.seconds = time.perf_counter() - started
        self._embedding += batch.seconds
        return batch

    def _store(self, batch: _Batch, number: int) -> _Batch:
        """Store a batch, in the thread that does all writing."""
        started = time.perf_counter()
        if batch.drafts:
            self.generation.write(batch.drafts, batch.dense, number)
        self.generation.catalog.touch(ready.seen for ready in batch.files if ready.seen)
        spent = time.perf_counter() - started
        self._storing += spent
        batch.seconds += spent
        return batch

    def _stored(self, batch: _Batch) -> list[int]:
        """Account for a stored batch; returns the ids of earlier versions that nothing replaces."""
        self._chunks += batch.chunks
        self._bytes_done += batch.bytes
        each = batch.seconds / max(1, batch.chunks)
        for ready in batch.files:
            share = each * len(ready.draft.chunks) if ready.draft else 0.0
            self._outcomes.append(replace(ready.outcome, seconds=ready.outcome.seconds + share))
        self._tell("index", batch.files[-1].found.file)
        return [ready.outdated for ready in batch.files if ready.outdated is not None]

    def _require_text(self, *, allow_empty: bool) -> None:
        if not allow_empty and not any(one.outcome in WITH_TEXT for one in self._outcomes):
            raise FolderError(self._nothing())

    def _nothing(self) -> str:
        unread = [one for one in self._outcomes if one.reason]
        if not unread:
            return (
                f"The folder {shown(self.folder)} holds no files: nothing was changed; to empty the index on purpose, "
                f"allow an empty folder."
            )
        examples = "; ".join(f"{one.file}: {one.reason}" for one in unread[:_EXAMPLES])
        return (
            f"None of the {len(unread)} files in {shown(self.folder)} could be read as text, so nothing was changed "
            f"({examples})"
        )

    def _tell(self, phase: Literal["scan", "index", "settle", "done"], current: str = "", embedded: int = 0) -> None:
        if self.progress is None:
            return
        chunks = self._chunks + embedded
        elapsed = time.perf_counter() - self._started
        left = None
        if self._bytes_done:
            left = elapsed * (self._bytes - self._bytes_done) / self._bytes_done
        self.progress(
            IngestProgress(
                phase=phase,
                files_done=self._files if phase == "done" else len(self._outcomes),
                files_total=self._files,
                chunks_done=chunks,
                chunks_per_second=chunks / elapsed if elapsed else 0.0,
                seconds_left=0.0 if phase == "done" else left,
                current=current,
                failures=sum(1 for one in self._outcomes if one.outcome == "failed"),
            )
        )
