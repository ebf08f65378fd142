"""Which model exactly: a name for the content of its files, so that vectors of two models are never compared."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from indexer.errors import EmbedderError

_FILES = ("*.json", "*.safetensors", "*.bin", "*.model", "vocab.txt", "merges.txt")
"""What vectors depend on: settings, weights, and the tokenizer in each of its forms."""


def revision(folder: Path) -> str:
    """Twelve hex digits of a SHA-256 over the names and every byte of a model's files, in folders below too.

    Within a process, a file whose size and time are as they were is not read again.

    Raises:
        EmbedderError: a file cannot be read.
    """
    together = hashlib.sha256()
    for file in sorted({file for pattern in _FILES for file in folder.rglob(pattern)}):
        try:
            stamp = file.stat()
            own = _digest(file, stamp.st_size, stamp.st_mtime_ns, stamp.st_ino)
        except OSError as reason:
            raise EmbedderError(f"{file} cannot be read ({reason.strerror}): download or copy it again.") from reason
        together.update(f"{file.relative_to(folder).as_posix()}:{own}\n".encode())
    return together.hexdigest()[:12]


@lru_cache(maxsize=256)
def _digest(file: Path, _size: int, _time: int, _number: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
