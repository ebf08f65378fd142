"""The catalog's tables: plain types that SQLite and PostgreSQL share."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

FORMAT = "3"
"""Version of these tables and of what stands beside a vector, part of the fingerprint."""

metadata = MetaData()

meta = Table("meta", metadata, Column("key", String, primary_key=True), Column("value", Text, nullable=False))
"""Fingerprint and totals, as JSON values."""

roots = Table(
    "roots",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("path", Text, nullable=False, unique=True),
    Column("label", String, nullable=False, unique=True),
    Column("collection", String, nullable=False),
)
"""Folders that were ingested; the label stands before the names of all but the first one's documents."""

documents = Table(
    "documents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("root_id", ForeignKey("roots.id"), nullable=False, index=True),
    Column("name", Text, nullable=False, unique=True),
    Column("sha256", String(64), nullable=False, index=True),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("settled", Boolean, nullable=False),
    Column("title", Text, nullable=False),
    Column("kind", String, nullable=False),
    Column("note", Text, nullable=False),
    Column("pages", LargeBinary, nullable=False),
    Column("run", Integer, nullable=False),
)

chunks = Table(
    "chunks",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("document_id", ForeignKey("documents.id", ondelete="CASCADE"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("page", Integer),
    Column("line", Integer),
    Column("sha256", String(64), nullable=False, index=True),
    Column("length", Integer, nullable=False),
    Column("near", LargeBinary, nullable=False),
    Index("chunks_in_order", "document_id", "ordinal"),
)

terms = Table(
    "terms",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("term", Text, nullable=False, unique=True),
    Column("df", Integer, nullable=False, index=True),
)
"""Vocabulary; a term keeps its id when the last chunk that holds it goes."""
