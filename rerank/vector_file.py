"""Token vectors in one SQLite file: survives a crash at any moment, shared between processes, bounded in bytes."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rerank.errors import BadInput

_log = logging.getLogger(__name__)

StoredVectors = tuple[NDArray[np.int8], NDArray[np.float32]]
"""Codes (n, d) and scales (n,)."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (
    model TEXT NOT NULL, key TEXT NOT NULL, used REAL NOT NULL, bytes INTEGER NOT NULL,
    codes BLOB NOT NULL, scales BLOB NOT NULL, PRIMARY KEY (model, key)
);
CREATE INDEX IF NOT EXISTS vectors_used ON vectors (used, bytes);
"""
_KEYS_PER_QUERY = 500
_BUSY_SECONDS = 2.0


class VectorFile:
    """The disk half of a vector cache; a damaged file is replaced, for it holds nothing that is not derived."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._path = folder / "token-vectors.sqlite"
        self._most = max_bytes
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._db = self._open()
        except (sqlite3.OperationalError, OSError) as refused:
            raise BadInput(f"{folder} cannot hold token vectors ({refused}): choose a folder to write to.") from refused
        except sqlite3.DatabaseError:
            _log.warning("%s is damaged: starting an empty one.", self._path)
            for leftover in folder.glob(f"{self._path.name}*"):
                leftover.unlink()
            self._db = self._open()

    def get_many(self, model: str, keys: Sequence[str]) -> list[StoredVectors | None]:
        """What is stored under each key, or None; nothing, and a line in the log, where the file cannot be read now."""
        try:
            found = self._read(model, keys)
        except sqlite3.Error as failed:
            _log.warning("%s cannot be read (%s): token vectors are computed again.", self._path, failed)
            found = {}
        return [found.get(key) for key in keys]

    def _read(self, model: str, keys: Sequence[str]) -> dict[str, StoredVectors]:
        found: dict[str, StoredVectors] = {}
        for at in range(0, len(keys), _KEYS_PER_QUERY):
            some = keys[at : at + _KEYS_PER_QUERY]
            marks = ",".join("?" * len(some))
            rows = self._db.execute(
                f"SELECT key, codes, scales FROM vectors WHERE model = ? AND key IN ({marks})",  # noqa: S608 - only question marks
                (model, *some),
            )
            for key, codes, scales in rows:
                factors = np.frombuffer(scales, dtype=np.float32)
                found[key] = np.frombuffer(codes, dtype=np.int8).reshape(len(factors), -1), factors
        if found:
            with self._db:
                now = time.time()
                self._db.executemany(
                    "UPDATE vectors SET used = ? WHERE model = ? AND key = ?", ((now, model, key) for key in found)
                )
        return found

    def put_many(self, model: str, keys: Sequence[str], stored: Sequence[StoredVectors]) -> None:
        """Store one entry per key in one transaction; the least recently used ones go.

        Where the file cannot be written now, nothing is stored and the log says so: a cache must not stop a search.
        """
        now = time.time()
        rows = [
            (model, key, now, codes.nbytes + scales.nbytes, codes.tobytes(), scales.tobytes())
            for key, (codes, scales) in zip(keys, stored, strict=True)
            if len(scales)
        ]
        try:
            with self._db:
                self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?, ?, ?)", rows)
                self._shrink()
        except sqlite3.Error as failed:
            _log.warning("%s cannot be written (%s): token vectors are kept in memory only.", self._path, failed)

    def clear(self) -> None:
        """Remove every entry and give the space back."""
        with self._db:
            self._db.execute("DELETE FROM vectors")
        try:
            self._db.execute("VACUUM")
        except sqlite3.OperationalError as busy:
            _log.warning("%s is empty but keeps its size for now (%s).", self._path, busy)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _shrink(self) -> None:
        (total,) = self._db.execute("SELECT coalesce(sum(bytes), 0) FROM vectors").fetchone()
        excess = total - self._most
        if excess <= 0:
            return
        gone = []
        for rowid, size in self._db.execute("SELECT rowid, bytes FROM vectors ORDER BY used, rowid"):
            gone.append((rowid,))
            excess -= size
            if excess <= 0:
                break
        self._db.executemany("DELETE FROM vectors WHERE rowid = ?", gone)

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.executescript(_SCHEMA)
        except sqlite3.DatabaseError:
            db.close()
            raise
        return db
