"""What a run has to do: the folder as it is against the catalog as it remembers it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from indexer.catalog.catalog import Catalog
from indexer.catalog.documents import KnownFile
from indexer.errors import BadName
from indexer.ingest.scan import FoundFile, scan, shown
from indexer.report import LONGEST_NAME, FileOutcome, IngestReport


@dataclass(frozen=True, slots=True)
class IngestPlan:
    """The difference between a folder and the catalog, by size and time; content decides later."""

    root_id: int
    label: str
    todo: tuple[FoundFile, ...]
    """Files that are new, or whose size or time changed."""
    settled: tuple[FileOutcome, ...]
    """Files that need no work."""
    known: dict[str, KnownFile]
    """What the catalog remembers of this folder, by document name."""
    gone: dict[str, KnownFile]
    """The part of it whose file is no longer there."""
    collection: str = ""
    """The collection that the folder belongs to."""

    def name(self, found: FoundFile) -> str:
        """The document name of a file: its path, after the folder's label where it has one."""
        return f"{self.label}:{found.file}" if self.label else found.file

    def file(self, document: str) -> str:
        """The path within the folder of a document."""
        return document.removeprefix(f"{self.label}:") if self.label else document


def root_key(folder: Path) -> str:
    """How the catalog names a folder: its absolute path."""
    return shown(folder.resolve())


def draw_up(catalog: Catalog, folder: Path, found: list[FoundFile], *, register: bool) -> IngestPlan:
    """The plan for a folder; a folder that is new to the catalog is only entered there if `register`."""
    roots, collections = catalog.roots(), catalog.collections()
    key = root_key(folder)
    if key in roots or register:
        root_id, label = catalog.root(key, shown(Path(folder.resolve().name)) or "root")
        known = catalog.known(root_id)
    else:
        root_id, label, known = 0, shown(Path(folder.resolve().name)) if roots else "", {}
    draft = IngestPlan(root_id, label, (), (), known, {})
    todo: list[FoundFile] = []
    settled: list[FileOutcome] = []
    present: set[str] = set()
    for one in found:
        name = draft.name(one)
        present.add(name)
        before = known.get(name)
        if before is not None and before.settled and (before.size, before.mtime_ns) == (one.size, one.mtime_ns):
            settled.append(unchanged(one.file, before))
        else:
            todo.append(one)
    gone = {name: one for name, one in known.items() if name not in present}
    return IngestPlan(root_id, label, tuple(todo), tuple(settled), known, gone, collections.get(key, ""))


def unchanged(file: str, before: KnownFile) -> FileOutcome:
    """The outcome of a file that is as it was; one without text stays visible as empty."""
    if before.chunks == 0:
        return FileOutcome(file, "empty", before.note)
    return FileOutcome(file, "unchanged", before.note, before.chunks)


def foreseen(folder: Path, leave_out: Path) -> IngestReport:
    """What a rebuild does to a folder: every file is added that is not skipped."""
    found, skipped = scan(folder, leave_out)
    outcomes = [*skipped, *(FileOutcome(one.file, "added") for one in found)]
    return IngestReport(shown(folder), tuple(sorted(outcomes, key=lambda one: one.file)), 0.0)


def check_name(collection: str) -> None:
    """Check that a collection may be called so: up to 100 printable characters; empty means none.

    Raises:
        BadName: it may not.
    """
    if len(collection) > LONGEST_NAME or not collection.isprintable() or collection != collection.strip():
        raise BadName(
            f"A collection cannot be called {collection[:LONGEST_NAME]!r}: use up to {LONGEST_NAME} printable "
            f"characters without spaces around them."
        )
