"""Scores that were computed once and need not be again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock

from rerank.scorer import Scored


def text_key(text: str) -> str:
    """A short name for a text: equal texts have equal keys, different ones different keys (BLAKE2b, 128 bits)."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class ScoreCache:
    """The scores of the most recently used (model, query, passage) triples; safe between threads."""

    def __init__(self, max_entries: int = 100_000) -> None:
        self._most = max_entries
        self._kept: OrderedDict[tuple[str, str, str], Scored] = OrderedDict()
        self._lock = Lock()

    def get_many(self, model: str, query: str, keys: Sequence[str]) -> list[Scored | None]:
        """What each key got before, marked as cached, or None.

        `model` names everything else that a score depends on: name, revision, limits.
        """
        with self._lock:
            return [self._get((model, query, key)) for key in keys]

    def put_many(self, model: str, query: str, keys: Sequence[str], scored: Sequence[Scored]) -> None:
        """Keep one `Scored` per key; the least recently used ones go."""
        with self._lock:
            for key, one in zip(keys, scored, strict=True):
                self._kept[model, query, key] = one
                self._kept.move_to_end((model, query, key))
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()

    @property
    def entries(self) -> int:
        """Scores held."""
        return len(self._kept)

    def _get(self, place: tuple[str, str, str]) -> Scored | None:
        found = self._kept.get(place)
        if found is None:
            return None
        self._kept.move_to_end(place)
        return replace(found, cached=True)
