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

    @property
    def sha256(self) -> str:
        """The hex digest of the text: the key under which scores and token vectors are cached."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Hit:
    """One chunk as one first-stage retriever ranked it."""

    chunk_id: str
    rank: int
    """From 1."""
    score: float
    """The retriever's own score: cosine for dense, BM25 for sparse."""


def chunk_id(document: str, ordinal: int, text: str) -> str:
    """Return the id of a chunk: a version-5 UUID of document, ordinal and text.

    The same text at the same place always gets the same id, so writing it again changes nothing.
    """
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return str(uuid5(_NAMESPACE, f"{document}\n{ordinal}\n{digest}".encode("utf-8", "surrogatepass").hex()))
