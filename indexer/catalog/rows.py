"""Rows of the catalog: statements that are shared, and the way between rows and values."""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, bindparam, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from indexer.catalog import tables
from indexer.catalog.documents import Draft
from indexer.chunk import Chunk, indexed
from indexer.errors import StoreError
from indexer.parts import parts
from indexer.terms import near
from indexer.terms.analyzer import terms as terms_of

IN = 500
"""Values in one IN list: below every engine's limit on parameters."""


def set_up_sqlite(connection: Any, _: object) -> None:  # noqa: ANN401  a DB-API connection
    """Put a fresh connection into write-ahead mode, with foreign keys and full durability."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def cause(reason: SQLAlchemyError) -> str:
    """The database's own words, without SQLAlchemy's."""
    return str(getattr(reason, "orig", None) or reason).strip().rstrip(".")


def get_value(connection: Connection, key: str, default: Any) -> Any:  # noqa: ANN401  any JSON value
    """The JSON value under a key of `meta`."""
    found = connection.execute(select(tables.meta.c.value).where(tables.meta.c.key == key)).scalar()
    return default if found is None else json.loads(found)


def put_value(connection: Connection, key: str, value: Any) -> None:  # noqa: ANN401  any JSON value
    """Write the JSON value under a key of `meta`."""
    text = json.dumps(value, ensure_ascii=True, sort_keys=True)
    done = connection.execute(update(tables.meta).where(tables.meta.c.key == key).values(value=text))
    if done.rowcount == 0:
        connection.execute(insert(tables.meta).values(key=key, value=text))


def new_id(result: CursorResult[Any]) -> int:
    """The id that an inserted row got."""
    key = result.inserted_primary_key
    if key is None:
        raise StoreError("The catalog's database gives no ids to new rows: use SQLite or PostgreSQL.")
    return int(key[0])


def find_terms(connection: Connection, words: Iterable[str]) -> dict[str, tuple[int, int]]:
    """(id, document frequency) of the known ones among the words."""
    found: dict[str, tuple[int, int]] = {}
    t = tables.terms.c
    for part in parts(sorted(set(words)), IN):
        rows = connection.execute(select(t.term, t.id, t.df).where(t.term.in_(part)))
        found.update((row.term, (row.id, row.df)) for row in rows)
    return found


def chunk_rows() -> Any:  # noqa: ANN401  a Select
    """The query whose rows `chunk` takes."""
    return select(tables.chunks, tables.documents.c.name, tables.documents.c.title).join(
        tables.documents, tables.documents.c.id == tables.chunks.c.document_id
    )


def to_chunk(row: Any) -> Chunk:  # noqa: ANN401  a Row
    """The chunk of a row."""
    return Chunk(
        id=row.id,
        document=row.name,
        ordinal=row.ordinal,
        start=row.start,
        end=row.end,
        text=row.text,
        title=row.title,
        context=row.context,
        page=row.page,
        line=row.line,
    )


def document_row(draft: Draft, run: int) -> dict[str, Any]:
    """The row of a document."""
    return {
        "root_id": draft.root_id,
        "name": draft.document,
        "sha256": draft.sha256,
        "size": draft.size,
        "mtime_ns": draft.mtime_ns,
        "settled": draft.settled,
        "title": draft.title,
        "kind": draft.kind,
        "note": draft.note,
        "pages": struct.pack(f"<{len(draft.pages)}q", *draft.pages),
        "run": run,
    }


def chunk_row(chunk: Chunk, document_id: int, length: int) -> dict[str, Any]:
    """The row of a chunk."""
    return {
        "id": chunk.id,
        "document_id": document_id,
        "ordinal": chunk.ordinal,
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
        "context": chunk.context,
        "page": chunk.page,
        "line": chunk.line,
        "sha256": chunk.digest,
        "length": length,
        "near": near.signature(chunk.text),
    }


def remove_documents(connection: Connection, document_ids: Sequence[int]) -> list[str]:
    """Delete documents with everything that counts them; returns the ids of their chunks."""
    gone: list[str] = []
    length = 0
    changes: Counter[str] = Counter()
    c = tables.chunks.c
    for part in parts(document_ids, IN):
        for row in connection.execute(select(c.id, c.context, c.text, c.length).where(c.document_id.in_(part))):
            gone.append(row.id)
            length += row.length
            changes.subtract(set(terms_of(indexed(row.context, row.text))))
        connection.execute(delete(tables.chunks).where(c.document_id.in_(part)))
        connection.execute(delete(tables.documents).where(tables.documents.c.id.in_(part)))
    add_frequencies(connection, changes)
    add_totals(connection, -len(gone), -length)
    return gone


def add_frequencies(connection: Connection, changes: Mapping[str, int]) -> None:
    """Add to the document frequency of terms."""
    rows = [{"word": term, "change": change} for term, change in sorted(changes.items()) if change]
    if rows:
        t = tables.terms
        change = bindparam("change", type_=t.c.df.type)
        connection.execute(update(t).where(t.c.term == bindparam("word")).values(df=t.c.df + change), rows)


def add_totals(connection: Connection, count: int, length: int) -> None:
    """Add to the totals: chunks, and their length in terms."""
    if count or length:
        put_value(connection, "chunks", get_value(connection, "chunks", 0) + count)
        put_value(connection, "length", get_value(connection, "length", 0) + length)
