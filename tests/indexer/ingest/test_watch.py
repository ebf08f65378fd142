"""Claims about watching: what is noticed, what is not, and that it ends."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from indexer.errors import FolderError
from indexer.ingest.watch import bursts

SECONDS = 30.0


def until_change(folder: Path, stop: threading.Event, leave_out: Path | None, work: threading.Thread) -> int:
    """Changed paths of the first burst; 0 if there is none in time."""
    started = time.monotonic()
    for changed in bursts(folder, stop, leave_out):
        if not work.ident:
            work.start()  # the watch is on: it yields 0 while nothing happens
        if changed or time.monotonic() - started > SECONDS:
            return changed
    return 0


def test_a_burst_is_one_signal_and_hidden_files_and_the_index_are_none(tmp_path: Path) -> None:
    folder, index = tmp_path / "folder", tmp_path / "folder" / "index"
    index.mkdir(parents=True)

    def work() -> None:
        (index / "catalog.sqlite").write_text("x")
        (folder / ".hidden").write_text("x")
        for number in range(5):
            (folder / f"{number}.txt").write_text("x")

    stop = threading.Event()
    assert until_change(folder, stop, index, threading.Thread(target=work)) == 5


def test_watching_ends_when_it_is_told_to(tmp_path: Path) -> None:
    stop = threading.Event()
    seen = []
    for changed in bursts(tmp_path, stop):
        seen.append(changed)
        stop.set()
    assert seen == [0]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="nowhere"):
        next(bursts(tmp_path / "nowhere", threading.Event()))
