"""A long row of things in lists that are short enough for one statement, request or transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in order, in lists of `size`, the last one of what is left; nothing is read ahead of the list."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
