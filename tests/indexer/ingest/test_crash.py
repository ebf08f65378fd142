"""Killed at any point and run again, an index equals one that was built in peace."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import killed_ingest
import pytest
from hash_embedder import HashEmbedder
from whole import content, copy_index

from indexer.index import Index
from indexer.lock import owner

pytestmark = [pytest.mark.crash, pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX")]

SEED = 20_261_120
POINTS = 50
FILES = 120
"""Batches begin at 32 chunks and double: this makes three."""


class Runner:
    """A process that runs each ingest in a fork of itself."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  our own script
            [sys.executable, killed_ingest.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def __call__(self, folder: Path, index: Path, **when: float) -> dict[str, Any]:
        """How a run ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"folder": str(folder), "index": str(index), **when}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=60)


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    made = Runner()
    yield made
    made.close()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder and its index, after which the folder changed in every way; three batches each."""
    base = tmp_path_factory.mktemp("crash")
    folder = base / "folder"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:03}.txt").write_text(f"Walrus number {number} swims {'far ' * (number % 7)}away.")
    with Index.open(base / "index", HashEmbedder()) as index:
        index.sync(folder)
    for number in range(0, FILES, 3):
        (folder / f"{number:03}.txt").write_text(f"This text, number {number}, was changed " + "entirely, yes " * 9)
    for number in range(1, 40, 3):
        (folder / f"{number:03}.txt").unlink()
    for number in range(2, 40, 3):
        (folder / f"{number:03}.txt").rename(folder / f"moved-{number:03}.txt")
    for number in range(FILES, FILES + 50):
        (folder / f"{number:03}.txt").write_text(f"A new walrus, number {number}.\n\nIt has a second paragraph.")
    return base


@pytest.fixture(scope="module")
def clean(before: Path) -> dict[str, Any]:
    with Index.open(before / "clean", HashEmbedder()) as index:
        index.sync(before / "folder")
    return content(before / "clean")


@pytest.fixture(scope="module")
def whole_run(before: Path, runner: Runner, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """How many calls a whole run makes, and how long it takes."""
    index = tmp_path_factory.mktemp("whole") / "index"
    copy_index(before / "index", index)
    return runner(before / "folder", index)


def survives(base: Path, index: Path, clean: dict[str, Any]) -> None:
    """The killed process left no lock, and the next run makes the index equal to a clean one."""
    assert owner(index) is None
    with Index.open(index, HashEmbedder()) as opened:
        opened.sync(base / "folder")
    assert content(index) == clean


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.7, 0.9, 0.98])
def test_a_killed_run_is_made_good_by_the_next(
    before: Path, runner: Runner, whole_run: dict[str, Any], clean: dict[str, Any], tmp_path: Path, share: float
) -> None:
    copy_index(before / "index", tmp_path / "index")
    killed = runner(before / "folder", tmp_path / "index", calls=int(whole_run["calls"] * share))
    assert killed["signal"] == signal.SIGKILL
    survives(before, tmp_path / "index", clean)


def test_fifty_random_kills_are_each_made_good_by_the_next_run(
    before: Path, runner: Runner, whole_run: dict[str, Any], clean: dict[str, Any], tmp_path: Path
) -> None:
    choose = random.Random(SEED)
    hit = 0
    for point in range(POINTS):
        index = tmp_path / f"index-{point}"
        copy_index(before / "index", index)
        if point % 2:  # inside the engine and the database, too: whenever the clock says
            killed = runner(before / "folder", index, seconds=choose.uniform(0.02, 0.9) * whole_run["seconds"])
        else:
            killed = runner(before / "folder", index, calls=choose.randint(1, whole_run["calls"] - 1))
        hit += killed["signal"] == signal.SIGKILL
        survives(before, index, clean)
        shutil.rmtree(index)
    assert hit >= POINTS // 2


def test_a_run_killed_twice_in_a_row_is_made_good(
    before: Path, runner: Runner, whole_run: dict[str, Any], clean: dict[str, Any], tmp_path: Path
) -> None:
    copy_index(before / "index", tmp_path / "index")
    for share in (0.6, 0.4):
        assert runner(before / "folder", tmp_path / "index", calls=int(whole_run["calls"] * share))["signal"]
    survives(before, tmp_path / "index", clean)


def test_a_killed_run_is_resumed_without_embedding_finished_files_again(
    before: Path, runner: Runner, tmp_path: Path
) -> None:
    whole = runner(before / "folder", tmp_path / "first")
    killed = runner(before / "folder", tmp_path / "second", calls=int(whole["calls"] * 0.9))
    assert killed["signal"] == signal.SIGKILL
    embedder = HashEmbedder()
    with Index.open(tmp_path / "second", embedder) as index:
        kept = {chunk.text for chunk in index.all_chunks()}
        index.sync(before / "folder")
    assert kept
    assert not kept & set(embedder.embedded)
