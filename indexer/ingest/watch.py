"""When a folder changes: bursts of changes as one signal each, until asked to stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from watchfiles import Change, watch

from indexer.errors import FolderError
from indexer.ingest.scan import IGNORE_FILE, shown

QUIET_MS = 500
"""A burst is over when nothing changed for this long."""
IDLE_MS = 2000
"""A sign of life comes this often."""
LONGEST_MS = 10_000
"""A burst that does not end is reported after this long."""


def bursts(folder: Path, stop: threading.Event, leave_out: Path | None = None) -> Iterator[int]:
    """Yield the number of changed paths after each burst of changes in a folder, and 0 every two seconds without any.

    What `scan` passes over silently (hidden names, the folder `leave_out`) does not count. The folder's whole state is
    to be looked at after each burst: a system that loses events then costs a delay and no document. Ends once `stop`
    is set.

    Raises:
        FolderError: the folder cannot be watched.
    """
    root = folder.resolve()
    without = leave_out.resolve() if leave_out else None

    def counts(_: Change, path: str) -> bool:
        place = Path(path)
        if without is not None and place.is_relative_to(without):
            return False
        inner = place.relative_to(root) if place.is_relative_to(root) else place
        return inner.as_posix() == IGNORE_FILE or not any(part.startswith(".") for part in inner.parts)

    try:
        for changes in watch(
            root,
            watch_filter=counts,
            debounce=LONGEST_MS,
            step=QUIET_MS,
            stop_event=stop,
            rust_timeout=IDLE_MS,
            yield_on_timeout=True,
        ):
            yield len({path for _, path in changes})
    except OSError as reason:
        raise FolderError(f"The folder {shown(folder)} cannot be watched ({reason.strerror or reason}).") from reason
