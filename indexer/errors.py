"""Everything that indexing can refuse, as one tree.

IndexerError
 ├── FolderError          the folder is missing, empty, or holds nothing readable
 ├── ReadError            one file cannot be turned into text (recorded per file, never fatal)
 ├── EmbedderError        the embedding model is missing, or answered nonsense
 ├── StoreError           the vector store refused or lost something
 │    └── StoreLocked     another process owns the index
 ├── BadName              a collection cannot be called so
 └── FingerprintMismatch  the index was built with another model, splitter or analyzer

Each message is one sentence that names the thing and the next step.
"""


class IndexerError(Exception):
    """The root of every error that indexing raises."""


class FolderError(IndexerError):
    """The folder cannot be indexed: missing, empty, or without a readable file."""


class ReadError(IndexerError):
    """One file could not be read as text; the message is the reason shown in the report."""


class EmbedderError(IndexerError):
    """The embedding model is missing, or what it answered is not a finite, non-zero vector."""


class StoreError(IndexerError):
    """The vector store refused an operation."""


class StoreLocked(StoreError):
    """Another process owns the index."""


class BadName(IndexerError):
    """A collection cannot be called so."""


class FingerprintMismatch(IndexerError):
    """The index was built with a different model, splitter or analyzer than the one asked for."""
