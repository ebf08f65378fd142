"""One file made ready for the index: hashed, read, split and counted, with every failure kept to that file."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from dataclasses import dataclass, replace

from indexer.documents import Draft, Known
from indexer.embedder import Embedder
from indexer.errors import ReadError
from indexer.generation import Splitting
from indexer.plan import Plan, unchanged
from indexer.read import load, read_bytes
from indexer.report import Outcome, OutcomeKind
from indexer.scan import Found
from indexer.split import segments, split
from indexer.terms import terms as terms_of
from indexer.text import NotText

_RACY_NS = 2_000_000_000
"""A file this young may change again within its time stamp: its content is looked at again next time."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A file that was looked at: a draft to be written, or an outcome that needs no writing."""

    found: Found
    outcome: Outcome
    draft: Draft | None = None
    """None where nothing is to be written."""
    outdated: int | None = None
    """Id of an earlier version that has to go, although no draft replaces it."""
    seen: tuple[int, int, int] | None = None
    """(document id, size, mtime) of a file that was only touched."""


class Preparer:
    """Makes files ready, one after the other; remembers which vanished documents it found again under a new name."""

    def __init__(self, plan: Plan, embedder: Embedder, splitting: Splitting, limit: int) -> None:
        self._plan = plan
        self._embedder = embedder
        self._splitting = splitting
        self._limit = limit
        self._vanished: dict[str, list[Known]] = {}
        for name in sorted(plan.gone, reverse=True):
            self._vanished.setdefault(plan.gone[name].sha256, []).append(plan.gone[name])
        self.moved: set[str] = set()
        """Names of vanished documents that live on under another name."""

    def classify(self, found: Found) -> Outcome:
        """Return what would become of a file, by its content's hash, without reading it as a document."""
        try:
            raw = load(found.path, self._limit)
        except ReadError as reason:
            return Outcome(found.file, "failed", str(reason))
        before = self._plan.known.get(self._plan.name(found))
        digest = hashlib.sha256(raw).hexdigest()
        if before is not None:
            return unchanged(found.file, before) if before.sha256 == digest else Outcome(found.file, "changed")
        old = self._take(digest)
        return (
            Outcome(found.file, "renamed", f"It was {self._plan.file(old.document)}.")
            if old
            else Outcome(found.file, "added")
        )

    def prepare(self, found: Found, now_ns: int) -> Ready:
        """Return the file made ready; `now_ns` is the clock by which a young file is told."""
        started = time.perf_counter()
        before = self._plan.known.get(self._plan.name(found))
        try:
            raw = load(found.path, self._limit)
        except ReadError as reason:
            kept = " The earlier version is kept." if before else ""
            return Ready(found, Outcome(found.file, "failed", f"{reason}{kept}"))
        digest = hashlib.sha256(raw).hexdigest()
        mtime_ns = found.mtime_ns if now_ns - found.mtime_ns > _RACY_NS else -1
        if before is not None and before.sha256 == digest:
            return Ready(found, unchanged(found.file, before), seen=(before.id, len(raw), mtime_ns))
        try:
            draft, tokens = self._draft(found, raw, digest, mtime_ns)
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
        seconds = time.perf_counter() - started
        outcome = Outcome(found.file, kind, reason_text, len(draft.chunks), tokens, seconds)
        return Ready(
            found, outcome, replace(draft, replaces=replaces, note=reason_text if kind == "empty" else draft.note)
        )

    def _draft(self, found: Found, raw: bytes, digest: str, mtime_ns: int) -> tuple[Draft, int]:
        document = self._plan.name(found)
        text = read_bytes(raw, found.path.suffix.lower())
        chunks = split(text, document, self._embedder, size=self._splitting.size, overlap=self._splitting.overlap)
        draft = Draft(
            document=document,
            root_id=self._plan.root_id,
            sha256=digest,
            size=len(raw),
            mtime_ns=mtime_ns,
            title=text.title,
            kind=text.kind,
            note=" ".join(text.notes),
            pages=text.pages,
            chunks=tuple(chunks),
            counts=tuple(Counter(terms_of(chunk.text)) for chunk in chunks),
        )
        return draft, sum(self._embedder.count_tokens(part) for _, part in segments(text.text))

    def _take(self, digest: str) -> Known | None:
        waiting = self._vanished.get(digest)
        if not waiting:
            return None
        old = waiting.pop()
        self.moved.add(old.document)
        return old

    @staticmethod
    def _unread(found: Found, before: Known | None, kind: OutcomeKind, reason: str) -> Ready:
        return Ready(found, Outcome(found.file, kind, reason), outdated=before.id if before else None)
