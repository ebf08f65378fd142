from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rerank.late.maxsim import STRETCH, maxima, similarities, sums
from rerank.vectors_cache import pack


def unit(rows: int, width: int, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)
    vectors: np.ndarray = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return vectors


def test_similarities_are_dot_products_within_the_rounding_of_int8() -> None:
    query, passages = unit(7, 96, 0), [unit(rows, 96, rows) for rows in (5, 1, 12)]
    found = similarities(query, [pack(one) for one in passages])
    exact = query @ np.concatenate(passages).T
    assert found.shape == (7, 18)
    assert np.abs(found - exact).max() < 0.005
    packed = query @ np.concatenate([pack(one).unpack() for one in passages]).T
    assert np.abs(found - packed).max() < 1e-4


def test_an_empty_passage_has_no_similarities() -> None:
    empty = pack(np.zeros((0, 8), dtype=np.float32))
    assert similarities(unit(3, 8, 0), [empty]).shape == (3, 0)
    assert similarities(unit(3, 8, 0), [empty, pack(unit(2, 8, 1))]).shape == (3, 2)


def test_maxima_by_hand() -> None:
    similar = np.array([[0.1, 0.9, 0.3, -0.5], [0.2, 0.1, 0.8, 0.4]], dtype=np.float32)
    assert np.array_equal(maxima(similar, [2, 0, 2]), np.array([[0.9, 0.2], [0, 0], [0.3, 0.8]], dtype=np.float32))
    assert maxima(similar[:, :0], [0, 0]).tolist() == [[0.0, 0.0], [0.0, 0.0]]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=12), st.integers(1, 4))
def test_maxima_equal_a_plain_loop(lengths: list[int], queries: int) -> None:
    similar = np.random.default_rng(sum(lengths)).normal(size=(queries, sum(lengths))).astype(np.float32)
    found = maxima(similar, lengths)
    start = 0
    for row, length in zip(found, lengths, strict=True):
        part = similar[:, start : start + length]
        assert row.tolist() == (part.max(axis=1) if length else np.zeros(queries)).tolist()
        start += length


def test_sums_by_hand() -> None:
    similar = np.array([[0.5, 0.0, 0.0, 0.0, 0.0, 0.25], [0.0, 0.0, 0.0, 0.0, 1.0, 0.0]], dtype=np.float32)
    assert sums(similar, [6]).tolist() == [1.5]
    assert sums(similar, [6], 6).tolist() == [1.5]
    assert sums(similar, [6], 4).tolist() == [(1.5 + 1.25) / 2]  # tokens 2 to 5 together
    assert sums(similar, [2, 0, 4], 2).tolist() == [0.5, 0.0, (1.25 + 1.25) / 2]
    assert sums(similar[:, :0], [0, 0], 4).tolist() == [0.0, 0.0]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(1, 4), st.sampled_from([2, 4, 10]))
def test_sums_equal_a_plain_loop(lengths: list[int], queries: int, stretch: int) -> None:
    similar = np.random.default_rng(sum(lengths)).normal(size=(queries, sum(lengths))).astype(np.float32)
    found = sums(similar, lengths, stretch)
    start = 0
    for value, length in zip(found.tolist(), lengths, strict=True):
        part = similar[:, start : start + length].astype(np.float64)
        start += length
        if not length:
            assert value == 0.0
            continue
        whole = part.max(axis=1).sum()
        close = max(part[:, at : at + stretch].max(axis=1).sum() for at in range(0, length, stretch // 2))
        assert np.isclose(value, (whole + close) / 2, atol=1e-5)
        assert value <= whole + 1e-9


def test_a_passage_within_one_stretch_is_scored_as_a_whole() -> None:
    similar = np.random.default_rng(0).normal(size=(5, STRETCH)).astype(np.float32)
    assert np.allclose(sums(similar, [STRETCH], STRETCH), sums(similar, [STRETCH]))
