"""What ships with Second Look? Sample documents, judged queries, prompt templates, the packaged weights."""

from data.shipped import (
    MAXSIM,
    MINILM,
    MINILM_SHA256,
    TRAINED,
    ShippedFileError,
    minilm_folder,
    path,
    sha256,
    trained_folder,
)

__all__ = [
    "MAXSIM",
    "MINILM",
    "MINILM_SHA256",
    "TRAINED",
    "ShippedFileError",
    "minilm_folder",
    "path",
    "sha256",
    "trained_folder",
]
