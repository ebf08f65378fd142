"""Something costly that is made when needed, used by one thread at a time, and given back when idle."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Held(Generic[T]):
    """Makes a `T` on first use, lends it to one thread at a time, and drops it on `release` or after idle seconds."""

    def __init__(self, make: Callable[[], T], idle_seconds: float | None = None) -> None:
        self._make = make
        self._idle = idle_seconds
        self._lock = threading.RLock()
        self._thing: T | None = None
        self._timer: threading.Timer | None = None
        self._used = 0.0

    @property
    def present(self) -> bool:
        """True while the thing is in memory."""
        return self._thing is not None

    @contextmanager
    def lend(self) -> Iterator[T]:
        """The thing, for the length of a `with` block; other threads wait."""
        with self._lock:
            if self._thing is None:
                self._thing = self._make()
            try:
                yield self._thing
            finally:
                self._used = time.monotonic()
                self._watch()

    def release(self) -> None:
        """Drop the thing; the next `lend` makes it again."""
        with self._lock:
            self._thing = None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _watch(self, after: float | None = None) -> None:
        if self._idle is None or self._timer is not None:
            return
        self._timer = threading.Timer(self._idle if after is None else after, self._look)
        self._timer.daemon = True
        self._timer.start()

    def _look(self) -> None:
        """Run by the timer: drop the thing if nothing used it meanwhile, else look again later."""
        with self._lock:
            self._timer = None
            if self._idle is None or self._thing is None:
                return
            left = self._used + self._idle - time.monotonic()
            if left <= 0:
                self._thing = None
            else:
                self._watch(left)
