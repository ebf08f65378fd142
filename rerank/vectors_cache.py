"""Token vectors that were computed once: packed, in memory and on disk, bounded in bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from rerank.vector_file import VectorFile

_ENTRY_OVERHEAD = 512
"""Bytes that Python spends on an entry besides its arrays: two array headers, a key of two strings, a dict slot."""


@dataclass(frozen=True, slots=True)
class Packed:
    """Token vectors as one byte per component and one scale per token.

    Measured with all-MiniLM-L6-v2 over 120 NFCorpus documents and 30 queries: a MaxSim score moves by 0.0001 on
    average and 0.0007 at most, in half of the bytes of fp16, and unpacking is faster than from fp16.
    """

    codes: NDArray[np.int8]
    """Shape (n, d)."""
    scales: NDArray[np.float32]
    """Shape (n,)."""

    @property
    def nbytes(self) -> int:
        """Bytes that an entry costs."""
        return self.codes.nbytes + self.scales.nbytes + _ENTRY_OVERHEAD

    def unpack(self) -> NDArray[np.float32]:
        """The vectors, shape (n, d), each component within half a scale of the original."""
        vectors: NDArray[np.float32] = self.codes * self.scales[:, None]
        return vectors


def pack(vectors: NDArray[np.float32]) -> Packed:
    """Vectors of shape (n, d) in packed form."""
    floats = np.asarray(vectors, dtype=np.float32)
    scales = np.abs(floats).max(axis=1, initial=0.0) / np.float32(127)
    divisor = np.where(scales > 0, scales, np.float32(1))
    return Packed(np.rint(floats / divisor[:, None]).astype(np.int8), scales.astype(np.float32))


class VectorCache:
    """Token vectors by (model, text), bounded in bytes; safe between threads, and on disk between processes.

    Memory holds at most `max_bytes`, the least recently used going first. With a `folder`, entries are also kept in
    one SQLite file there, bounded by the same number of bytes, and survive the process.
    """

    def __init__(self, max_bytes: int, folder: Path | None = None) -> None:
        self._most = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[tuple[str, str], Packed] = OrderedDict()
        self._lock = Lock()
        self._file = VectorFile(folder, max_bytes) if folder is not None else None

    @property
    def bytes(self) -> int:
        """Bytes held in memory."""
        return self._bytes

    def get_many(self, model: str, keys: Sequence[str]) -> list[NDArray[np.float32] | None]:
        """The vectors of each key, shape (n, d), or None; `model` names model and revision, a key is a `text_key`."""
        return [found.unpack() if found else None for found in self.get_packed(model, keys)]

    def get_packed(self, model: str, keys: Sequence[str]) -> list[Packed | None]:
        """The same without unpacking."""
        with self._lock:
            found = [self._get((model, key)) for key in keys]
            missing = [i for i, one in enumerate(found) if one is None]
            if self._file is not None and missing:
                for i, stored in zip(missing, self._file.get_many(model, [keys[i] for i in missing]), strict=True):
                    if stored is not None:
                        found[i] = Packed(*stored)
                        self._keep((model, keys[i]), Packed(*stored))
            return found

    def put_many(self, model: str, keys: Sequence[str], vectors: Sequence[NDArray[np.float32]]) -> None:
        """Keep one array of shape (n, d) per key."""
        packed = [pack(one) for one in vectors]
        with self._lock:
            for key, one in zip(keys, packed, strict=True):
                self._keep((model, key), one)
            if self._file is not None:
                self._file.put_many(model, keys, [(one.codes, one.scales) for one in packed])

    def clear(self) -> None:
        """Forget everything, on disk too."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0
            if self._file is not None:
                self._file.clear()

    def close(self) -> None:
        """Let go of the file, if there is one."""
        with self._lock:
            if self._file is not None:
                self._file.close()

    def _get(self, place: tuple[str, str]) -> Packed | None:
        found = self._kept.get(place)
        if found is not None:
            self._kept.move_to_end(place)
        return found

    def _keep(self, place: tuple[str, str], packed: Packed) -> None:
        replaced = self._kept.pop(place, None)
        self._bytes -= replaced.nbytes if replaced else 0
        if packed.nbytes > self._most:
            return
        self._kept[place] = packed
        self._bytes += packed.nbytes
        while self._bytes > self._most:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= gone.nbytes
