from __future__ import annotations

from indexer.parts import parts


def test_parts_hold_everything_in_order() -> None:
    assert list(parts(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(parts([], 2)) == []


def test_nothing_is_read_ahead() -> None:
    source = iter(range(5))
    assert next(parts(source, 2)) == [0, 1]
    assert next(source) == 2
