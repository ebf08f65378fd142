"""One file made ready for the index: hashed, read, split and counted, with every failure kept to that file."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from dataclasses import dataclass, replace

from indexer.catalog.documents import Draft, KnownFile
from indexer.embed.contract import Embedder
from indexer.errors import ReadError
from indexer.generation import Splitting
from indexer.ingest.plan import IngestPlan, unchanged
from indexer.ingest.scan import FoundFile
from indexer.read.by_name import Loaded, load
from indexer.read.text import NotText
from indexer.read.worker import Worker
from indexer.report import FileOutcome, OutcomeKind
from indexer.split.split import segments, split
from indexer.terms.analyzer import terms as terms_of

_RACY_NS = 2_000_000_000
"""A file this young may change again within its time stamp: its content is looked at again next time."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A file that was looked at: a draft to be written, or an outcome that needs no writing."""

    found: FoundFile
    outcome: FileOutcome
    draft: Draft | None = None
    """None where nothing is to be written."""
    outdated: int | None = None
    """Id of an earlier version that has to go, although no draft replaces it."""
    seen: tuple[int, int, int, bool] | None = None
    """(document id, size, mtime, settled) of a file that was only touched."""


class Preparer:
    """Makes files ready, one after the other; remembers which vanished documents it found again under a new name."""

    def __init__(
        self, plan: IngestPlan, embedder: Embedder, splitting: Splitting, limit: int, worker: Worker | None = None
    ) -> None:
        self._plan = plan
        self._embedder = embedder
        self._splitting = splitting
        self._limit = limit
        self._worker = worker or Worker()  # ends with this object
        self._vanished: dict[str, list[KnownFile]] = {}
        for name in sorted(plan.gone, reverse=True):
            self._vanished.setdefault(plan.gone[name].sha256, []).append(plan.gone[name])
        self.moved: set[str] = set()
        """Names of vanished documents that live on under another name."""
        self.seconds = {"read": 0.0, "split": 0.0}
        """Seconds of work so far, by stage."""

    def classify(self, found: FoundFile) -> FileOutcome:
        """What would become of a file, by its content's hash, without reading it as a document."""
        try:
            raw = load(found.path, self._limit).raw
        except ReadError as reason:
            return FileOutcome(found.file, "failed", str(reason))
        before = self._plan.known.get(self._plan.name(found))
        digest = hashlib.sha256(raw).hexdigest()
        if before is not None:
            return unchanged(found.file, before) if before.sha256 == digest else FileOutcome(found.file, "changed")
        old = self._take(digest)
        return (
            FileOutcome(found.file, "renamed", f"It was {self._plan.file(old.document)}.")
            if old
            else FileOutcome(found.file, "added")
        )

    def prepare(self, found: FoundFile, now_ns: int) -> Ready:
        """The file made ready; `now_ns` is the clock by which a young file is told."""
        started = time.perf_counter()
        ready = self._prepare(found, now_ns)
        spent = time.perf_counter() - started
        self.seconds["read"] += spent
        return replace(ready, outcome=replace(ready.outcome, seconds=spent))

    def _prepare(self, found: FoundFile, now_ns: int) -> Ready:
        before = self._plan.known.get(self._plan.name(found))
        try:
            seen = load(found.path, self._limit)
        except ReadError as reason:
            kept = " The earlier version is kept." if before else ""
            return Ready(found, FileOutcome(found.file, "failed", f"{reason}{kept}"))
        digest = hashlib.sha256(seen.raw).hexdigest()
        settled = now_ns - seen.mtime_ns > _RACY_NS
        if before is not None and before.sha256 == digest:
            return Ready(found, unchanged(found.file, before), seen=(before.id, seen.size, seen.mtime_ns, settled))
        try:
            draft, tokens = self._draft(found, seen, digest)
        except NotText as reason:
            return self._unread(found, before, "skipped", str(reason))
        except ReadError as reason:
            return self._unread(found, before, "failed", str(reason))
        except Exception as reason:  # noqa: BLE001  the per-file sandbox: whatever a parser does costs this file only
            cause = " ".join(str(reason).split())[:200] or "no message"
            return self._unread(found, before, "failed", f"Its reader failed ({type(reason).__name__}: {cause}).")
        kind: OutcomeKind = "changed" if before else "added"
        reason_text = draft.note
        replaces = (before.id,) if before else ()
        if before is None and (old := self._take(digest)):
            kind, replaces = "renamed", (old.id,)
            reason_text = f"It was {self._plan.file(old.document)}."
        if not draft.chunks:
            kind, reason_text = "empty", draft.note or "It holds no text."
        outcome = FileOutcome(found.file, kind, reason_text, len(draft.chunks), tokens)
        note = reason_text if kind == "empty" else draft.note
        return Ready(found, outcome, replace(draft, replaces=replaces, note=note, settled=settled))

    def _draft(self, found: FoundFile, seen: Loaded, digest: str) -> tuple[Draft, int]:
        document = self._plan.name(found)
        text = self._worker.read(seen.raw, found.path.suffix.lower())
        started = time.perf_counter()
        chunks = split(text, document, self._embedder, size=self._splitting.size, overlap=self._splitting.overlap)
        draft = Draft(
            document=document,
            root_id=self._plan.root_id,
            sha256=digest,
            size=seen.size,
            mtime_ns=seen.mtime_ns,
            title=text.title,
            kind=text.kind,
            note=" ".join(text.notes),
            pages=text.pages,
            chunks=tuple(chunks),
            counts=tuple(Counter(terms_of(chunk.indexed)) for chunk in chunks),
        )
        tokens = sum(self._embedder.count_tokens(part) for _, part in segments(text.text))
        spent = time.perf_counter() - started
        self.seconds["split"] += spent
        self.seconds["read"] -= spent  # `prepare` counts all of a file's time as reading
        return draft, tokens

    def _take(self, digest: str) -> KnownFile | None:
        waiting = self._vanished.get(digest)
        if not waiting:
            return None
        old = waiting.pop()
        self.moved.add(old.document)
        return old

    @staticmethod
    def _unread(found: FoundFile, before: KnownFile | None, kind: OutcomeKind, reason: str) -> Ready:
        return Ready(found, FileOutcome(found.file, kind, reason), outdated=before.id if before else None)
