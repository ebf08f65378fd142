"""A folder brought into the index: only what changed is worked on, nothing is lost, nothing stale stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from indexer.embedder import Embedder
from indexer.errors import FolderError
from indexer.generation import Generation, Splitting
from indexer.plan import Plan, draw_up
from indexer.prepare import Preparer, Ready
from indexer.read import DEFAULT_LIMIT
from indexer.report import IngestProgress, IngestReport, Outcome
from indexer.scan import scan, shown

Progress = Callable[[IngestProgress], None]
Cancel = Callable[[], bool]

BATCH = 256
"""Chunks that are embedded and committed together; a document is never divided."""
_EXAMPLES = 3
_WITH_TEXT = frozenset({"added", "changed", "unchanged", "renamed"})


class _Cancelled(Exception):
    """Raised out of the embedder's progress call; never leaves this file."""


@dataclass(slots=True)
class Sync:
    """One run over one folder; `run` may be called once."""

    generation: Generation
    folder: Path
    embedder: Embedder
    splitting: Splitting
    leave_out: Path | None = None
    """A folder inside that is passed over: the index itself."""
    progress: Progress | None = None
    cancel: Cancel | None = None
    """Asked often; a cancelled run leaves a whole index."""
    limit: int = DEFAULT_LIMIT
    """Bytes above which a file is refused."""
    _started: float = field(default_factory=time.perf_counter)
    _outcomes: list[Outcome] = field(default_factory=list)
    _files: int = 0
    _chunks: int = 0
    _bytes: int = 0
    _bytes_done: float = 0.0

    def run(self, *, dry_run: bool = False, allow_empty: bool = False) -> IngestReport:
        """Return what was done to each file to make the index agree with the folder.

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
        self._outcomes += [Outcome(plan.file(name), "removed") for name in removed]
        self._tell("done")
        outcomes = tuple(sorted(self._outcomes, key=lambda one: (one.file, one.outcome)))
        return IngestReport(shown(self.folder), outcomes, time.perf_counter() - self._started, cancelled)

    def _work(self, plan: Plan, preparer: Preparer, *, allow_empty: bool) -> tuple[bool, set[str]]:
        """Write, then delete, then settle; returns whether it was cancelled, and the names that were removed."""
        catalog = self.generation.catalog
        catalog.put(dirty=True)
        number = catalog.next_run()
        outdated: list[int] = []
        cancelled = False
        try:
            for batch in self._batches(plan, preparer):
                outdated += self._write(batch, number)
        except _Cancelled:
            cancelled = True
            done = {one.file for one in self._outcomes}
            late = [one.file for one in plan.todo if one.file not in done]
            self._outcomes += [Outcome(file, "skipped", "The run was cancelled before this file.") for file in late]
        self._tell("settle")
        removed: set[str] = set()
        if not cancelled:
            self._require_text(allow_empty=allow_empty)
            removed = set(plan.gone) - preparer.moved
            self.generation.remove([*outdated, *(plan.gone[name].id for name in sorted(removed))])
        self.generation.settle(self._chunks)
        catalog.put(dirty=False)
        return cancelled, removed

    def _batches(self, plan: Plan, preparer: Preparer) -> Iterator[list[Ready]]:
        """Yield files in batches of about `BATCH` chunks; the next one is read while this one is embedded."""
        now = time.time_ns()
        files = iter(plan.todo)

        def gather() -> list[Ready]:
            batch: list[Ready] = []
            chunks = 0
            for found in files:
                if self.cancel is not None and self.cancel():
                    raise _Cancelled
                ready = preparer.prepare(found, now)
                batch.append(ready)
                chunks += len(ready.draft.chunks) if ready.draft else 0
                if chunks >= BATCH or len(batch) >= BATCH:
                    break
            return batch

        with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
            waiting = reader.submit(gather)
            while batch := waiting.result():
                waiting = reader.submit(gather)
                yield batch

    def _write(self, batch: list[Ready], number: int) -> list[int]:
        """Store a batch; returns the ids of earlier versions that nothing replaces."""
        drafts = [ready.draft for ready in batch if ready.draft]
        size = sum(ready.found.size for ready in batch)
        total = sum(len(draft.chunks) for draft in drafts) or 1
        chunks, bytes_done = self._chunks, self._bytes_done
        current = batch[0].found.file

        def embedded(count: int) -> None:
            if self.cancel is not None and self.cancel():
                raise _Cancelled
            self._chunks, self._bytes_done = chunks + count, bytes_done + size * count / total
            self._tell("index", current)

        try:
            if drafts:
                self.generation.write(drafts, self.embedder, number, embedded)
        except BaseException:
            self._chunks, self._bytes_done = chunks, bytes_done
            raise
        self.generation.catalog.touch(ready.seen for ready in batch if ready.seen)
        self._chunks, self._bytes_done = chunks + sum(len(draft.chunks) for draft in drafts), bytes_done + size
        self._outcomes += [ready.outcome for ready in batch]
        self._tell("index", batch[-1].found.file)
        return [ready.outdated for ready in batch if ready.outdated is not None]

    def _require_text(self, *, allow_empty: bool) -> None:
        if not allow_empty and not any(one.outcome in _WITH_TEXT for one in self._outcomes):
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

    def _tell(self, phase: Literal["scan", "index", "settle", "done"], current: str = "") -> None:
        if self.progress is None:
            return
        elapsed = time.perf_counter() - self._started
        left = None
        if self._bytes_done:
            left = elapsed * (self._bytes - self._bytes_done) / self._bytes_done
        self.progress(
            IngestProgress(
                phase=phase,
                files_done=self._files if phase == "done" else len(self._outcomes),
                files_total=self._files,
                chunks_done=self._chunks,
                chunks_per_second=self._chunks / elapsed if elapsed else 0.0,
                seconds_left=0.0 if phase == "done" else left,
                current=current,
                failures=sum(1 for one in self._outcomes if one.outcome == "failed"),
            )
        )
