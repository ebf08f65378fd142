"""One transaction of the catalog: what was derived from the rows is dropped, a database's refusal is put into words."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import TracebackType

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError

from indexer.catalog.documents import Statistics
from indexer.catalog.rows import cause
from indexer.errors import StoreError


@dataclass(slots=True)
class Cache:
    """What is derived from the rows, and how often they were written."""

    statistics: Statistics | None = None
    writes: int = 0
    committing: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Writing:
    """A transaction that drops the cached statistics when it commits, and maps a database's refusal."""

    def __init__(self, engine: Engine, cache: Cache) -> None:
        self._begin = engine.begin()
        self._cache = cache

    def __enter__(self) -> Connection:
        connection: Connection = self._begin.__enter__()
        return connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._cache.lock:
            self._cache.committing += 1
        try:
            self._begin.__exit__(kind, error, trace)
        except DatabaseError as reason:
            raise StoreError(f"The catalog refused to commit ({cause(reason)}): is the disk full?") from reason
        finally:
            with self._cache.lock:
                self._cache.committing -= 1
                self._cache.statistics = None
                self._cache.writes += 1
        if isinstance(error, DatabaseError):
            raise StoreError(f"The catalog refused a change ({cause(error)}).") from error
