"""Which weights exactly: a name for the content of model files, so that what is kept is never another model's."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from rerank.models.errors import BadCheckpoint

_SETTINGS = ("config.json", "tokenizer.json")
"""Files beside the weights that scores depend on as much."""


class Revision:
    """A fingerprint of model files, taken once and checked before the weights are read again."""

    def __init__(self, folder: Path, weights: Sequence[Path]) -> None:
        """Read every byte of `weights` and of the settings in `folder`."""
        self._folder = folder
        self._files = (*weights, *(folder / name for name in _SETTINGS if (folder / name).is_file()))
        self._stamps = self._stamp()
        self._name = fingerprint(self._files)

    def __str__(self) -> str:
        """The fingerprint."""
        return self._name

    def require_same(self) -> None:
        """Check that the files still hold what they held; files whose size and time are unchanged are not read.

        Raises:
            BadCheckpoint: they were changed: scores of the old and the new weights would be kept as if of one model.
        """
        now = self._stamp()
        if now == self._stamps:
            return
        if fingerprint(self._files) != self._name:
            raise BadCheckpoint(f"The files in {self._folder} were changed while in use: load the model again.")
        self._stamps = now

    def _stamp(self) -> list[tuple[int, int]]:
        try:
            return [(one.st_size, one.st_mtime_ns) for one in (file.stat() for file in self._files)]
        except OSError as gone:
            raise BadCheckpoint(f"{gone.filename} cannot be read any more: download or copy it again.") from gone


def fingerprint(files: Sequence[Path]) -> str:
    """The first 16 hex digits of a SHA-256 over the files' names and whole contents."""
    together = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            own = hashlib.file_digest(stream, "sha256").hexdigest()
        together.update(f"{file.name}:{own}\n".encode())
    return together.hexdigest()[:16]
