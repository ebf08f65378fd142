from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.chunk import Hit, chunk_id
from indexer.errors import StoreError, StoreLocked
from indexer.vectors.contract import Point
from indexer.vectors.edge import EdgeStore

D = 16
ROOT = Path(__file__).resolve().parents[3]


def _unit(seed: int, d: int = D) -> NDArray[np.float32]:
    vector = np.random.default_rng(seed).normal(size=d)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _point(seed: int, document: str = "a.txt", sparse: Mapping[int, float] | None = None) -> Point:
    weights = {seed % 5: 1.0, 1000 + seed: 0.5} if sparse is None else sparse
    return Point(chunk_id(document, seed, str(seed)), document, _unit(seed), weights)


def _ids(hits: list[Hit]) -> list[str]:
    return [hit.chunk_id for hit in hits]


def test_a_shard_reopens_with_everything_in_it(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "vectors"
    store = EdgeStore.open(place, D)
    store.upsert([_point(seed) for seed in range(300)])
    store.reweight([(_point(0).id, {5: 1.0})])
    store.delete([_point(1).id])
    store.optimize()
    store.close()
    again = EdgeStore.open(place, D)
    assert again.count() == 299
    assert _ids(again.sparse({5: 1.0}, 5)) == [_point(0).id]
    assert _ids(again.dense(_unit(3), 1, ["a.txt"])) == [_point(3).id]
    again.close()


def test_a_shard_of_another_dimension_is_refused_and_stays_whole(tmp_path: Path) -> None:
    store = EdgeStore.open(tmp_path, D)
    store.upsert([_point(0)])
    store.close()
    with pytest.raises(StoreError, match="another model"):
        EdgeStore.open(tmp_path, D + 1)
    again = EdgeStore.open(tmp_path, D)
    assert again.count() == 1
    again.close()


@pytest.mark.parametrize("damaged", ["edge_config.json", "segments/*/segment.json", "wal/*"])
def test_a_damaged_shard_is_refused_in_a_sentence(tmp_path: Path, damaged: str) -> None:
    store = EdgeStore.open(tmp_path, D)
    store.upsert([_point(seed) for seed in range(300)])
    store.close()
    for file in tmp_path.glob(damaged):
        if file.is_file():
            file.write_bytes(b"\x00not what it was")
    with pytest.raises(StoreError, match="cannot be opened"):
        EdgeStore.open(tmp_path, D)


def test_a_place_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match="cannot be opened"):
        EdgeStore.open(tmp_path / "file", D)


def _run(code: str, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 (our own interpreter and code)
        [sys.executable, "-c", code, *args],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_a_second_open_is_locked_in_this_process_and_in_another(tmp_path: Path) -> None:
    store = EdgeStore.open(tmp_path, D)
    with pytest.raises(StoreLocked, match="in use by another process"):
        EdgeStore.open(tmp_path, D)
    code = (
        "import sys; from pathlib import Path\n"
        "from indexer.vectors.edge import EdgeStore; from indexer.errors import StoreLocked\n"
        f"try: EdgeStore.open(Path(sys.argv[1]), {D}); print('opened')\n"
        "except StoreLocked as error: print('locked', error)\n"
    )
    said, _ = _run(code, str(tmp_path)).communicate(timeout=60)
    assert said.startswith("locked")
    assert str(tmp_path) in said
    store.upsert([_point(0)])
    store.close()
    said, _ = _run(code, str(tmp_path)).communicate(timeout=60)
    assert said.strip() == "opened"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_a_killed_writer_loses_nothing_it_flushed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from indexer.chunk import chunk_id\n"
        "from indexer.vectors.edge import EdgeStore; from indexer.vectors.contract import Point\n"
        f"store = EdgeStore.open(Path(sys.argv[1]), {D})\n"
        f"rows = np.random.default_rng(0).normal(size=(2000, {D})).astype(np.float32)\n"
        "store.upsert([Point(chunk_id('a', n, ''), 'a', row, {n: 1.0}) for n, row in enumerate(rows)])\n"
        "store.reweight([(chunk_id('a', 0, ''), {9999: 1.0})])\n"
        "store.delete([chunk_id('a', 1, '')])\n"
        "store.flush()\n"
        "print('flushed', flush=True)\n"
        "store.upsert([Point(chunk_id('b', n, ''), 'b', row, {}) for n, row in enumerate(rows)])\n"
        "print('written', flush=True)\n"
        "sys.stdin.read()\n"
    )
    writer = _run(code, str(tmp_path))
    assert writer.stdout is not None
    assert writer.stdout.readline() == "flushed\n"
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate(timeout=60)
    store = EdgeStore.open(tmp_path, D)
    ids = set(store.ids())
    assert {chunk_id("a", n, "") for n in range(2000)} - ids == {chunk_id("a", 1, "")}
    assert _ids(store.sparse({9999: 1.0}, 5)) == [chunk_id("a", 0, "")]
    assert len(store.dense(_unit(0), 3000, ["a"])) == 1999
    store.close()
