"""Killed at any point and run again, an index equals one that was built in peace."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.index import Index
from indexer.lock import owner

SCRIPT = Path(__file__).with_name("killed_ingest.py")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX")


def ingest(folder: Path, index: Path, fatal: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), str(folder), str(index), str(fatal)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603  our own script


def content(index: Path) -> dict[str, Any]:
    """Everything that can be observed of an index, and that it is whole."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("killed_ingest", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    with Index.open(index, module.HashEmbedder(), create=False) as opened:
        assert opened.verify() == []
        chunks = {chunk.id: chunk for chunk in opened.all_chunks()}
        hits = {query: opened.sparse(query, 100) for query in ("walrus", "number 7", "changed")}
        for query, found in hits.items():
            exact = opened.sparse(query, 100, "rank-bm25")
            assert [(hit.chunk_id, round(hit.score, 1)) for hit in found] == [
                (hit.chunk_id, round(hit.score, 1)) for hit in exact
            ]
        vectors = opened.vectors(list(chunks))
        return {
            "chunks": chunks,
            "documents": [(one.document, one.sha256, one.chunks) for one in opened.documents()],
            "vectors": {key: tuple(np.round(value, 5)) for key, value in sorted(vectors.items())},
        }


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder and its index, after which the folder changed in every way."""
    base = tmp_path_factory.mktemp("crash")
    folder = base / "folder"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number:03}.txt").write_text(f"Walrus number {number} swims {'far ' * (number % 7)}away.")
    assert ingest(folder, base / "index").returncode == 0
    for number in range(0, 300, 3):
        (folder / f"{number:03}.txt").write_text(f"This text, number {number}, was changed " + "entirely, yes " * 9)
    for number in range(1, 90, 3):
        (folder / f"{number:03}.txt").unlink()
    for number in range(2, 90, 3):
        (folder / f"{number:03}.txt").rename(folder / f"moved-{number:03}.txt")
    for number in range(300, 400):
        (folder / f"{number:03}.txt").write_text(f"A new walrus, number {number}.\n\nIt has a second paragraph.")
    return base


@pytest.fixture(scope="module")
def clean(before: Path) -> dict[str, Any]:
    assert ingest(before / "folder", before / "clean").returncode == 0
    return content(before / "clean")


@pytest.fixture(scope="module")
def calls(before: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many calls a whole run makes."""
    index = tmp_path_factory.mktemp("whole") / "index"
    shutil.copytree(before / "index", index)
    return int(ingest(before / "folder", index).stdout)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.7, 0.9, 0.98])
def test_a_killed_run_is_made_good_by_the_next(
    before: Path, calls: int, clean: dict[str, Any], tmp_path: Path, share: float
) -> None:
    shutil.copytree(before / "index", tmp_path / "index")
    killed = ingest(before / "folder", tmp_path / "index", int(calls * share))
    assert killed.returncode == -signal.SIGKILL
    assert owner(tmp_path / "index") is None
    assert ingest(before / "folder", tmp_path / "index").returncode == 0
    assert content(tmp_path / "index") == clean
