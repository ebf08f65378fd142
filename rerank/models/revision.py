"""Which model exactly: a name for the content of its files, so that what is kept is never taken for another model's."""

from __future__ import annotations

import hashlib
from pathlib import Path

import data
from rerank.models.errors import BadCheckpoint

_FILES = ("*.json", "*.safetensors", "*.bin", "*.model", "vocab.txt", "merges.txt")
"""What scores and vectors depend on: settings, weights, and the tokenizer in each of its forms."""


def revision(folder: Path) -> str:
    """Twelve hex digits of a SHA-256 over the names and every byte of a model's files, in folders below too.

    Within a process, a file that was not touched is not read again.

    Raises:
        BadCheckpoint: a file cannot be read.
    """
    together = hashlib.sha256()
    for file in sorted({file for pattern in _FILES for file in folder.rglob(pattern)}):
        try:
            own = data.sha256(file)
        except OSError as reason:
            raise BadCheckpoint(f"{file} cannot be read ({reason.strerror}): download or copy it again.") from reason
        together.update(f"{file.relative_to(folder).as_posix()}:{own}\n".encode())
    return together.hexdigest()[:12]


class Revision:
    """The revision of a model folder, taken once and checked before its weights are read again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = revision(folder)

    def __str__(self) -> str:
        """The revision."""
        return self._name

    def require_same(self) -> None:
        """Check that the files still hold what they held; those that were not touched are not read.

        Raises:
            BadCheckpoint: they were changed: scores of the old and the new weights would be kept as if of one model.
        """
        if revision(self._folder) != self._name:
            raise BadCheckpoint(f"The files in {self._folder} were changed while in use: load the model again.")
