import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rerank.errors import BadInput
from rerank.scorer import Scored
from rerank.scores_cache import ScoreCache, text_key
from rerank.vectors_cache import Packed, VectorCache, pack


def vectors(seed: int, n: int = 20, d: int = 384) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    unit: np.ndarray = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def test_equal_texts_have_equal_keys_and_surrogates_have_one_too() -> None:
    assert text_key("a") == text_key("a") != text_key("b")
    assert len(text_key("\ud800")) == 32


def test_scores_come_back_marked_as_cached_and_only_for_their_model_and_query() -> None:
    cache = ScoreCache(10)
    cache.put_many("m@1", "q", ["a", "b"], [Scored(1.0, 0.7), Scored(2.0, 0.8, tokens=3)])
    assert cache.get_many("m@1", "q", ["b", "c", "a"]) == [
        Scored(2.0, 0.8, tokens=3, cached=True),
        None,
        Scored(1.0, 0.7, cached=True),
    ]
    assert cache.get_many("m@2", "q", ["a"]) == cache.get_many("m@1", "other", ["a"]) == [None]


def test_the_least_recently_used_score_goes_first() -> None:
    cache = ScoreCache(2)
    cache.put_many("m", "q", ["a", "b"], [Scored(1, 1), Scored(2, 2)])
    cache.get_many("m", "q", ["a"])
    cache.put_many("m", "q", ["c"], [Scored(3, 3)])
    assert [found is not None for found in cache.get_many("m", "q", ["a", "b", "c"])] == [True, False, True]
    cache.clear()
    assert cache.entries == 0


def test_two_threads_share_a_score_cache() -> None:
    cache = ScoreCache(50)

    def work(thread: int) -> None:
        for i in range(2000):
            key = str(i % 100)
            cache.put_many("m", "q", [key], [Scored(float(key), 0)])
            (found,) = cache.get_many("m", "q", [str((i * 7 + thread) % 100)])
            assert found is None or found.logit == (i * 7 + thread) % 100

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    assert cache.entries == 50


def test_packed_vectors_are_within_half_a_step_and_a_quarter_of_the_bytes() -> None:
    floats = vectors(0)
    packed = pack(floats)
    assert np.abs(packed.unpack() - floats).max() <= packed.scales.max() / 2 + 1e-7
    assert packed.codes.nbytes + packed.scales.nbytes < floats.nbytes * 0.27


def test_zero_vectors_and_no_vectors_survive_packing() -> None:
    assert not pack(np.zeros((2, 4), np.float32)).unpack().any()
    assert pack(np.zeros((0, 4), np.float32)).unpack().shape == (0, 4)


def test_vectors_come_back_and_memory_stays_bounded() -> None:
    size = pack(vectors(0)).nbytes
    cache = VectorCache(3 * size)
    cache.put_many("m", ["a", "b", "c"], [vectors(i) for i in range(3)])
    cache.get_many("m", ["a"])
    cache.put_many("m", ["d"], [vectors(3)])
    found = cache.get_many("m", ["a", "b", "c", "d"])
    assert [one is not None for one in found] == [True, False, True, True]
    assert found[3] is not None
    np.testing.assert_allclose(found[3], vectors(3), atol=0.002)
    assert cache.bytes == 3 * size
    cache.put_many("m", ["d"], [vectors(4)])
    assert cache.bytes == 3 * size
    cache.put_many("m", ["huge"], [vectors(5, n=2000)])
    assert cache.get_many("m", ["huge"]) == [None]
    cache.clear()
    assert cache.bytes == 0


def test_vectors_on_disk_survive_the_process_and_clear_removes_them(tmp_path: Path) -> None:
    first = VectorCache(1 << 20, tmp_path)
    first.put_many("m", ["a", "empty"], [vectors(1), np.zeros((0, 384), np.float32)])
    first.close()
    second = VectorCache(1 << 20, tmp_path)
    found, other, _ = second.get_packed("m", ["a", "b", "empty"])
    assert isinstance(found, Packed)
    assert other is None
    np.testing.assert_array_equal(found.codes, pack(vectors(1)).codes)
    assert second.get_many("other model", ["a"]) == [None]
    second.clear()
    second.close()
    assert VectorCache(1 << 20, tmp_path).get_many("m", ["a"]) == [None]


def test_the_file_is_bounded_and_drops_the_least_recently_used(tmp_path: Path) -> None:
    size = pack(vectors(0)).codes.nbytes + pack(vectors(0)).scales.nbytes
    cache = VectorCache(3 * size, tmp_path)  # memory counts overhead and holds two of them
    for i, key in enumerate("abcd"):
        cache.put_many("m", [key], [vectors(i)])
    cache.close()
    again = VectorCache(3 * size, tmp_path)
    assert [one is not None for one in again.get_many("m", list("abcd"))] == [False, True, True, True]


WRITER = """
import sys, numpy as np
from pathlib import Path
from rerank.vectors_cache import VectorCache
cache = VectorCache(1 << 26, Path(sys.argv[1]))
for i in range(40):
    cache.put_many("m", [f"{sys.argv[2]}-{i}"], [np.full((10, 16), i + 1, np.float32)])
    cache.get_many("m", [f"{other}-{i}" for other in ("x", "y")])
if sys.argv[3] == "die":
    import os
    os._exit(1)
"""


def test_two_processes_write_at_once_and_one_dies_without_harm(tmp_path: Path) -> None:
    started = [
        subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", WRITER, str(tmp_path), name, end], cwd=Path(__file__).parents[2]
        )
        for name, end in (("x", "die"), ("y", "live"))
    ]
    assert [process.wait(60) for process in started] == [1, 0]
    cache = VectorCache(1 << 26, tmp_path)
    for name in ("x", "y"):
        for i, found in enumerate(cache.get_many("m", [f"{name}-{i}" for i in range(40)])):
            assert found is not None
            np.testing.assert_allclose(found, i + 1, rtol=1e-6)


def test_a_damaged_file_is_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "token-vectors.sqlite").write_bytes(b"this is not a database" * 100)
    cache = VectorCache(1 << 20, tmp_path)
    cache.put_many("m", ["a"], [vectors(1)])
    assert "damaged" in caplog.text
    cache.close()
    assert VectorCache(1 << 20, tmp_path).get_many("m", ["a"])[0] is not None


def test_a_locked_file_costs_the_vectors_on_disk_but_not_the_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = VectorCache(1 << 20, tmp_path)
    other = sqlite3.connect(tmp_path / "token-vectors.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    cache.put_many("m", ["a"], [vectors(1)])
    other.execute("ROLLBACK")
    other.close()
    assert "kept in memory only" in caplog.text
    assert cache.get_many("m", ["a"])[0] is not None


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot hold token vectors"):
        VectorCache(1 << 20, tmp_path / "file")
