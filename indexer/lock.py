"""Who owns an index folder: one process at a time, and the others are told which."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from indexer.errors import StoreError, StoreLocked

_LOCK, _OWNER = "owner.lock", "owner.json"


@dataclass(frozen=True, slots=True)
class LockOwner:
    """The process that holds an index."""

    pid: int
    what: str
    """What it is doing, in a few words: "the page", "ingest"."""
    url: str | None
    """Where it takes work over HTTP, if it does."""
    since: str
    """ISO 8601, UTC."""


class Lock:
    """A held index folder; made by `acquire`, released by `release` or by the death of the process."""

    def __init__(self, lock: FileLock, folder: Path, owner: LockOwner) -> None:
        self._lock = lock
        self._folder = folder
        self._owner = owner
        self._write()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    @property
    def owner(self) -> LockOwner:
        """This process, as others see it."""
        return self._owner

    def set_url(self, url: str | None) -> None:
        """Tell others where this process takes work over HTTP."""
        self._owner = LockOwner(self._owner.pid, self._owner.what, url, self._owner.since)
        self._write()

    def release(self) -> None:
        """Give the folder up; doing it twice is fine."""
        if self._lock.is_locked:
            (self._folder / _OWNER).unlink(missing_ok=True)
            self._lock.release()

    def _write(self) -> None:
        part = self._folder / f"{_OWNER}.part"
        part.write_text(json.dumps(asdict(self._owner)), encoding="utf-8")
        part.replace(self._folder / _OWNER)


def acquire(folder: Path, what: str, url: str | None = None) -> Lock:
    """The lock on an index folder, which is created where there is none.

    Raises:
        StoreLocked: another process, or another part of this one, holds it; the message says who.
        StoreError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK, thread_local=False, is_singleton=False)
        lock.acquire(timeout=0)
    except Timeout as reason:
        raise StoreLocked(_told(folder, _read(folder))) from reason
    except OSError as reason:
        raise StoreError(f"The index folder {folder} cannot be used ({reason.strerror or reason}).") from reason
    return Lock(lock, folder, LockOwner(os.getpid(), what, url, datetime.now(UTC).isoformat(timespec="seconds")))


def owner(folder: Path) -> LockOwner | None:
    """Who holds an index folder, None if nobody does (whatever a killed process left behind)."""
    if not (folder / _LOCK).exists():
        return None
    probe = FileLock(folder / _LOCK, thread_local=False, is_singleton=False)
    try:
        probe.acquire(timeout=0)
    except Timeout:
        return _read(folder) or LockOwner(0, "another process", None, "")
    except OSError:
        return None
    probe.release()
    return None


def _read(folder: Path) -> LockOwner | None:
    try:
        found = json.loads((folder / _OWNER).read_text(encoding="utf-8"))
        return LockOwner(int(found["pid"]), str(found["what"]), found["url"], str(found["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _told(folder: Path, holder: LockOwner | None) -> str:
    if holder is None:
        return f"The index {folder} is in use by another process: wait for it, or stop it."
    place = f" at {holder.url}" if holder.url else ""
    return (
        f"The index {folder} is in use by {holder.what}{place} (process {holder.pid}, since {holder.since}): "
        f"wait for it, or stop it."
    )
