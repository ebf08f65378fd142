"""The truth about the index: documents, chunks, terms and totals, in SQLite or any SQLAlchemy database.

Vectors are derived from it. A chunk counts as indexed when its row is here; whatever the vector store holds besides
is leftover of an interrupted run.
"""

from __future__ import annotations

import struct
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Row, Select, bindparam, create_engine, event, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from indexer.catalog import tables
from indexer.catalog.documents import DocumentInfo, Draft, KnownFile, Statistics
from indexer.catalog.filters import Filters
from indexer.catalog.rows import (
    IN,
    add_frequencies,
    add_totals,
    cause,
    chunk_row,
    chunk_rows,
    document_row,
    find_terms,
    get_value,
    new_id,
    put_value,
    remove_documents,
    set_up_sqlite,
    to_chunk,
)
from indexer.catalog.transaction import Cache, Writing
from indexer.chunk import Chunk
from indexer.errors import StoreError
from indexer.parts import parts
from indexer.terms import bm25

_PAGE = 1000


class Catalog:
    """The tables behind one index. Reading is safe from any thread; one thread writes at a time.

    Args:
        url: an SQLAlchemy address, such as `sqlite:///catalog.sqlite`.

    Raises:
        StoreError: the database cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", set_up_sqlite)
        self._cache = Cache()
        try:
            tables.metadata.create_all(self._engine)
        except SQLAlchemyError as reason:
            raise StoreError(f"The catalog {url} cannot be opened ({cause(reason)}): check the folder.") from reason

    @classmethod
    def in_folder(cls, folder: Path) -> Catalog:
        """The SQLite catalog of an index folder, created where there is none."""
        return cls(f"sqlite:///{folder / 'catalog.sqlite'}")

    @property
    def writes(self) -> int:
        """How many transactions this object has written: what was derived from the rows before one more is outdated."""
        return self._cache.writes

    def unchanged(self, since: int) -> bool:
        """Whether nothing was committed after `writes` was `since`, and nothing is being committed now."""
        with self._cache.lock:
            return not self._cache.committing and self._cache.writes == since

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401  any JSON value
        """The JSON value under a key of `meta`."""
        with self._engine.connect() as connection:
            return get_value(connection, key, default)

    def put(self, **values: Any) -> None:  # noqa: ANN401  any JSON value
        """Write JSON values into `meta`."""
        with self._writing() as connection:
            for key, value in values.items():
                put_value(connection, key, value)

    def roots(self) -> dict[str, int]:
        """The ids of ingested folders by path, in order of their first ingestion."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(tables.roots.c.path, tables.roots.c.id).order_by(tables.roots.c.id))
            return dict(rows.all())

    def collections(self) -> dict[str, str]:
        """The collection of each ingested folder by path; empty for a folder that is in none."""
        with self._engine.connect() as connection:
            return dict(connection.execute(select(tables.roots.c.path, tables.roots.c.collection)).all())

    def put_collection(self, root_id: int, collection: str) -> None:
        """Move a folder with all its documents to a collection."""
        with self._writing() as connection:
            table = tables.roots
            connection.execute(update(table).where(table.c.id == root_id).values(collection=collection))

    def root(self, path: str, label: str) -> tuple[int, str]:
        """The id and label of a root folder, registered now if it is new; the first one's label is empty."""
        with self._writing() as connection:
            table = tables.roots
            found = connection.execute(select(table.c.id, table.c.label).where(table.c.path == path)).first()
            if found is not None:
                return found.id, found.label
            taken = set(connection.execute(select(table.c.label)).scalars())
            unique = label if taken else ""
            count = 2
            while unique in taken:
                unique = f"{label}-{count}"
                count += 1
            made = connection.execute(insert(table).values(path=path, label=unique, collection=""))
            return new_id(made), unique

    def known(self, root_id: int) -> dict[str, KnownFile]:
        """What is remembered of a root's files, by document name."""
        d, c = tables.documents.c, tables.chunks.c
        counted = select(c.document_id, func.count().label("n")).group_by(c.document_id).subquery()
        query = (
            select(
                d.id, d.name, d.sha256, d.size, d.mtime_ns, d.note, d.settled, func.coalesce(counted.c.n, 0).label("n")
            )
            .outerjoin(counted, counted.c.document_id == d.id)
            .where(d.root_id == root_id)
        )
        with self._engine.connect() as connection:
            return {
                row.name: KnownFile(row.id, row.name, row.sha256, row.size, row.mtime_ns, row.note, row.n, row.settled)
                for row in connection.execute(query)
            }

    def documents(self) -> list[DocumentInfo]:
        """Every document, by name."""
        d, c = tables.documents.c, tables.chunks.c
        counted = select(c.document_id, func.count().label("n")).group_by(c.document_id).subquery()
        query = (
            select(
                tables.documents,
                tables.roots.c.path,
                tables.roots.c.collection,
                func.coalesce(counted.c.n, 0).label("n"),
            )
            .join(tables.roots, tables.roots.c.id == d.root_id)
            .outerjoin(counted, counted.c.document_id == d.id)
            .order_by(d.name)
        )
        with self._engine.connect() as connection:
            return [
                DocumentInfo(
                    document=row.name,
                    title=row.title,
                    kind=row.kind,
                    size=row.size,
                    sha256=row.sha256,
                    mtime_ns=row.mtime_ns,
                    chunks=row.n,
                    note=row.note,
                    root=row.path,
                    collection=row.collection,
                )
                for row in connection.execute(query)
            ]

    def matching(self, filters: Filters) -> tuple[list[str], int]:
        """The names of the documents that the filters leave in, in order, and how many there are in all."""
        with self._engine.connect() as connection:
            names = [name for name, label in connection.execute(filters.query()) if filters.takes(name, label)]
            count = connection.execute(select(func.count()).select_from(tables.documents)).scalar_one()
        return names, int(count)

    def find(self, document: str) -> int | None:
        """The id of the document of that name."""
        with self._engine.connect() as connection:
            found = connection.execute(select(tables.documents.c.id).where(tables.documents.c.name == document))
            return found.scalar()

    def counts(self) -> tuple[int, int]:
        """How many documents and chunks there are."""
        with self._engine.connect() as connection:
            count = connection.execute(select(func.count()).select_from(tables.documents)).scalar_one()
            return int(count), int(get_value(connection, "chunks", 0))

    def chunks(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """The chunks of those ids that exist."""
        return self.look_up(ids)[0]

    def look_up(self, ids: Sequence[str]) -> tuple[dict[str, Chunk], dict[str, bytes]]:
        """The chunks of those ids that exist, and their near-duplicate signatures."""
        rows = self._where(tables.chunks.c.id, ids, chunk_rows())
        return {row.id: to_chunk(row) for row in rows}, {row.id: row.near for row in rows}

    def all_chunks(self) -> Iterator[Chunk]:
        """Yield every chunk in order of id, a page at a time."""
        last = ""
        while True:
            query = chunk_rows().where(tables.chunks.c.id > last).order_by(tables.chunks.c.id).limit(_PAGE)
            with self._engine.connect() as connection:
                page = [to_chunk(row) for row in connection.execute(query)]
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1].id

    def ids(self) -> set[str]:
        """Every chunk id."""
        with self._engine.connect() as connection:
            return set(connection.execute(select(tables.chunks.c.id)).scalars())

    def chunk_ids(self, document_ids: Sequence[int]) -> list[str]:
        """The ids of the chunks of those documents."""
        c = tables.chunks.c
        return [row.id for row in self._where(c.document_id, document_ids, select(c.id))]

    def documents_of(self, ids: Sequence[str]) -> set[int]:
        """The ids of the documents that those chunks belong to."""
        c = tables.chunks.c
        return {row.document_id for row in self._where(c.id, ids, select(c.document_id))}

    def same_text(self, digests: Sequence[str]) -> dict[str, str]:
        """By text digest, the id of a chunk with that text, where there is one."""
        c = tables.chunks.c
        return {row.sha256: row.id for row in self._where(c.sha256, digests, select(c.sha256, c.id))}

    def statistics(self) -> Statistics:
        """The corpus size, the average chunk length in terms and the average idf, cached until the next write."""
        with self._cache.lock:
            cached, writes = self._cache.statistics, self._cache.writes
        if cached is not None:
            return cached
        with self._engine.connect() as connection:
            count, length = get_value(connection, "chunks", 0), get_value(connection, "length", 0)
            t = tables.terms.c
            histogram = connection.execute(select(t.df, func.count().label("n")).where(t.df > 0).group_by(t.df)).all()
        distinct = sum(row.n for row in histogram)
        total = sum(bm25.idf(row.df, count) * row.n for row in histogram)
        found = Statistics(count, length / count if count else 0.0, total / distinct if distinct else 0.0)
        with self._cache.lock:
            if writes == self._cache.writes:
                self._cache.statistics = found
        return found

    def frequencies(self, words: Iterable[str]) -> dict[str, tuple[int, int]]:
        """(id, document frequency) of those terms that some chunk holds."""
        with self._engine.connect() as connection:
            return {term: pair for term, pair in find_terms(connection, words).items() if pair[1] > 0}

    def known_terms(self, words: Iterable[str]) -> dict[str, int]:
        """The id of each term that has one; nothing is given out."""
        with self._engine.connect() as connection:
            return {term: pair[0] for term, pair in find_terms(connection, words).items()}

    def term_ids(self, words: Iterable[str]) -> dict[str, int]:
        """The id of each term, given out now to those that are new.

        Committed before any vector that uses them is written, so that an id never changes its meaning.
        """
        wanted = sorted(set(words))
        with self._engine.connect() as connection:
            known = find_terms(connection, wanted)
        new = [term for term in wanted if term not in known]
        if new:
            with self._writing() as connection:
                for part in parts(new, _PAGE):
                    connection.execute(insert(tables.terms), [{"term": term, "df": 0} for term in part])
                known |= find_terms(connection, new)
        return {term: pair[0] for term, pair in known.items()}

    def write(self, drafts: Sequence[Draft], run: int) -> list[str]:
        """Replace and add documents in one transaction; returns the ids of chunks that are gone with it."""
        with self._writing() as connection:
            old = [number for draft in drafts for number in draft.replaces]
            gone = remove_documents(connection, old)
            lengths = 0
            changes: Counter[str] = Counter()
            for draft in drafts:
                made = connection.execute(insert(tables.documents).values(document_row(draft, run)))
                number = new_id(made)
                rows = [
                    chunk_row(chunk, number, counts.total())
                    for chunk, counts in zip(draft.chunks, draft.counts, strict=True)
                ]
                if rows:
                    connection.execute(insert(tables.chunks), rows)
                lengths += sum(row["length"] for row in rows)
                for counts in draft.counts:
                    changes.update(counts.keys())
            add_frequencies(connection, changes)
            add_totals(connection, sum(len(draft.chunks) for draft in drafts), lengths)
        written = {chunk.id for draft in drafts for chunk in draft.chunks}
        return [chunk for chunk in gone if chunk not in written]

    def remove(self, document_ids: Sequence[int]) -> list[str]:
        """Remove documents in one transaction; returns the ids of their chunks."""
        with self._writing() as connection:
            return remove_documents(connection, document_ids)

    def touch(self, seen: Iterable[tuple[int, int, int, bool]]) -> None:
        """Remember new (document id, size, mtime, settled) for files whose content did not change."""
        rows = [{"key": number, "bytes": size, "time": mtime, "sure": sure} for number, size, mtime, sure in seen]
        if rows:
            d = tables.documents
            fresh: dict[str, Any] = {
                "size": bindparam("bytes"),
                "mtime_ns": bindparam("time"),
                "settled": bindparam("sure"),
            }
            statement = update(d).where(d.c.id == bindparam("key")).values(fresh)
            with self._writing() as connection:
                connection.execute(statement, rows)

    def next_run(self) -> int:
        """The number of a new run, counted up from 1."""
        with self._writing() as connection:
            number = int(get_value(connection, "run", 0)) + 1
            put_value(connection, "run", number)
            return number

    def pages(self, document: str) -> tuple[int, ...]:
        """The offsets of a document's pages; empty where it has none."""
        with self._engine.connect() as connection:
            found = connection.execute(select(tables.documents.c.pages).where(tables.documents.c.name == document))
            raw = found.scalar() or b""
        return struct.unpack(f"<{len(raw) // 8}q", raw)

    def counted(self) -> tuple[int, int, dict[str, int]]:
        """What is kept of the chunks: how many, their length in terms, and the document frequencies above 0."""
        with self._engine.connect() as connection:
            t = tables.terms.c
            kept = dict(connection.execute(select(t.term, t.df).where(t.df != 0)).all())
            return get_value(connection, "chunks", 0), get_value(connection, "length", 0), kept

    def put_counted(self, count: int, length: int, frequencies: Mapping[str, int]) -> None:
        """Replace what `counted` returns."""
        self.term_ids(frequencies)
        with self._writing() as connection:
            connection.execute(update(tables.terms).values(df=0))
            add_frequencies(connection, frequencies)
            put_value(connection, "chunks", count)
            put_value(connection, "length", length)

    def all_signatures(self) -> dict[str, list[bytes]]:
        """The signatures of every document's chunks, by document name."""
        found: defaultdict[str, list[bytes]] = defaultdict(list)
        d, c = tables.documents.c, tables.chunks.c
        query = select(d.name, c.near).join(tables.chunks, c.document_id == d.id)
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                found[row.name].append(row.near)
        return found

    def _where(self, column: Column[Any], values: Sequence[Any], query: Select[Any]) -> list[Row[Any]]:
        """The rows of a query whose column holds one of the values, all as of one moment."""
        with self._engine.connect() as connection:
            return [row for part in parts(values, IN) for row in connection.execute(query.where(column.in_(part)))]

    def _writing(self) -> Writing:
        return Writing(self._engine, self._cache)
