"""Claims about watching: what is noticed, what is not, and that it ends."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from indexer.errors import FolderError
from indexer.ingest.watch import bursts

pytestmark = pytest.mark.waits

SECONDS = 120.0


def signals(folder: Path, leave_out: Path | None, work: threading.Thread, count: int) -> list[int]:
    """Changed paths of each burst until there are so many in all; what came in time where there are fewer."""
    started = time.monotonic()
    seen: list[int] = []
    for changed in bursts(folder, threading.Event(), leave_out):
        if not work.ident:
            work.start()  # the watch is on: it yields 0 while nothing happens
        seen += [changed] if changed else []
        if sum(seen) >= count or time.monotonic() - started > SECONDS:
            break
    return seen


def test_a_burst_is_one_signal_and_hidden_files_and_the_index_are_none(tmp_path: Path) -> None:
    folder, index, elsewhere = tmp_path / "folder", tmp_path / "folder" / "index", tmp_path / "elsewhere"
    index.mkdir(parents=True)
    elsewhere.mkdir()
    for number in range(5):
        (elsewhere / f"{number}.txt").write_text("x")

    def work() -> None:
        (index / "catalog.sqlite").write_text("x")
        (folder / ".hidden").write_text("x")
        for file in elsewhere.iterdir():
            file.rename(folder / file.name)

    seen = signals(folder, index, threading.Thread(target=work), 5)
    assert sum(seen) == 5
    assert len(seen) < 5  # one, unless the machine is so busy that it pauses between two files


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
