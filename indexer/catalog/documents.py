"""A document as the catalog knows it: before it is written, after, and in short."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from indexer.chunk import Chunk


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """One indexed file."""

    document: str
    title: str
    kind: str
    size: int
    """Bytes."""
    sha256: str
    mtime_ns: int
    chunks: int
    note: str = ""
    """What a person should know about how it was read."""
    root: str = ""
    """The folder it was read from."""
    collection: str = ""
    """The collection that the folder belongs to; empty for none."""


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What the catalog remembers of a file, to tell whether it changed."""

    id: int
    document: str
    sha256: str
    size: int
    mtime_ns: int
    note: str
    chunks: int
    settled: bool = True
    """False where the file was so young that it may have changed within its time stamp: size and time prove nothing."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that is ready to be written: read, split, counted and embedded."""

    document: str
    root_id: int
    sha256: str
    size: int
    mtime_ns: int
    title: str
    kind: str
    note: str
    pages: tuple[int, ...]
    chunks: tuple[Chunk, ...]
    counts: tuple[Counter[str], ...]
    """Terms of each chunk."""
    replaces: tuple[int, ...] = ()
    """Ids of documents that go in the same transaction: the old version, or the old name."""
    settled: bool = True
    """See `KnownFile.settled`."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What BM25 needs to know about the whole corpus."""

    chunks: int
    average_length: float
    average_idf: float
