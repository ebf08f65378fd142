"""The unit that is stored, retrieved and reranked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID, uuid5

_NAMESPACE = UUID("6f1c1f0a-6a38-5d0e-9a53-5ec04d1007c8")
"""Namespace of chunk ids: a constant of the index format, never to change."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of one document, with the place it was cut from.

    `source[start:end] == text` holds for the document's extracted text; offsets count Unicode code points.
    """

    id: str
    """Deterministic UUID: see `chunk_id`."""
    document: str
    """Path relative to the indexed folder, with forward slashes."""
    ordinal: int
    """Position among the document's chunks, from 0."""
    start: int
    end: int
    text: str
    title: str = ""
    """The document's title where the file states one, else empty."""
    context: str = ""
    """The headings that the chunk stands under, outermost first, one line: "Handbook > Brakes > T4"; not in `text`."""
    page: int | None = None
    """The page of the file, from 1, on which it begins; None for formats without pages."""
    line: int | None = None
    """The line of the file, from 1, on which it begins; None for formats without lines."""

    @property
    def indexed(self) -> str:
        """What is embedded and counted: the context on a line of its own, then the text."""
        return indexed(self.context, self.text)

    @property
    def sha256(self) -> str:
        """The hex digest of the text: the key under which scores and token vectors are cached."""
        return _digest(self.text)

    @property
    def digest(self) -> str:
        """The hex digest of what is embedded: chunks that share it share a vector."""
        return _digest(self.indexed)


def indexed(context: str, text: str) -> str:
    """What is embedded and counted of a chunk with that context and text."""
    return f"{context}\n{text}" if context else text


@dataclass(frozen=True, slots=True)
class Hit:
    """One chunk as one first-stage retriever ranked it."""

    chunk_id: str
    rank: int
    """From 1."""
    score: float
    """The retriever's own score: cosine for dense, BM25 for sparse."""


def chunk_id(document: str, ordinal: int, indexed: str) -> str:
    """The id of a chunk: a version-5 UUID of document, ordinal and what is embedded of it.

    The same at the same place always gets the same id, so writing it again changes nothing; the same text under another
    heading is another chunk, so that a vector is never overwritten before the catalog knows.
    """
    return str(uuid5(_NAMESPACE, f"{document}\n{ordinal}\n{_digest(indexed)}".encode("utf-8", "surrogatepass").hex()))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
