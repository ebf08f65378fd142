"""What an ingest run did, file by file, and how far it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

OutcomeKind = Literal["added", "changed", "unchanged", "renamed", "removed", "empty", "skipped", "failed"]
WITH_TEXT: frozenset[OutcomeKind] = frozenset({"added", "changed", "unchanged", "renamed"})
"""Outcomes of a file that holds text, and so is in the index."""

LONGEST_NAME = 100
"""Characters in the name of a collection."""


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """What a run may be asked for besides its folder."""

    rebuild: bool = False
    """Build this folder and those ingested before anew beside the old index, which answers until the new one is whole
    and takes its place."""
    dry_run: bool = False
    """Only say what would be done to each file."""
    allow_empty: bool = False
    """Take a folder without a readable file as meant: its documents are removed."""
    collection: str | None = None
    """The name of the collection that the folder belongs to from now on; empty for none, None to leave it where it
    is."""


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What happened to one file."""

    file: str
    """Path relative to the folder, forward slashes."""
    outcome: OutcomeKind
    reason: str = ""
    """Why a file is empty, skipped or failed, in one sentence; empty otherwise."""
    chunks: int = 0
    tokens: int = 0
    seconds: float = 0.0
    """Its own reading, and its share of embedding and storing by chunks."""


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far a run is."""

    phase: Literal["scan", "index", "settle", "done"]
    files_done: int
    files_total: int
    chunks_done: int
    chunks_per_second: float
    seconds_left: float | None
    """None until there is a rate to extrapolate from."""
    current: str = ""
    failures: int = 0


@dataclass(frozen=True, slots=True)
class IngestReport:
    """Every file exactly once, in path order, and the whole run's cost."""

    folder: str
    outcomes: tuple[FileOutcome, ...]
    seconds: float
    cancelled: bool = False
    stages: Mapping[str, float] = field(default_factory=dict)
    """Seconds of work by stage (read, split, embed, store); they overlap, so they add up to more than `seconds`."""

    @property
    def counts(self) -> Counter[str]:
        """How many files had each outcome."""
        return Counter(one.outcome for one in self.outcomes)

    @property
    def chunks(self) -> int:
        """Chunks written by this run."""
        return sum(one.chunks for one in self.outcomes if one.outcome in {"added", "changed"})
