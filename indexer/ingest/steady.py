"""Reading what may be changing: a file that is written to while it is read is read once more, then reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from indexer.errors import ReadError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Steady(Generic[T]):
    """What was read, and the size and time that the file had before and after."""

    value: T
    size: int
    mtime_ns: int


def steady(path: Path, read: Callable[[], T]) -> Steady[T]:
    """What `read` makes of a file whose size and time were the same before and after.

    Raises:
        ReadError: the file cannot be looked at, or changed during both of two readings.
    """
    for _ in range(2):
        before = _look(path)
        value = read()
        if _look(path) == before:
            return Steady(value, *before)
    raise ReadError("The file kept changing while it was read: it is taken up by the next run.")


def _look(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as reason:
        raise ReadError(f"The file cannot be opened ({reason.strerror or reason}).") from reason
    return status.st_size, status.st_mtime_ns
